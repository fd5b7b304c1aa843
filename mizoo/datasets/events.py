"""Events of a process in memory."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mizoo.core.optional import extra
from mizoo.datasets.checks import above_beam, check_units, faults
from mizoo.datasets.jagged import to_awkward
from mizoo.datasets.padding import with_nan
from mizoo.datasets.samples import Samples
from mizoo.datasets.weights import WEIGHTS
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
        """One space as a DataFrame with named columns, in GeV; NaN for objects that an event lacks."""
        array = with_nan(self[space], self.process) if space == "x" else self[space]
        return pd.DataFrame(array, columns=self.process.columns(space))

    def to_awkward(self) -> Any:
        """The events as an awkward array with a field per space, and `weights` if there are any.

        A space is a record with a field per kind of objects, such as `events.x.jet.px`, see
        `mizoo.datasets.jagged.to_awkward`. `mizoo.datasets.read` reads such arrays.

        Raises:
            ImportError: without awkward.
        """
        ak = extra("awkward", "an awkward array")
        fields = {space: to_awkward(array, self.process, space) for space, array in self.arrays().items()}
        weights = {} if self.weights is None else {WEIGHTS: ak.from_numpy(self.weights)}
        return ak.zip({**fields, **weights}, depth_limit=1)


def _refuse(found: dict[int, str], space: str) -> None:
    if found:
        first = min(found)
        raise ValueError(f"{space} has {len(found)} bad events; the first is event {first}: {found[first]}")
