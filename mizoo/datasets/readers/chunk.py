"""The output of all readers: consecutive events, and a mask of the wanted ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np


@dataclass
class Chunk:
    """Consecutive events of one source.

    Attributes:
        source: name of the file, for messages.
        first: index of the first event in the source.
        arrays: px py pz E of each object, (n, 4 × objects) in GeV, by space; unwanted rows may hold
            anything.
        wanted: mask (n,) of events that belong to the process and passed the selection.
        weights: weights (n,), if the source has any.
        bad: faults of events, by row; these events are `wanted`, as far as can be told.
        announced: number of events that the source announces, if it does.
    """

    source: str
    first: int
    arrays: dict[str, np.ndarray]
    wanted: np.ndarray
    weights: np.ndarray | None = None
    bad: dict[int, str] = field(default_factory=dict)
    announced: int | None = None

    def __len__(self) -> int:
        return len(self.wanted)

    def rows(self, start: int, stop: int) -> Self:
        """The events from row `start` to row `stop`."""
        return type(self)(
            self.source,
            self.first + start,
            {space: array[start:stop] for space, array in self.arrays.items()},
            self.wanted[start:stop],
            None if self.weights is None else self.weights[start:stop],
            {n - start: what for n, what in self.bad.items() if start <= n < stop},
            self.announced,
        )


Reader = Callable[..., Iterator[Chunk]]
"""Reader of a format, called with source, process, size of chunks, memory limit and its own options."""
