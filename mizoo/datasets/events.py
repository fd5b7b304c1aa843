"""Events of a process in memory."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mizoo.datasets.checks import below_momentum, check_units
from mizoo.datasets.padding import padding_faults
from mizoo.datasets.samples import Samples
from mizoo.physics.process import Process


@dataclass(frozen=True, eq=False)
class Events(Samples):
    """Samples of a `process`: x and z are arrays (n, columns) in GeV.

    Columns are px, py, pz, E of each object in turn, then features such as b-tags; `frame` names them. If
    the number of objects is variable, columns are those of the greatest number, by falling pT, and zeros
    stand for the objects that an event lacks, see `Process.present`.

    Raises:
        ValueError: as `Samples` does, for a wrong shape, for an energy that is negative or below the
            momentum, for a wrong number or order of objects of a variable number, for values that a feature
            does not have (it names event and column), and for momenta that are not in GeV.
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
    """Descriptions of bad events, by index.

    A value is not finite, an energy is too small, or objects and features are wrong, see `padding_faults`.

    Raises:
        ValueError: if the array does not have the columns of the process.
    """
    columns = process.columns(space)
    if array.ndim != 2 or array.shape[1] != len(columns):
        raise ValueError(
            f"{space} of {process.name} must have shape (n, {len(columns)}), "
            f"{described(process, space)}, got {array.shape}"
        )
    energies = np.array([name.startswith("E_") for name in columns])
    found: dict[int, str] = {}
    for wrong, what in (
        (~np.isfinite(array), "not finite"),
        (np.where(energies, array, 0.0) < 0.0, "a negative energy"),
    ):
        for event, column in np.argwhere(wrong):
            found.setdefault(int(event), f"{columns[column]} is {array[event, column]} ({what})")
    padded = padding_faults(array, process) if space == "x" else {}
    return {**padded, **below_momentum(array, process, space), **found}


def described(process: Process, space: str) -> str:
    """The meaning of the columns of a space, for messages."""
    features = {name: None for _, name in process.features} if space == "x" else {}
    return "px py pz E of each object" + "".join(f", then {name}" for name in features)
