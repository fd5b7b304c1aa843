"""Several draws per event as rows of a file, with the indices of event and draw."""

from collections.abc import Sequence

import numpy as np

from mizoo.core.whole import check_whole
from mizoo.datasets.readers.tables import EVENT, SAMPLE, WEIGHTS


def check_samples(samples: int | None) -> None:
    """Check a number of draws per event; None stands for one draw without columns `event` and `sample`.

    Raises:
        ValueError: if it is no integer of 1 or more.
    """
    if samples is not None:
        check_whole("samples", samples, 1)


def rows(
    space: str, draws: Sequence[np.ndarray], events: np.ndarray, weights: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Arrays for a file, with the draws grouped by event.

    Args:
        space: space of the draws.
        draws: k arrays (n, …), each with one draw per event.
        events: positions (n,) of the events in their file.
        weights: weights (n,) of the events, if any; each draw gets that of its event.

    Returns:
        By name, the draws (n · k, …), `event` (n · k,), `sample` (n · k,) from 0 to k − 1, and `weights`.
    """
    count = len(draws)
    drawn = np.stack(draws, 1)
    found = {
        space: drawn.reshape(-1, *drawn.shape[2:]),
        EVENT: np.repeat(events, count),
        SAMPLE: np.tile(np.arange(count), len(events)),
    }
    return found if weights is None else {**found, WEIGHTS: np.repeat(weights, count)}
