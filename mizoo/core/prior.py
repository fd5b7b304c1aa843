"""The interface of priors: distributions without condition."""

from abc import ABC, abstractmethod

from mizoo.core.types import Tensor


class Prior(ABC):
    """The distribution of a space, from which missing data are drawn."""

    @property
    def is_normal(self) -> bool:
        """Whether the prior is the standard normal distribution."""
        return False

    @abstractmethod
    def sample(self, count: int | Tensor) -> Tensor:
        """Draws (count, …) in coordinates."""

    @abstractmethod
    def log_prob(self, values: Tensor) -> Tensor:
        """Log-density (log-probability, for categories) of values (n, …) in nats, one per event, (n,).

        Raises:
            ValueError: if the density is not known.
        """

    @property
    @abstractmethod
    def entropy(self) -> float:
        """Entropy in nats.

        Raises:
            ValueError: if the entropy is not known.
        """
