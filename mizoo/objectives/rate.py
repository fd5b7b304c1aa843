"""The R term of the bottleneck family."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.core.serialisation import serialisable
from mizoo.objectives.base import Objective
from mizoo.representations import Latent


@serialisable
class Rate(Objective):
    """R = E KL(q(z|x) ‖ p_z) in nats: what z_tilde tells of x, to be kept small (arXiv 1912.00830).

    In closed form for normal distributions (arXiv 1312.6114, appendix B), otherwise from one draw per
    event.

    Args:
        weight: of the term, the β of arXiv 1804.03599.
        stream: of a space with a prior, `Latent`.

    Raises:
        ValueError: for a stream of a space without a prior.
    """

    symbol = "R"

    def __init__(self, weight=1.0, stream="z_tilde", label="", **kwargs):
        super().__init__(stream, weight, label, **kwargs)

    def loss(self, streams):
        given, prior = streams.distribution(self.stream), streams.representations[self.stream[0]]
        if not isinstance(prior, Latent):
            raise ValueError(f"{self.term} needs a prior, which {self.stream[0]} does not have")
        distribution = getattr(given, "normal", None)
        if isinstance(distribution, tfp.distributions.Normal) and prior.is_normal:
            divergence = tfp.distributions.kl_divergence(distribution, tfp.distributions.Normal(0.0, 1.0))
            return keras.ops.mean(tf.reduce_sum(divergence, range(1, len(divergence.shape))))
        draw = streams[self.stream]
        return keras.ops.mean(given.log_prob(draw) - prior.log_prob(draw))
