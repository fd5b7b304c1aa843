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
# In GeV. A peak that is narrower, at parton level, is right if it is where it should be: KS distances of
# such peaks are large whatever a model does.
_NARROW, _OFF = 0.1, 0.1
_SHOWN = 5  # observables of each stream


class DisagreementWarning(UserWarning):
    """Says that generated events are far from the truth in some observables."""


class Disagreement(NamedTuple):
    """An observable in which generated events are far from the truth.

    Attributes:
        stream: of the generated events.
        observable: its name.
        excess: KS distance over its 95 % threshold.
        shift: GeV between the medians, of a narrow peak that is judged by it; else None.
    """

    stream: str
    observable: str
    excess: float
    shift: float | None = None

    def __str__(self) -> str:
        """The observable, and how far off it is."""
        if self.shift is not None:
            return f"{self.observable} (median {self.shift:+.2g} GeV off)"
        return f"{self.observable} ({self.excess:.1f} ×)"


def disagreements(
    table: pd.DataFrame, truth: Samples, streams: Mapping[str, np.ndarray], factor: float = FACTOR
) -> list[Disagreement]:
    """Observables whose KS distance is more than `factor` times its 95 % threshold.

    Masses come first, as a peak can be lost where all components look fine. Of a mass with 68 % of the true
    events within 0.1 GeV the median counts instead: it may be 0.1 GeV off.

    Args:
        table, truth, streams: of a `Report`.
        factor: what counts as far.
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
    """Warn in one line of what `disagreements` has found for the model `name`, if anything."""
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
    """By how many GeV the medians of narrow peaks are off, and the names of all masses."""
    if not isinstance(truth, Events):
        return {}, set()
    true = masses(truth[space], space, truth.process)
    narrow = {name for name, values in true.items() if np.ptp(np.quantile(values, [0.16, 0.84])) < _NARROW}
    if not narrow:
        return {}, set(true)
    other = masses(made, space, truth.process)
    return {name: float(np.median(other[name]) - np.median(true[name])) for name in narrow}, set(true)
