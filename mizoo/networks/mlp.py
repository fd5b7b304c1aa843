"""Dense networks."""

from collections.abc import Sequence

import keras


def mlp(
    hidden: Sequence[int], outputs: int, activation: str = "relu", name: str = "mlp"
) -> keras.Sequential:
    """A multilayer perceptron: one dense layer for each of `hidden`, then a linear one.

    Args:
        hidden: units of the hidden layers.
        outputs: units of the last layer.
        activation: of the hidden layers.
    """
    layers = [keras.layers.Dense(units, activation=activation) for units in hidden]
    return keras.Sequential([*layers, keras.layers.Dense(outputs)], name=name)


def linear_and_mlp(
    inputs: int, hidden: Sequence[int], outputs: int, activation: str = "silu", name: str = "linear_and_mlp"
) -> keras.Model:
    """A linear map and what a multilayer perceptron, which begins at zero, adds to it.

    Args:
        inputs: components of the input.
        hidden, outputs, activation: as for `mlp`.
    """
    given = features = keras.layers.Input((inputs,))
    for units in hidden:
        features = keras.layers.Dense(units, activation=activation)(features)
    added = keras.layers.Dense(outputs, kernel_initializer="zeros")(features)
    direct = keras.layers.Dense(outputs, use_bias=False)(given)
    return keras.Model(given, keras.layers.Add()([added, direct]), name=name)
