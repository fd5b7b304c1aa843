"""Response and resolution of the detector."""

from collections.abc import Collection

import matplotlib.pyplot as plt
import mplhep
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mizoo.evaluation.conditional import partners, responses
from mizoo.evaluation.figures.style import TRUE, axis_edges, central, of_stream, repeated, style
from mizoo.physics.process import Process

_AXES = {
    "pt": r"$(p_T - p_T^\mathrm{parton})/p_T^\mathrm{parton}$",
    "eta": r"$\Delta\eta$",
    "phi": r"$\Delta\phi$",
}


def response(
    x: ArrayLike,
    z: ArrayLike,
    made: ArrayLike,
    process: Process,
    weights: np.ndarray | None = None,
    bins: int = 60,
) -> Figure:
    """Histograms of the responses of detector objects, in truth and by a model, one row per kind.

    Args:
        x, z: true pairs (n, 4 × objects), GeV.
        made: objects (n, 4 × objects), GeV, that the model makes of z, such as `x_tilde`.
        process: process of the events.
        weights: weights (n,) of the events, if any.

    Raises:
        ValueError: if no object has a parton that it can come from.
    """
    true, simulated = responses(x, z, process), responses(made, z, process)
    _check_objects(true, process)
    colour, name = of_stream("x_tilde")
    with style():
        lines = len(true) // 3
        figure, axes = plt.subplots(lines, 3, figsize=(24, 7 * lines), squeeze=False, layout="constrained")
        for ax, key in zip(axes.flat, true, strict=True):
            edges = axis_edges(true[key], [2, 98], bins)
            for values, look in (
                (true[key], {"color": TRUE, "histtype": "fill", "alpha": 0.2, "label": "truth"}),
                (simulated[key], {"color": colour, "lw": 2, "yerr": False, "label": name}),
            ):
                heights, _ = np.histogram(values.ravel(), edges, weights=repeated(weights, values))
                mplhep.histplot(heights, edges, ax=ax, **look)
            kind, _, component = key.partition("_")
            ax.set_xlabel(f"{kind}: {_AXES[component]}")
        axes[0, 0].set_ylabel("objects")
        axes[0, 0].legend()
    return figure


def resolution(
    x: ArrayLike,
    z: ArrayLike,
    made: ArrayLike,
    process: Process,
    weights: np.ndarray | None = None,
    bins: int = 10,
) -> Figure:
    """Median and half-width of the central 68 % of the pT response over the parton's pT, for each kind.

    Args:
        x, z, made, process, weights: see `response`.
        bins: number of slices of pT, with equal numbers of objects.

    Raises:
        ValueError: if no object has a parton that it can come from.
    """
    found = {
        "truth": (partners(x, z, process), {"color": TRUE}),
        of_stream("x_tilde")[1]: (partners(made, z, process), {"color": of_stream("x_tilde")[0]}),
    }
    kinds = list(found["truth"][0])
    _check_objects(kinds, process)
    with style():
        figure, axes = plt.subplots(
            1, len(kinds), figsize=(11 * len(kinds), 9), squeeze=False, layout="constrained"
        )
        for ax, kind in zip(axes[0], kinds, strict=True):
            for name, (values, look) in found.items():
                after, before = (array.ravel() for array in values[kind]["pt"])
                slices = np.array_split(np.argsort(before), bins)
                middle = [np.median(before[rows]) for rows in slices]
                ratio = after / before - 1.0
                own = repeated(weights, values[kind]["pt"][0])
                low, median, high = np.array(
                    [central(ratio[r], None if own is None else own[r]) for r in slices]
                ).T
                ax.plot(middle, median, "o-", label=f"{name}: median", **look)
                ax.plot(middle, (high - low) / 2.0, "s--", label=f"{name}: resolution", **look)
            ax.set_xlabel(r"$p_T$ of the parton [GeV]")
            ax.set_ylabel(f"{kind}: {_AXES['pt']}")
            ax.axhline(0.0, color=TRUE, lw=0.8)
        axes[0, 0].legend(fontsize=18)
    return figure


def _check_objects(found: Collection[str], process: Process) -> None:
    if not found:
        raise ValueError(f"process {process.name} has no objects that partons become: nothing to draw")
