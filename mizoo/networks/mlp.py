"""Dense networks."""

from collections.abc import Sequence

import keras


def mlp(
    hidden: Sequence[int],
    outputs: int,
    activation: str = "relu",
    last: str = "glorot_uniform",
    name: str = "mlp",
) -> keras.Sequential:
    """A multilayer perceptron: one dense layer for each of `hidden`, then a linear one.

    Args:
        hidden: units of the hidden layers.
        outputs: units of the last layer.
        activation: of the hidden layers.
        last: initial weights of the last layer; `"zeros"` for a network whose output begins at zero.
    """
    layers = [keras.layers.Dense(units, activation=activation) for units in hidden]
    return keras.Sequential([*layers, keras.layers.Dense(outputs, kernel_initializer=last)], name=name)


def linear_and_mlp(
    inputs: int, hidden: Sequence[int], outputs: int, activation: str = "silu", name: str = "linear_and_mlp"
) -> keras.Model:
    """A linear map and what a multilayer perceptron, which begins at zero, adds to it.

    Args:
        inputs: components of the input.
        hidden, outputs, activation: as for `mlp`.
    """
    given = keras.layers.Input((inputs,))
    added = mlp(hidden, outputs, activation, last="zeros")(given)
    direct = keras.layers.Dense(outputs, use_bias=False)(given)
    return keras.Model(given, keras.layers.Add()([added, direct]), name=name)
