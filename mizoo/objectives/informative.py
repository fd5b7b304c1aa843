"""Terms of a loss that bound or estimate mutual information."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from typing import NamedTuple

import numpy as np

from mizoo.core.types import Tensor
from mizoo.mappers.base import Mapper
from mizoo.objectives.streams import LINKS, Streams, link

NO_ENTROPY = np.nan  # where no entropy is used


class Information(NamedTuple):
    """A bound or estimate in nats: its quantity, the target's entropy if it is used, and its value."""

    quantity: str
    entropy: float
    nats: float


class Informative(ABC):
    """A term of a loss that bounds or estimates mutual information, in nats."""

    @abstractmethod
    def informs(self, mappers: Mapping[str, Mapper | None], data: Set[str], priors: Set[str]) -> bool:
        """Whether the term has a value in nats.

        Args:
            mappers: mappers by role.
            data: spaces of the data.
            priors: spaces with a prior, from which missing data are drawn.
        """

    @abstractmethod
    def nats(self, streams: Streams) -> Tensor:
        """The value in nats on one batch, a scalar."""

    @abstractmethod
    def information(self, nats: float, entropy: Callable[[str], float]) -> Information:
        """The bound or estimate that a mean of `nats` over the data implies.

        Args:
            nats: mean of `nats`.
            entropy: function from the name of a space to its entropy in nats.
        """


def source(stream: str) -> str:
    """The space, "x" or "z", in which the path to a stream begins."""
    condition = link(stream).condition
    return source(condition) if condition in LINKS else condition
