"""Normal distributions with learnt means and deviations: the mappers of variational models."""

import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.core.serialisation import serialisable
from mizoo.mappers.base import NetworkMapper


class _Normal:
    """A normal distribution with independent components, and the noise that draws from it."""

    def __init__(self, normal, noise):
        self.normal = normal
        self._noise = noise

    def sample(self):
        return self.normal.loc + self.normal.scale * self._noise()

    def log_prob(self, target):
        density = self.normal.log_prob(tf.cast(target, tf.float32))
        return tf.reduce_sum(density, range(1, len(target.shape)))


def normal(parameters, largest=7.0):
    """Normal distribution of numbers (…, 2k): k means, then k log-deviations, clipped to ±`largest`."""
    mean, log_deviation = tf.split(tf.cast(parameters, tf.float32), 2, -1)
    return tfp.distributions.Normal(mean, tf.exp(tf.clip_by_value(log_deviation, -largest, largest)))


@serialisable
class Gaussian(NetworkMapper):
    """A network that gives mean and deviation of every component (arXiv 1312.6114).

    Args:
        network: a Keras layer or model from condition to arrays of the target's shape, but twice as
            large along the last axis: means, then logarithms of deviations.
        shape: of one target.
    """

    kind = "Gaussian"

    def distribution(self, condition, noise=None, training=None):
        distribution = normal(self.network(condition, training=training))
        self.of_target(distribution.loc)
        return _Normal(distribution, self.draw(condition, noise))
