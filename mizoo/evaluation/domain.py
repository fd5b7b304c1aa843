"""The domain of the training events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mizoo.datasets.events import Events
from mizoo.datasets.samples import Samples
from mizoo.evaluation.observables import existing, masses, polar
from mizoo.physics.process import Process

# Relative to the largest value; numbers of one event differ by this between files.
_ROUNDING = 1e-4
_MOST_ETA = 20.0  # of an object along the beam


@dataclass(frozen=True)
class Domain:
    """Least and largest values of the training events, of pT, η and masses or of the columns of arrays.

    A model is not valid for events outside, see `outside`.

    Attributes:
        ranges: least and largest values by space and quantity, pT and masses in GeV; none for spaces that
            are no vectors, such as images.
    """

    ranges: dict[str, dict[str, tuple[float, float]]]

    @classmethod
    def of(cls, data: Samples) -> Self:
        """The domain of training data; events of weight 0 do not count."""
        process = data.process if isinstance(data, Events) else None
        ranges = {}
        for space, array in data.arrays().items():
            if array.ndim == 2:
                seen = array if data.weights is None else array[data.weights != 0.0]
                ranges[space] = {
                    name: _ends(values) for name, values in _quantities(seen, space, process).items()
                }
        return cls(ranges)

    @classmethod
    def from_dict(cls, content: Mapping[str, Mapping[str, Any]]) -> Self:
        """The domain of a result of `to_dict`.

        Raises:
            ValueError: for other content.
        """
        try:
            return cls(
                {s: {n: (float(a), float(b)) for n, (a, b) in of.items()} for s, of in content.items()}
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"a domain has least and largest values by space and name: {error}") from error

    def to_dict(self) -> dict[str, dict[str, list[float]]]:
        """As a JSON serialisable dictionary."""
        return {s: {name: list(ends) for name, ends in of.items()} for s, of in self.ranges.items()}

    def outside(self, values: ArrayLike, space: str, process: Process | None = None) -> np.ndarray:
        """Mask (n, quantities) of values below or above those of all training events.

        Args:
            values: events (n, columns) in GeV, or vectors (n, d), of `space`.
            space: `"x"` or `"z"`.
            process: process of events; None for other arrays.

        Raises:
            ValueError: if the domain has other quantities.
        """
        known = self.ranges.get(space, {})
        found = _quantities(np.asarray(values), space, process)
        if list(found) != list(known):
            raise ValueError(
                f"the domain of {space} is of {', '.join(known) or 'nothing'}, not of {', '.join(found)}"
            )
        columns = []
        for name, (low, high) in known.items():
            tolerance = _ROUNDING * max(abs(low), abs(high))
            columns.append((found[name] < low - tolerance) | (found[name] > high + tolerance))
        return np.stack(columns, 1)

    def describe(self, outside: np.ndarray, space: str) -> str:
        """One line on a result of `outside`: the number of events, and the quantity with most of them."""
        return self.describe_counts(
            space, len(outside), int(outside.any(1).sum()), np.count_nonzero(outside, axis=0)
        )

    def describe_counts(self, space: str, events: int, count: int, each: np.ndarray) -> str:
        """The line of `describe`, from the counts of all events, of those outside, and by quantity."""
        line = f"{count} of {events} events lie outside what the training has seen"
        if not count:
            return line
        most, (low, high) = list(self.ranges[space].items())[each.argmax()]
        return f"{line}, {each.max()} of them in {most} (training: {low:.4g} to {high:.4g})"


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Least and largest value; zeros for objects that no event has, so that each one is outside."""
    known, _ = existing(values)
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)


def _quantities(values: np.ndarray, space: str, process: Process | None) -> dict[str, np.ndarray]:
    if process is None:
        return {f"{space}{i}": column for i, column in enumerate(values.T)}
    pt, eta, _ = polar(values, process if space == "x" else None)
    eta = np.clip(
        np.nan_to_num(eta, nan=np.nan, posinf=_MOST_ETA, neginf=-_MOST_ETA), -_MOST_ETA, _MOST_ETA
    )
    named: dict[str, np.ndarray] = {}
    for i, particle in enumerate(process.particles(space)):
        named |= {f"pt_{particle.name}": pt[:, i], f"eta_{particle.name}": eta[:, i]}
    return named | masses(values, space, process)
