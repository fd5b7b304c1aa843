"""Distributions of targets given one batch of conditions, as mappers return them."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.core.prior import Prior
from mizoo.core.types import Tensor


class Conditional(ABC):
    """The distribution of targets (n, …) given one batch of n conditions."""

    @abstractmethod
    def sample(self) -> Tensor:
        """One draw per event, (n, …), differentiable in the mapper's weights and the conditions."""

    @abstractmethod
    def log_prob(self, target: Tensor) -> Tensor:
        """Log-density of `target` (n, …) in nats, (n,), up to a constant if the scale is fixed."""

    @property
    def latent(self) -> Tensor:
        """Latents (n, d) of the conditions, in the latent space of the mapper.

        Raises:
            ValueError: if the mapper has no latent space.
        """
        raise ValueError(f"{type(self).__name__} has no latent: a Transcoder's and a Flow's have")

    def kl_divergence(self, prior: Prior, draw: Callable[[], Tensor]) -> Tensor:
        """KL(this ‖ prior) in nats, (n,): in closed form where it is known, else from one draw per event.

        Args:
            prior: distribution on the space of the targets.
            draw: function that returns the draws (n, …), called if they are needed.
        """
        drawn = draw()
        return self.log_prob(drawn) - prior.log_prob(drawn)


class Transformed(Conditional):
    """A distribution with transformed draws and the latent of the inner distribution."""

    def __init__(self, inner: Conditional) -> None:
        self._inner = inner

    @property
    def latent(self) -> Tensor:
        """Latents (n, d) of the inner distribution."""
        return self._inner.latent


def sum_over_components(values: Tensor) -> Tensor:
    """Sums (n,) over all components of values (n, …)."""
    return tf.reduce_sum(values, range(1, len(values.shape)))


class TFPDistribution(Conditional):
    """A distribution of TensorFlow Probability with batch shape (n,), whose events are targets.

    Draws use TensorFlow's own generator. Mappers that must repeat their draws, or be exported to ONNX,
    cannot use it.
    """

    def __init__(self, distribution: tfp.distributions.Distribution) -> None:
        self._distribution = distribution

    def sample(self) -> Tensor:
        """One draw per event, (n, …)."""
        return self._distribution.sample()

    def log_prob(self, target: Tensor) -> Tensor:
        """Log-density of `target` (n, …) in nats, (n,)."""
        return self._distribution.log_prob(target)
