"""From partons to the detector."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mizoo.evaluation.conditional import partners
from mizoo.evaluation.figures.style import (
    TRUE,
    axis_edges,
    central,
    of_stream,
    repeated,
    style,
    subplots,
    truth_of,
)
from mizoo.evaluation.observables import wrap
from mizoo.physics.process import Process


def transport(
    x: ArrayLike,
    z: ArrayLike,
    made: ArrayLike,
    process: Process,
    kind: str,
    weights: np.ndarray | None = None,
    bins: int = 50,
) -> Figure:
    """Histograms of pT, η and φ of objects of a kind over those of their partons, truth above model.

    The lines are the median and the central 68 % in slices of the parton's value.

    Args:
        x, z: true pairs (n, 4 × objects), GeV.
        made: objects (n, 4 × objects), GeV, that the model makes of z, such as `x_tilde`.
        process: process of the events.
        kind: kind of the objects, such as `electron`.
        weights: weights (n,) of the events, if any.

    Raises:
        ValueError: if no objects of this kind have partons that they can come from.
    """
    truth = truth_of("x", process)
    found = {truth: partners(x, z, process), of_stream("x_tilde")[1]: partners(made, z, process)}
    if kind not in (known := found[truth]):
        kinds = ", ".join(known) or "no kind"
        raise ValueError(f"process {process.name} has objects with partons of {kinds}, not {kind}")
    rows = {title: of_kind[kind] for title, of_kind in found.items()}
    symbols = {"pt": "p_T", "eta": r"\eta", "phi": r"\phi"}
    with style():
        figure, axes = subplots(2, 3, figsize=(29, 17))
        for line, (title, values) in zip(axes, rows.items(), strict=True):
            for ax, (name, symbol) in zip(line, symbols.items(), strict=True):
                after, before = (array.ravel() for array in values[name])
                edges = axis_edges(rows[truth][name][1], [0.5, 99.5], bins)
                own = repeated(weights, values[name][0])
                look = {"norm": LogNorm(), "cmap": "Greys", "rasterized": True}
                *_, image = ax.hist2d(before, after, bins=[edges, edges], weights=own, **look)
                figure.colorbar(image, ax=ax, label="objects" if ax is line[-1] else None)
                if name == "phi":  # which is periodic
                    after = before + wrap(after - before)
                middle, bands = _slices(before, after, edges[::2], own)
                for quantile, width in zip(bands, (1.5, 3.0, 1.5), strict=True):
                    ax.plot(middle, quantile, color="#d1495b" if title != truth else TRUE, lw=width)
                unit = " [GeV]" if name == "pt" else ""
                ax.set_xlabel(f"${symbol}$ of the parton{unit}")
                ax.set_ylabel(f"${symbol}$ of the {kind}{unit}")
                ax.set_ylim(edges[0], edges[-1])
                ax.set_title(title)
    return figure


def _slices(
    before: np.ndarray, after: np.ndarray, edges: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Middles of slices, and the quantiles in each: 16 %, 50 % and 84 %."""
    cells = np.digitize(before, edges) - 1
    quantiles = np.full((3, len(edges) - 1), np.nan)
    for i in range(len(edges) - 1):
        inside = cells == i
        if np.count_nonzero(inside) > 9:
            quantiles[:, i] = central(after[inside], None if weights is None else weights[inside])
    return (edges[1:] + edges[:-1]) / 2.0, quantiles
