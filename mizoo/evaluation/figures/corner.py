"""Corner plots of observables."""

from collections.abc import Mapping

import corner as corner_plot
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mizoo.evaluation.figures.style import TRUE, Styled, axis_edges, style

_COLOURS = (TRUE, "#d1495b", "#30638e", "#edae49")
_LEVELS = (0.393, 0.865)  # of events within 1σ and 2σ of a two-dimensional normal distribution


def corner(
    samples: Mapping[str, Mapping[str, np.ndarray]],
    labels: Mapping[str, str],
    weights: Mapping[str, np.ndarray | None] | None = None,
    bins: int = 40,
) -> Figure:
    """Corner plot: distributions of single observables on the diagonal, contours of pairs below it.

    Contours enclose 39 % and 86 % of the events, like 1σ and 2σ of a two-dimensional normal distribution.

    Args:
        samples: dictionaries of the same observables (n,), by name of the sample, of four at most; the
            first sample is drawn in black. Events without a value of one of them are left out.
        labels: labels of the observables by name, with their units.
        weights: weights (n,) of the events by name of the sample; None for samples without.
        bins: number of bins on the diagonal.
    """
    names, first = list(labels), next(iter(samples.values()))
    ranges = [tuple(axis_edges(first[name], [0.5, 98.0], 1)) for name in names]
    size = 4.0 * len(names)
    with style(), plt.rc_context({"xaxis.labellocation": "center", "yaxis.labellocation": "center"}):
        figure = plt.figure(figsize=(size, size), FigureClass=Styled, layout="none")
        for (sample, values), colour in zip(samples.items(), _COLOURS, strict=False):
            rows = np.stack([values[name] for name in names], 1)
            own = (weights or {}).get(sample)
            own = np.ones(len(rows)) if own is None else own
            there = np.isfinite(rows).all(1)
            corner_plot.corner(
                rows[there], bins, weights=own[there] / own[there].sum(), range=ranges, fig=figure,
                color=colour, labels=list(labels.values()), label_kwargs={"fontsize": 22}, labelpad=-0.08,
                smooth=1.0, levels=_LEVELS, plot_datapoints=False, plot_density=False,
                fill_contours=False, no_fill_contours=True, max_n_ticks=4, hist_kwargs={"lw": 2},
            )  # fmt: skip
        for ax in figure.axes:
            ax.tick_params(labelsize=14)
        lines = [Line2D([], [], color=c, lw=2) for c, _ in zip(_COLOURS, samples, strict=False)]
        figure.legend(
            lines, samples, loc="upper right", fontsize=26, title_fontsize=22,
            title="contours: " + " and ".join(f"{100 * level:.0f} %" for level in _LEVELS) + " of events",
        )  # fmt: skip
    return figure
