"""The private API of Keras that mizoo relies on, checked on import.

No other module of the package uses private names of Keras or TensorFlow. `tests/test_compat.py` tests
whether upstream still needs each workaround.
"""

import keras
import tensorflow as tf


def _require(owner: type, name: str) -> None:
    if not hasattr(owner, name):
        raise ImportError(
            f"Keras {keras.__version__} has no {owner.__name__}.{name}, which mizoo relies on: "
            "install keras >= 3.15, < 4, or a newer mizoo"
        )


try:
    from keras.src.saving.serialization_lib import (
        ObjectSharingScope,
        record_object_after_deserialization,
    )
except ImportError as error:
    raise ImportError(
        f"Keras {keras.__version__} does not share objects of a file in the way mizoo relies on: "
        "install keras >= 3.15, < 4, or a newer mizoo"
    ) from error

_require(keras.Optimizer, "_all_reduce_sum_gradients")
_require(keras.Model, "_maybe_symbolic_build")
_require(keras.Model, "_flatten_layers")


def take_summed_gradients(optimizer: keras.Optimizer) -> None:
    """Make an optimiser accept gradients that are already summed over replicas.

    Keras clips the gradients of each replica before summing them, which differs from clipping the sum.
    """
    optimizer._all_reduce_sum_gradients = lambda pairs: pairs


def all_layers(model: keras.layers.Layer) -> list[keras.layers.Layer]:
    """All layers inside a model or a layer, at any depth."""
    return list(model._flatten_layers(include_self=False))


def inner_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers directly inside a layer."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


class BuiltAtConstruction:
    """Mixin for a `keras.Model` that is not built from a first batch.

    Keras mistakes a batch that is distributed over workers for a tensor (keras-team/keras #20585).
    """

    distribute_strategy: tf.distribute.Strategy

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if self.distribute_strategy.num_replicas_in_sync == 1:
            super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)


__all__ = [
    "BuiltAtConstruction",
    "ObjectSharingScope",
    "all_layers",
    "inner_layers",
    "record_object_after_deserialization",
    "take_summed_gradients",
]
