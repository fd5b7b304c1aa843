"""Stochastic residual networks: the mappers of OTUS."""

import keras
import tensorflow as tf

from mizoo.mappers.gaussian import normal
from mizoo.mappers.noisy import Noisy
from mizoo.serialisation import build, serialisable


@serialisable
class StochasticResidual(Noisy):
    """condition + network([condition, noise]), where the noise's law depends on the condition.

    The conditional noise and the residual connection of OTUS (arXiv 2101.08944, methods). Its likelihood
    is that of `Noisy`. Condition and target have one shape, (d,).

    Args:
        network: from d + `noises` numbers to d.
        noise_network: from d numbers to 2 × `noises`: means and logarithms of deviations.
        shape: of one target.
        noises: number of noise components.
        law, scale: as for `Noisy`.

    Raises:
        ValueError: for a `stddev`, which the noise's network says, and for conditions of another shape.
    """

    kind = "stochastic residual"

    def __init__(self, network, noise_network, shape, noises, **kwargs):
        super().__init__(network, shape, **{"stddev": 1.0, **kwargs})
        if self.stddev != 1.0:
            raise ValueError(f"the deviation of the noise is learnt: stddev is 1, not {self.stddev}")
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

    def given(self, condition, noise=None, training=None):
        law = normal(self.noise_network(condition, training=training))
        seen = tf.concat([condition, law.loc + law.scale * self.draw(condition, noise)()], -1)
        return self.around(
            condition + keras.ops.cast(self.network(seen, training=training), condition.dtype)
        )
