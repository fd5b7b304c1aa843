"""What the terms of a loss say of mutual information."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from typing import NamedTuple

import numpy as np

from mizoo.core.types import Tensor
from mizoo.mappers.base import Mapper
from mizoo.objectives.streams import LINKS, Streams, link

NO_ENTROPY = np.nan  # of statements that do not follow from an entropy


class Information(NamedTuple):
    """A statement in nats: what is bounded or estimated, the target's entropy if it follows from it."""

    quantity: str
    entropy: float
    nats: float


class Informative(ABC):
    """A term of a loss that says something of mutual information, in nats."""

    @abstractmethod
    def informs(self, mappers: Mapping[str, Mapper | None], data: Set[str], priors: Set[str]) -> bool:
        """Whether the term has a value in nats.

        Args:
            mappers: the mappers by role.
            data: the spaces of the data.
            priors: the spaces that can be drawn from where the data have none.
        """

    @abstractmethod
    def nats(self, streams: Streams) -> Tensor:
        """The value in nats on one batch, a scalar."""

    @abstractmethod
    def information(self, nats: float, entropy: Callable[[str], float]) -> Information:
        """What a mean of `nats` over the data says.

        Args:
            entropy: that of a space, in nats, by name.
        """


def source(stream: str) -> str:
    """The space, "x" or "z", in which the path to a stream begins."""
    condition = link(stream).condition
    return source(condition) if condition in LINKS else condition
