"""Reliability of predicted probabilities."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def reliability(probability: ArrayLike, passed: ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Predicted and observed fractions of events, in bins of equally many events by predicted probability.

    The table has a row for each bin: `predicted`, the mean of the probabilities; `observed`, the fraction
    of events that pass; `error`, its binomial standard deviation if the probabilities are right; and
    `events`. Σ ((observed - predicted)/error)² is then χ² distributed, with `bins` degrees of freedom.

    Args:
        probability: predicted probabilities (n,), 0 to 1.
        passed: whether the events pass, (n,).
        bins: number of bins, at most n.

    Raises:
        ValueError: for arrays of other shapes, probabilities outside 0 to 1, or more bins than events.
    """
    predicted, label = np.asarray(probability, "float64"), np.asarray(passed, "float64")
    if predicted.ndim != 1 or predicted.shape != label.shape:
        raise ValueError(
            f"probability and passed must be (n,) each, got {predicted.shape} and {label.shape}"
        )
    if not ((predicted >= 0.0) & (predicted <= 1.0)).all():
        raise ValueError("probability must be between 0 and 1")
    if not 1 <= bins <= len(predicted):
        raise ValueError(f"bins must be 1 to the number of events, {len(predicted)}, got {bins}")
    rows = []
    for own in np.array_split(np.argsort(predicted, kind="stable"), bins):
        variance = np.mean(predicted[own] * (1.0 - predicted[own]))
        rows.append((predicted[own].mean(), label[own].mean(), np.sqrt(variance / len(own)), len(own)))
    return pd.DataFrame(rows, columns=["predicted", "observed", "error", "events"])
