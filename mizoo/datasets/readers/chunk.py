"""What all readers give: a run of events, and which of them are wanted."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np


@dataclass
class Chunk:
    """Events of one source, in its order.

    Attributes:
        source: name of the file, for messages.
        first: number of the first event in the source.
        arrays: (n, 4 × objects) by space, px py pz E in GeV; rows that are not wanted may hold anything.
        wanted: (n,), whether an event is of the process and passed the selection.
        weights: (n,), if the source has any.
        bad: what is wrong with events, by their row; these are `wanted`, as far as can be told.
        announced: events that the source says it has, if it does.
    """

    source: str
    first: int
    arrays: dict[str, np.ndarray]
    wanted: np.ndarray
    weights: np.ndarray | None = None
    bad: dict[int, str] = field(default_factory=dict)
    announced: int | None = None

    def __len__(self):
        return len(self.wanted)

    def rows(self, start: int, stop: int) -> Self:
        """Some of the events, in a row."""
        return type(self)(
            self.source,
            self.first + start,
            {space: array[start:stop] for space, array in self.arrays.items()},
            self.wanted[start:stop],
            None if self.weights is None else self.weights[start:stop],
            {n - start: what for n, what in self.bad.items() if start <= n < stop},
            self.announced,
        )
