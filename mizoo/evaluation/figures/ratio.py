"""Histograms of truth and model, with ratio panels."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import matplotlib.pyplot as plt
import mplhep
import numpy as np
from hist import Hist, axis
from hist.storage import Weight
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mizoo.evaluation.figures.style import TRUE, axis_edges, of_stream, style, total_weight
from mizoo.evaluation.observables import existing, is_number, label, observables
from mizoo.objectives import LINKS

if TYPE_CHECKING:
    from mizoo.datasets import Events
    from mizoo.evaluation.report import Report


def ratios(report: "Report", space: str, names: Sequence[str], bins: int = 50) -> Figure:
    """Histogram and ratio panel of each named observable of a space, for the truth and all its streams.

    Bands and bars are statistical errors, √Σw². Streams are scaled to the total weight of the truth.
    """
    data = cast("Events", report.truth)
    process = data.process
    truth = observables(data.arrays()[space], space, process)
    models = {
        s: observables(e, space, process) for s, e in report.streams.items() if LINKS[s].target == space
    }
    with style():
        figure, axes = plt.subplots(
            2, len(names), figsize=(7.5 * len(names), 9), height_ratios=[3, 1], squeeze=False,
            sharex="col", layout="constrained",
        )  # fmt: skip
        for (upper, lower), name in zip(axes.T, names, strict=True):
            made = {s: existing(model[name], report.weights.get(s)) for s, model in models.items()}
            _panel(upper, lower, existing(truth[name], data.weights), made, bins)
            unit = "" if is_number(name) else " [GeV]"
            lower.set_xlabel(f"{label(name, space, process)}{unit}")
        axes[0, 0].set_ylabel("events")
        axes[1, 0].set_ylabel("model / truth")
        axes[0, 0].legend(fontsize=20)
    return figure


def _panel(
    upper: Axes,
    lower: Axes,
    truth: tuple[np.ndarray, np.ndarray | None],
    models: Mapping[str, tuple[np.ndarray, np.ndarray | None]],
    bins: int,
) -> None:
    low, *_, high = axis_edges(truth[0], [0.3, 99.7], bins)
    if np.array_equal(truth[0], np.round(truth[0])) and high - low < bins:  # numbers: a bin each
        low, high = np.floor(truth[0].min()) - 0.5, np.ceil(truth[0].max()) + 0.5
        bins = round(high - low)
    edges = axis.Regular(bins, low, high)
    true, content, error = _filled(edges, *truth)
    content = np.maximum(content, 1e-12)
    plain: dict[str, Any] = {"ax": upper, "flow": "none"}
    mplhep.histplot(true, color=TRUE, histtype="fill", alpha=0.15, label="truth", **plain)
    mplhep.histplot(true, color=TRUE, yerr=False, lw=1, **plain)
    band = error / content
    lower.stairs(1 + band, edges.edges, baseline=1 - band, fill=True, color=TRUE, alpha=0.15)
    lower.axhline(1.0, color=TRUE, lw=1)
    for stream, (values, weights) in models.items():
        scale = total_weight(*truth) / total_weight(values, weights)
        made, counts, errors = _filled(edges, values, weights)
        colour, name = of_stream(stream)
        mplhep.histplot(made * scale, color=colour, yerr=False, lw=2, label=name, **plain)
        lower.errorbar(
            edges.centers, scale * counts / content, scale * errors / content,
            fmt="o", ms=3, lw=1, color=colour,
        )  # fmt: skip
    lower.set_ylim(0.5, 1.5)
    upper.set_xlim(low, high)
    upper.set_xlabel("")


def _filled(
    edges: axis.Regular, values: np.ndarray, weights: np.ndarray | None
) -> tuple[Hist, np.ndarray, np.ndarray]:
    """Histogram, contents and their errors."""
    filled = Hist(edges, storage=Weight()).fill(values, weight=1.0 if weights is None else weights)
    return filled, filled.values(), np.sqrt(filled.variances())
