"""Weights of events: their names in files, and their sign."""

import re
import warnings
from collections.abc import Iterable

import numpy as np

WEIGHT, WEIGHTS = "weight", "weights"
_KNOWN = (WEIGHT, WEIGHTS, "event.weight")
_ALIKE = re.compile(r"weight|wgt", re.IGNORECASE)


class UnusedWeights(UserWarning):
    """Warns of a name that looks like weights but is not read as weights."""


def weight_name(names: Iterable[str], source: str) -> str | None:
    """The name of the event weights: `weight`, `weights` or `event.weight`, in any case; None if missing.

    In that case an `UnusedWeights` warning lists similar names, if any.

    Raises:
        ValueError: if there are several.
    """
    names = [str(name) for name in names]
    found = [name for name in names if name.lower() in _KNOWN]
    if len(found) > 1:
        raise ValueError(f"several weights, {' and '.join(found)}: one is expected")
    if not found and (alike := [name for name in names if _ALIKE.search(name)]):
        warnings.warn(
            f"{source}: {', '.join(alike[:5])} not used; weights are called {WEIGHT!r}", UnusedWeights, 2
        )
    return found[0] if found else None


def check_not_negative(weights: np.ndarray, what: str) -> None:
    """Check that no weight is negative.

    Args:
        weights: weights (n,).
        what: user of the weights, for the message.

    Raises:
        ValueError: if some are negative; it gives their number and the remedy.
    """
    if negative := np.count_nonzero(np.asarray(weights) < 0.0):
        raise ValueError(
            f"{what} needs weights of 0 or more, and {negative} of {len(weights)} are negative: "
            "mizoo.datasets.positive_resampling makes them positive"
        )
