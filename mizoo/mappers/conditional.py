"""What mappers give: the distribution of targets, given one batch of conditions."""

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
        """Log-density of `target` (n, …) in nats (up to a constant if the scale is fixed), (n,)."""

    @property
    def latent(self) -> Tensor:
        """Where the conditions lie in the latent space of the mapper, (n, d).

        Raises:
            ValueError: for the distribution of a mapper without a latent space.
        """
        raise ValueError(f"{type(self).__name__} has no latent: a Transcoder's and a Flow's have")

    def kl_divergence(self, prior: Prior, draw: Callable[[], Tensor]) -> Tensor:
        """KL(this ‖ prior) in nats, (n,): by one draw per event, or in closed form where there is one.

        Args:
            prior: of the space of the targets.
            draw: gives the draws (n, …), where they are needed.
        """
        drawn = draw()
        return self.log_prob(drawn) - prior.log_prob(drawn)


class Transformed(Conditional):
    """Another distribution whose draws are transformed; the latent stays."""

    def __init__(self, inner: Conditional) -> None:
        self._inner = inner

    @property
    def latent(self) -> Tensor:
        """That of the other distribution, (n, d)."""
        return self._inner.latent


def sum_over_components(values: Tensor) -> Tensor:
    """Sums (n,) over all components of values (n, …)."""
    return tf.reduce_sum(values, range(1, len(values.shape)))


class TFPDistribution(Conditional):
    """A distribution of TensorFlow Probability, with batches (n,) of the events that are targets.

    It draws by TensorFlow's own generator: for mappers that need not repeat their draws, nor be written as
    ONNX files.
    """

    def __init__(self, distribution: tfp.distributions.Distribution) -> None:
        self._distribution = distribution

    def sample(self) -> Tensor:
        """One draw per event, (n, …)."""
        return self._distribution.sample()

    def log_prob(self, target: Tensor) -> Tensor:
        """Log-density of `target` (n, …) in nats, (n,)."""
        return self._distribution.log_prob(target)
