"""Events of a process in memory."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mizoo.datasets.samples import Samples
from mizoo.physics.process import Process


@dataclass(frozen=True, eq=False)
class Events(Samples):
    """Samples of a `process`: x and z are arrays (n, 4 × objects) in GeV.

    Columns are px, py, pz, E of each object in turn; `frame` names them.

    Raises:
        ValueError: as `Samples` does, and for a wrong shape or a negative energy, with the column.
    """

    process: Process = field(kw_only=True)

    def check(self, array, space):  # noqa: D102
        check(array, self.process, space)

    def frame(self, space: str) -> pd.DataFrame:
        """One space as a DataFrame with named columns, in GeV."""
        return pd.DataFrame(self[space], columns=self.process.columns(space))


def check(array, process, space, source=""):
    """Check an array of events against a process.

    Args:
        source: where the array came from, for the message.

    Raises:
        ValueError: as `Events` does.
    """
    columns = process.columns(space)
    where = f"{source}: " if source else ""
    if array.ndim != 2 or array.shape[1] != len(columns):
        raise ValueError(
            f"{where}{space} of {process.name} must have shape (n, {len(columns)}), "
            f"px py pz E of each object, got {array.shape}"
        )
    if not len(array):
        raise ValueError(f"{where}{space} has no events")
    for bad, what in (
        (~np.isfinite(array), "not finite"),
        (np.where([c.startswith("E_") for c in columns], array, 0.0) < 0, "a negative energy"),
    ):
        if bad.any():
            event, column = np.argwhere(bad)[0]
            raise ValueError(
                f"{where}{space} has {bad.any(1).sum()} bad events; the first is event {event}: "
                f"{columns[column]} is {array[event, column]} ({what})"
            )
