"""Normal distributions with learnt means and standard deviations: the mappers of variational models."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.core.prior import Prior
from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.mappers.base import NetworkMapper
from mizoo.mappers.conditional import Conditional, sum_over_components


class NormalDistribution(Conditional):
    """A normal distribution with independent components, sampled with the given noise."""

    def __init__(self, normal: tfp.distributions.Normal, noise: Callable[[], Tensor]) -> None:
        self._normal = normal
        self._noise = noise

    def sample(self) -> Tensor:
        return self._normal.loc + self._normal.scale * self._noise()

    def log_prob(self, target: Tensor) -> Tensor:
        return sum_over_components(self._normal.log_prob(tf.cast(target, tf.float32)))

    def kl_divergence(self, prior: Prior, draw: Callable[[], Tensor]) -> Tensor:
        """KL(this ‖ prior) in nats, (n,): in closed form for a normal prior (arXiv 1312.6114, app. B)."""
        if not prior.is_normal:
            return super().kl_divergence(prior, draw)
        standard = tfp.distributions.Normal(0.0, 1.0)
        return sum_over_components(tfp.distributions.kl_divergence(self._normal, standard))


def normal(parameters: Tensor, largest: float = 7.0) -> tfp.distributions.Normal:
    """Normal distribution from numbers (…, 2k): k means, then k log-deviations, clipped to ±`largest`."""
    mean, log_deviation = tf.split(tf.cast(parameters, tf.float32), 2, -1)
    return tfp.distributions.Normal(mean, tf.exp(tf.clip_by_value(log_deviation, -largest, largest)))


@serialisable
class Gaussian(NetworkMapper):
    """A network that predicts the mean and standard deviation of every component (arXiv 1312.6114).

    Args:
        network: Keras layer or model from condition to arrays of the target's shape, but twice as large
            along the last axis: means, then logarithms of standard deviations.
        shape: shape of one target.
    """

    kind = "Gaussian"

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> NormalDistribution:
        distribution = normal(self.network(condition, training=training))
        self.of_target(distribution.loc)
        return NormalDistribution(distribution, self.draw(condition, noise))
