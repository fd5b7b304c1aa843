"""A warning that names the observables in which a model is far from the truth."""

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from mizoo.datasets.events import Events
from mizoo.datasets.samples import Samples
from mizoo.evaluation.observables import masses
from mizoo.objectives import LINKS

FACTOR = 3.0
# In GeV. A narrower peak, at parton level, is judged by its position, as its KS distance is large for any
# model.
_NARROW, _OFF = 0.1, 0.1
_SHOWN = 5  # observables per stream in the message


class DisagreementWarning(UserWarning):
    """Warns that generated events are far from the truth in some observables."""


class Disagreement(NamedTuple):
    """An observable in which generated events are far from the truth.

    Attributes:
        stream: stream of the generated events.
        observable: name of the observable.
        excess: ratio of the KS distance to its 95 % threshold.
        shift: shift of the median in GeV, for narrow peaks, which are judged by it; else None.
    """

    stream: str
    observable: str
    excess: float
    shift: float | None = None

    def __str__(self) -> str:
        """The observable and its deviation."""
        if self.shift is not None:
            return f"{self.observable} (median {self.shift:+.2g} GeV off)"
        return f"{self.observable} ({self.excess:.1f} ×)"


def disagreements(
    table: pd.DataFrame, truth: Samples, streams: Mapping[str, np.ndarray], factor: float = FACTOR
) -> list[Disagreement]:
    """Observables whose KS distance is more than `factor` times its 95 % threshold.

    Masses come first, as a peak can be lost although all components look fine. A mass with 68 % of the true
    events within 0.1 GeV is judged by its median instead, which may be 0.1 GeV off.

    Args:
        table, truth, streams: attributes of a `Report`.
        factor: largest acceptable multiple of the threshold.
    """
    found = []
    for stream in table.index.unique("stream"):
        rows = table.loc[stream]
        excess = (rows["ks"] / rows["threshold"]).to_dict()
        shifts, first = _masses(truth, streams[stream], LINKS[stream].target)
        far = [
            Disagreement(stream, name, value, shifts.get(name))
            for name, value in excess.items()
            if (abs(shifts[name]) > _OFF if name in shifts else value > factor)
        ]
        found += sorted(far, key=lambda one: (one.observable not in first, -one.excess))
    return found


def warn_of(found: list[Disagreement], name: str) -> None:
    """Warn in one line of the `disagreements` of the model `name`, if any."""
    parts = []
    for stream in dict.fromkeys(one.stream for one in found):
        own = [str(one) for one in found if one.stream == stream]
        more = f" and {len(own) - _SHOWN} more" if len(own) > _SHOWN else ""
        parts.append(f"{stream} in {', '.join(own[:_SHOWN])}{more}")
    if parts:
        warnings.warn(
            f"{name} is far from the truth, by KS distances over their 95 % thresholds: {'; '.join(parts)}",
            DisagreementWarning,
            stacklevel=3,
        )


def _masses(truth: Samples, made: np.ndarray, space: str) -> tuple[dict[str, float], set[str]]:
    """Shifts of the medians of narrow peaks in GeV, and the names of all masses."""
    if not isinstance(truth, Events):
        return {}, set()
    true = masses(truth.arrays()[space], space, truth.process)
    narrow = {
        name for name, values in true.items() if np.ptp(np.nanquantile(values, [0.16, 0.84])) < _NARROW
    }
    if not narrow:
        return {}, set(true)
    other = masses(made, space, truth.process)
    return {name: float(np.nanmedian(other[name]) - np.nanmedian(true[name])) for name in narrow}, set(true)
