"""Events of a process in memory."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mizoo.datasets.checks import below_momentum, check_units
from mizoo.datasets.samples import Samples
from mizoo.physics.process import Process


@dataclass(frozen=True, eq=False)
class Events(Samples):
    """Samples of a `process`: x and z are arrays (n, 4 × objects) in GeV.

    Columns are px, py, pz, E of each object in turn; `frame` names them.

    Raises:
        ValueError: as `Samples` does, for a wrong shape, for an energy that is negative or below the
            momentum (it names the column), and for momenta that are not in GeV.
    """

    process: Process = field(kw_only=True)

    def check(self, array: np.ndarray, space: str) -> None:  # noqa: D102
        if not len(array):
            raise ValueError(f"{space} has no events")
        if found := faults(array, self.process, space):
            first = min(found)
            raise ValueError(
                f"{space} has {len(found)} bad events; the first is event {first}: {found[first]}"
            )
        check_units(array, self.process, space)

    def frame(self, space: str) -> pd.DataFrame:
        """One space as a DataFrame with named columns, in GeV."""
        return pd.DataFrame(self[space], columns=self.process.columns(space))


def faults(array: np.ndarray, process: Process, space: str) -> dict[int, str]:
    """Descriptions of bad events, by index: a value that is not finite, or an energy that is too small.

    Raises:
        ValueError: if the array does not have the columns of the process.
    """
    columns = process.columns(space)
    if array.ndim != 2 or array.shape[1] != len(columns):
        raise ValueError(
            f"{space} of {process.name} must have shape (n, {len(columns)}), "
            f"px py pz E of each object, got {array.shape}"
        )
    energies = np.array([name.startswith("E_") for name in columns])
    found: dict[int, str] = {}
    for wrong, what in (
        (~np.isfinite(array), "not finite"),
        (np.where(energies, array, 0.0) < 0.0, "a negative energy"),
    ):
        for event, column in np.argwhere(wrong):
            found.setdefault(int(event), f"{columns[column]} is {array[event, column]} ({what})")
    return {**below_momentum(array, process, space), **found}
