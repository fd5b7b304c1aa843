"""What does not train in half precision, which needs losses that are scaled, is refused."""

import keras


def check_layers(layers) -> None:
    """Check that no layer computes in float16.

    Raises:
        ValueError: if one does, with its name.
    """
    for layer in layers:
        if layer.compute_dtype == "float16":
            raise ValueError(
                f"{layer.name} has the policy {layer.dtype_policy.name}, under which nothing is learnt: "
                "of the two optimisers Keras scales the loss of one; use mixed_bfloat16"
            )


def check_optimizer(optimizer: keras.optimizers.Optimizer, name: str) -> None:
    """Check that an optimiser does what it says in the steps of a `Turbo`.

    Raises:
        ValueError: if it expects a scaled loss, or keeps averages of weights, which are never used.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or optimizer.loss_scale_factor:
        raise ValueError(f"{name} expects a scaled loss, which it does not get; use mixed_bfloat16")
    if optimizer.use_ema:
        raise ValueError(f"{name} has use_ema=True, which is not used; give the model an ema_momentum")
