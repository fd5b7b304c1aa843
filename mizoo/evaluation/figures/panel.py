"""Histograms of truth and model above their ratio."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import mplhep
import numpy as np
from hist import Hist, axis
from hist.storage import Weight
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mizoo.evaluation.figures.style import TRUE, round_edges, style, subplots, total_weight

Weighted = tuple[np.ndarray, np.ndarray | None]  # values (n,), and their weights (n,) or None
_SPIKE = 0.2  # fraction of equal values from which on they are no part of a histogram
_HALF_RANGES = (0.1, 0.2, 0.5, 1.0)  # of ratios about 1


class Panel(NamedTuple):
    """An observable in truth and models.

    Attributes:
        label: label of the axis, without unit.
        unit: unit of the values, or nothing.
        truth: true values and weights.
        models: colour, and values and weights, of each model by name.
    """

    label: str
    unit: str
    truth: Weighted
    models: dict[str, tuple[str, Weighted]]


def with_ratios(
    panels: Sequence[Panel],
    truth: str,
    rows: int = 1,
    bins: int = 50,
    log: bool = False,
    percentiles: Sequence[float] = (0.3, 99.7),
    counted: str = "Events",
) -> Figure:
    """Histograms of all panels, each above the ratio of its models to the truth.

    Bands and bars are statistical errors, √Σw². Models are scaled to the total weight of the truth.
    Triangles mark ratios beyond the axis.

    Args:
        panels: the panels, row by row.
        truth: name of the true values.
        rows: number of rows of panels.
        bins: approximate number of bins; their width is a round number.
        log: whether the axes of the histograms are logarithmic, which shows tails.
        percentiles: percentiles of the true values at which the axes end.
        counted: what is counted, for the vertical axes.
    """
    columns = -(-len(panels) // rows)
    with style():
        figure, axes = subplots(
            2 * rows,
            columns,
            figsize=(7.5 * columns, 9.5 * rows),
            height_ratios=[3, 1] * rows,
            sharex=False,
        )
        for i, panel in enumerate(panels):
            row, column = divmod(i, columns)
            upper, lower = axes[2 * row, column], axes[2 * row + 1, column]
            _draw(upper, lower, panel, truth, bins, log, percentiles, counted)
            if column == 0:
                lower.set_ylabel("ratio")
        lines, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(lines, names, loc="outside upper left", ncols=len(names), fontsize=22)
    return figure


def _draw(
    upper: Axes,
    lower: Axes,
    panel: Panel,
    truth: str,
    bins: int,
    log: bool,
    percentiles: Sequence[float],
    counted: str,
) -> None:
    common = spike(panel.truth[0])
    true = _without(panel.truth, common)
    edges = _edges(true[0], percentiles, bins)
    _, content, error = _filled(edges, *true)
    upper.stairs(content, edges, fill=True, color=TRUE, alpha=0.15, label=truth)
    upper.stairs(content, edges, color=TRUE, lw=1)
    band: dict[str, Any] = {"color": TRUE, "alpha": 0.25, "fill": True}
    upper.stairs(content + error, edges, baseline=content - error, label="statistical error", **band)
    safe = np.maximum(content, 1e-12)
    lower.stairs(1 + error / safe, edges, baseline=1 - error / safe, **band)
    lower.axhline(1.0, color=TRUE, lw=1)
    points = []
    shares = [f"{truth}: {_share(panel.truth, true):.0%}"]
    for name, (colour, given) in panel.models.items():
        values = _without(given, common)
        scale = total_weight(*panel.truth) / total_weight(*given)
        made, counts, errors = _filled(edges, *values)
        mplhep.histplot(made * scale, ax=upper, color=colour, yerr=True, lw=2, label=name, flow="none")
        there = (content > 0.0) & (counts != 0.0)
        points.append((colour, there, scale * counts / safe, scale * errors / safe))
        shares.append(f"{name}: {_share(given, values):.0%}")
    _ratios(lower, (edges[1:] + edges[:-1]) / 2.0, points)
    if common is not None:
        words = "\n".join([f"not shown: {common:.4g} {panel.unit}", *shares])
        upper.text(0.95, 0.95, words, transform=upper.transAxes, ha="right", va="top", fontsize=18)
    width = f" / {edges[1] - edges[0]:.3g} {panel.unit}".rstrip()
    upper.set_ylabel(f"{counted}{width if width != ' / 1' else ''}")
    lower.set_xlabel(f"{panel.label} [{panel.unit}]" if panel.unit else panel.label)
    upper.set_xlabel("")
    upper.tick_params(labelbottom=False)
    for ax in (upper, lower):
        ax.set_xlim(edges[0], edges[-1])
        ax.xaxis.set_major_locator(MaxNLocator(5, prune="both"))
    if log:
        upper.set_yscale("log")
    else:
        upper.set_ylim(0.0, None)


def _ratios(
    ax: Axes, middles: np.ndarray, points: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]]
) -> None:
    """Ratios with errors; the range is the least that nearly all well measured ones are in."""
    off = [abs(ratio[there] - 1.0)[error[there] < 0.3] for _, there, ratio, error in points]
    far = np.percentile(np.concatenate(off), 95) if any(map(len, off)) else 0.0
    half = next((one for one in _HALF_RANGES if far <= 0.9 * one), _HALF_RANGES[-1])
    for colour, there, ratio, error in points:
        inside = there & (abs(ratio - 1.0) <= half)
        ax.errorbar(middles[inside], ratio[inside], error[inside], fmt="o", ms=4, lw=1.5, color=colour)
        for beyond, marker, place in ((ratio > 1.0 + half, "^", 0.93), (ratio < 1.0 - half, "v", -0.93)):
            rows = there & beyond
            ax.plot(middles[rows], np.full(rows.sum(), 1.0 + place * half), marker, ms=8, color=colour)
    ax.set_ylim(1.0 - half, 1.0 + half)
    ax.yaxis.set_major_locator(MaxNLocator(4, prune="both"))


def _edges(values: np.ndarray, percentiles: Sequence[float], bins: int) -> np.ndarray:
    edges = round_edges(values, percentiles, bins)
    if np.array_equal(values, np.round(values)) and edges[-1] - edges[0] < bins:  # numbers: a bin each
        return np.arange(np.floor(values.min()), np.ceil(values.max()) + 2.0) - 0.5
    return edges


def spike(values: np.ndarray) -> float | None:
    """The value that many continuous values have, such as an assumed mass; None if there is none."""
    found, counts = np.unique(np.round(values, 4), return_counts=True)
    if len(found) < 100 or counts.max() < _SPIKE * len(values):  # few different values are numbers
        return None
    return float(found[counts.argmax()])


def _without(given: Weighted, spike: float | None) -> Weighted:
    values, weights = given
    if spike is None:
        return given
    kept = abs(values - spike) > 1e-3
    return values[kept], None if weights is None else weights[kept]


def _share(whole: Weighted, rest: Weighted) -> float:
    return 1.0 - total_weight(*rest) / total_weight(*whole)


def _filled(
    edges: np.ndarray, values: np.ndarray, weights: np.ndarray | None
) -> tuple[Hist, np.ndarray, np.ndarray]:
    """Histogram, contents and their errors."""
    filled = Hist(axis.Variable(edges), storage=Weight())
    filled.fill(values, weight=1.0 if weights is None else weights)
    return filled, filled.values(), np.sqrt(filled.variances())
