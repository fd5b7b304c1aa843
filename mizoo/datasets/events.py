"""Events of a process in memory."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mizoo.datasets.checks import above_beam, check_units, faults
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
            does not have (it names event and column), for momenta that are not in GeV, and for one above
            the energy of a beam.
    """

    process: Process = field(kw_only=True)

    def check(self, array: np.ndarray, space: str) -> None:  # noqa: D102
        if not len(array):
            raise ValueError(f"{space} has no events")
        _refuse(faults(array, self.process, space), space)
        check_units(array, self.process, space)
        _refuse(above_beam(array, self.process, space), space)

    def frame(self, space: str) -> pd.DataFrame:
        """One space as a DataFrame with named columns, in GeV."""
        return pd.DataFrame(self[space], columns=self.process.columns(space))


def _refuse(found: dict[int, str], space: str) -> None:
    if found:
        first = min(found)
        raise ValueError(f"{space} has {len(found)} bad events; the first is event {first}: {found[first]}")
