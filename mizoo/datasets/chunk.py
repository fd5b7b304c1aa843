"""What all readers give: a run of events, and which of them are wanted."""

from dataclasses import dataclass

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
    """

    source: str
    first: int
    arrays: dict[str, np.ndarray]
    wanted: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self):
        return len(self.wanted)
