"""The distribution of a latent code given data, the encoder of InfoGAN."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Network, Tensor
from mizoo.mappers.base import NetworkMapper
from mizoo.mappers.conditional import Conditional
from mizoo.mappers.gaussian import normal
from mizoo.representations.latent import Latent

tfd = tfp.distributions


class CodeDistribution(Conditional):
    """The prior for noise, normal distributions for uniform parts, categorical ones for categories."""

    def __init__(self, latent: Latent, parameters: Tensor, noise: Callable[[], Tensor]) -> None:
        numbers, *logits = tf.split(parameters, [2 * latent.uniform, *latent.categories], -1)
        self._latent = latent
        self._numbers = normal(numbers)
        self._categories = [tfd.OneHotCategorical(part, dtype=tf.float32) for part in logits]
        self._noise = noise

    def sample(self) -> Tensor:
        blind, numbers, *categories = self._latent.split(self._noise())
        # The Gumbel-max trick, with the quantiles of the normal noise.
        shares = [0.5 * (1.0 + tf.math.erf(part / math.sqrt(2.0))) for part in categories]
        surprises = [-tf.math.log(-tf.math.log(tf.clip_by_value(s, 1e-7, 1.0 - 1e-6))) for s in shares]
        choices = [
            tf.one_hot(tf.argmax(distribution.logits_parameter() + surprise, -1), surprise.shape[-1])
            for distribution, surprise in zip(self._categories, surprises, strict=True)
        ]
        return tf.concat([blind, self._numbers.loc + self._numbers.scale * numbers, *choices], -1)

    def log_prob(self, target: Tensor) -> Tensor:
        blind, numbers, *categories = self._latent.split(target)
        total = -0.5 * tf.reduce_sum(tf.square(blind) + math.log(2.0 * math.pi), -1)
        total += tf.reduce_sum(self._numbers.log_prob(numbers), -1)
        for distribution, part in zip(self._categories, categories, strict=True):
            total += tf.reduce_sum(distribution.logits_parameter() * part, -1) - tf.reduce_logsumexp(
                distribution.logits_parameter(), -1
            )
        return total


@serialisable
class CodePosterior(NetworkMapper):
    """q(z|x) for a `Latent` of several parts: the code is inferred, and noise keeps its prior.

    The variational distribution of InfoGAN (arXiv 1606.03657, section 6): independent normal distributions
    for the uniform part of the code, categorical ones for the categories.

    Args:
        network: network from x to 2 × uniform + sum(categories) numbers: means, logarithms of standard
            deviations, logits.
        latent: representation of z, a `Latent`.
    """

    kind = "code"
    excluded_from_config = ("shape",)

    def __init__(self, network: Network, latent: Latent, **kwargs: Any) -> None:
        super().__init__(network, latent.shape, **kwargs)
        self.latent = latent

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> CodeDistribution:
        return CodeDistribution(
            self.latent,
            tf.cast(self.network(condition, training=training), tf.float32),
            self.draw(condition, noise),
        )
