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
