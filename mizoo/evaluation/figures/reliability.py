"""Reliability curves of predicted probabilities."""

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mizoo.evaluation.figures.style import TRUE, style, subplots
from mizoo.evaluation.reliability import reliability


def reliability_curve(probability: ArrayLike, passed: ArrayLike, bins: int = 10) -> Figure:
    """Observed fraction of events against the predicted one, and their difference below.

    Args:
        probability, passed, bins: as for `mizoo.evaluation.reliability`.
    """
    table = reliability(probability, passed, bins)
    with style():
        figure, axes = subplots(2, 1, figsize=(8, 10), height_ratios=[3, 1], sharex=True)
        upper, lower = axes[:, 0]
        points = {"yerr": table.error, "fmt": "o", "color": "#d1495b"}
        upper.plot([0, 1], [0, 1], color=TRUE, lw=1)
        upper.errorbar(table.predicted, table.observed, **points)
        lower.axhline(0.0, color=TRUE, lw=1)
        lower.errorbar(table.predicted, table.observed - table.predicted, **points)
        upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="observed fraction")
        lower.set(xlabel="predicted probability", ylabel="difference")
    return figure
