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
        activation: activation of the hidden layers.
        last: initializer of the last layer; `"zeros"` makes the initial output zero.
    """
    layers = [keras.layers.Dense(units, activation=activation) for units in hidden]
    return keras.Sequential([*layers, keras.layers.Dense(outputs, kernel_initializer=last)], name=name)


def linear_and_mlp(
    inputs: int,
    hidden: Sequence[int],
    outputs: int,
    activation: str = "silu",
    linear: str = "glorot_uniform",
    name: str = "linear_and_mlp",
) -> keras.Model:
    """The sum of a linear map and of a multilayer perceptron whose initial output is zero.

    Args:
        inputs: number of components of the input.
        hidden, outputs, activation: as for `mlp`.
        linear: initializer of the linear map.
    """
    given = keras.layers.Input((inputs,))
    added = mlp(hidden, outputs, activation, last="zeros")(given)
    direct = keras.layers.Dense(outputs, use_bias=False, kernel_initializer=linear)(given)
    return keras.Model(given, keras.layers.Add()([added, direct]), name=name)
