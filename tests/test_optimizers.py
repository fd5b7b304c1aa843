import keras
import numpy as np
import pytest

from mizoo.model.optimizers import AdamL2


def adam(gradients, weight, rate, l2, beta_1, beta_2, epsilon=1e-7):
    """Adam with a coupled penalty, written out (arXiv 1412.6980, algorithm 1)."""
    first = second = 0.0
    for step, gradient in enumerate(gradients, 1):
        gradient = gradient + l2 * weight
        first = beta_1 * first + (1 - beta_1) * gradient
        second = beta_2 * second + (1 - beta_2) * gradient**2
        alpha = rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        weight = weight - alpha * first / (np.sqrt(second) + epsilon)
    return weight


def test_penalty_passes_through_adam():
    variable = keras.Variable([2.0])
    optimizer = AdamL2(0.1, l2=0.5, beta_1=0.9, beta_2=0.7)
    gradients = [0.3, -0.8, 0.1]
    for gradient in gradients:
        optimizer.apply([keras.ops.array([gradient])], [variable])
    assert variable.numpy()[0] == pytest.approx(adam(gradients, 2.0, 0.1, 0.5, 0.9, 0.7), rel=1e-5)


def test_configuration():
    again = keras.optimizers.deserialize(keras.optimizers.serialize(AdamL2(0.1, l2=0.5)))
    assert isinstance(again, AdamL2)
    assert again.l2 == 0.5
