"""Dense networks."""

import keras


def mlp(hidden, outputs, activation="relu", weight_decay=0.0, name="mlp"):
    """A multilayer perceptron: one dense layer for each of `hidden`, then a linear one.

    Args:
        hidden: units of the hidden layers.
        outputs: units of the last layer.
        activation: of the hidden layers.
        weight_decay: adds this times the weight to each gradient, as PyTorch's Adam does.
    """
    penalty = keras.regularizers.L2(weight_decay / 2.0) if weight_decay else None

    def dense(units, activation=None):
        return keras.layers.Dense(units, activation, kernel_regularizer=penalty, bias_regularizer=penalty)

    return keras.Sequential([*(dense(n, activation) for n in hidden), dense(outputs)], name=name)
