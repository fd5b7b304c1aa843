"""Stochastic residual networks: the mappers of OTUS."""

import keras
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.mappers.gaussian import normal
from mizoo.mappers.noise_injected import Deterministic


@serialisable
class StochasticResidual(Deterministic):
    """condition + network([condition, noise]), where the noise's distribution depends on the condition.

    The conditional noise and the residual connection of OTUS (arXiv 2101.08944, methods). Its likelihood
    is that of `Deterministic`. Condition and target have one shape, (d,).

    Args:
        network: from d + `noises` numbers to d.
        noise_network: from d numbers to 2 × `noises`: means and logarithms of deviations.
        shape: of one target.
        noises: number of noise components.
        likelihood, scale: see `Deterministic`.

    Raises:
        ValueError: as `Deterministic` does, and for conditions of another shape.
    """

    kind = "stochastic residual"

    def __init__(self, network, noise_network, shape, noises: int, **kwargs):
        super().__init__(network, shape, **kwargs)
        self.noise_network = noise_network
        self.noises = noises

    def build(self, condition_shape):
        if tuple(condition_shape[1:]) != self.shape:
            found = tuple(condition_shape[1:])
            raise ValueError(f"a residual mapper to {self.shape} adds to such conditions, not to {found}")
        build(self.noise_network, condition_shape)
        build(self.network, (None, condition_shape[-1] + self.noises))
        self.built = True

    def noise_shape(self, condition_shape):
        return (self.noises,)

    def distribution(self, condition, noise=None, training=None):
        noise_distribution = normal(self.noise_network(condition, training=training))
        drawn = noise_distribution.loc + noise_distribution.scale * self.draw(condition, noise)()
        features = tf.concat([condition, drawn], -1)
        residual = keras.ops.cast(self.network(features, training=training), condition.dtype)
        return self.around(condition + residual)
