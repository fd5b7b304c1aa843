"""Corner plots of observables."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.ndimage import gaussian_filter

from mizoo.evaluation.figures.style import TRUE, axis_edges, style, total_weight
from mizoo.evaluation.observables import existing


def corner(
    samples: Mapping[str, Mapping[str, np.ndarray]],
    labels: Mapping[str, str],
    weights: Mapping[str, np.ndarray | None] | None = None,
    bins: int = 40,
) -> Figure:
    """Corner plot: distributions of single observables on the diagonal, contours of pairs below it.

    Contours enclose 39 % and 86 % of the events, like 1σ and 2σ of a two-dimensional normal distribution.

    Args:
        samples: dictionaries of the same observables (n,), by name of the sample; the first sample is drawn
            in black.
        labels: labels of the observables by name.
        weights: weights (n,) of the events by name of the sample; None for samples without.
    """
    weights = weights or {}
    names = list(labels)
    truth = next(iter(samples.values()))
    edges = {name: axis_edges(truth[name], [0.5, 98.0], bins) for name in names}
    colours = [TRUE, "#d1495b", "#30638e", "#edae49"]
    with style():
        size = 4.0 * len(names)
        figure, axes = plt.subplots(
            len(names), len(names), figsize=(size, size), squeeze=False, layout="constrained"
        )
        for row, down in enumerate(names):
            for column, across in enumerate(names):
                ax = axes[row, column]
                if column > row:
                    ax.axis("off")
                    continue
                for (name, values), colour in zip(samples.items(), colours, strict=False):
                    own = weights.get(name)
                    if row == column:
                        counts, _ = np.histogram(values[down], edges[down], weights=own)
                        total = total_weight(*existing(values[down], own))
                        ax.stairs(counts / total, edges[down], color=colour, lw=2, label=name)
                        ax.set_yticks([])
                    else:
                        pair, cells = (values[across], values[down]), (edges[across], edges[down])
                        _regions(ax, pair, cells, own, colour)
                ax.tick_params(labelsize=14)
                ax.set_xlim(edges[across][0], edges[across][-1])
                if row == len(names) - 1:
                    ax.set_xlabel(labels[across], fontsize=20)
                if column == 0 and row > 0:
                    ax.set_ylabel(labels[down], fontsize=20)
        lines = [Line2D([], [], color=c, lw=2) for c, _ in zip(colours, samples, strict=False)]
        figure.legend(lines, samples, loc="upper right", fontsize=26)
    return figure


def _regions(
    ax: Axes,
    pair: tuple[np.ndarray, np.ndarray],
    cells: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray | None,
    colour: str,
) -> None:
    density, _, _ = np.histogram2d(*pair, bins=cells, weights=weights)
    density = gaussian_filter(density, 1.0)
    if not density.any():  # all events are outside the axes
        return
    ordered = np.sort(density.ravel())[::-1]
    enclosed = np.cumsum(ordered) / ordered.sum()
    levels = sorted({ordered[np.searchsorted(enclosed, share)] for share in (0.393, 0.865)})
    middles = [(edges[1:] + edges[:-1]) / 2.0 for edges in cells]
    ax.contour(*middles, density.T, levels=levels, colors=colour, linewidths=[1.2, 2.0][-len(levels) :])
