"""What a prior is: a distribution that needs no condition."""

from abc import ABC, abstractmethod

from mizoo.core.types import Tensor


class Prior(ABC):
    """The distribution of a space whose data may be missing: they are drawn from it then."""

    @property
    def is_normal(self) -> bool:
        """Whether it is the standard normal distribution."""
        return False

    @abstractmethod
    def sample(self, count: int | Tensor) -> Tensor:
        """Draws (count, …) in coordinates."""

    @abstractmethod
    def log_prob(self, values: Tensor) -> Tensor:
        """Log-density (log-probability, for categories) in nats of values (n, …), one per event, (n,).

        Raises:
            ValueError: if the density is not known.
        """

    @property
    @abstractmethod
    def entropy(self) -> float:
        """Entropy in nats.

        Raises:
            ValueError: if it is not known.
        """
