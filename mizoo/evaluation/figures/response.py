"""Response and resolution of the detector."""

from collections.abc import Collection

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mizoo.evaluation.conditional import partners, responses
from mizoo.evaluation.figures.panel import Panel, with_ratios
from mizoo.evaluation.figures.style import TRUE, central, of_stream, repeated, style, subplots, truth_of
from mizoo.evaluation.observables import existing
from mizoo.physics.process import Process

_AXES = {
    "pt": r"$(p_T - p_T^\mathrm{parton})/p_T^\mathrm{parton}$",
    "eta": r"$\Delta\eta$",
    "phi": r"$\Delta\phi$",
}
_RESAMPLES = 50  # bootstrap samples for the errors of quantiles


def response(
    x: ArrayLike,
    z: ArrayLike,
    made: ArrayLike,
    process: Process,
    weights: np.ndarray | None = None,
    bins: int = 60,
    log: bool = False,
) -> Figure:
    """Histograms of the responses of detector objects, in truth and by a model, one row per kind.

    Args:
        x, z: true pairs (n, 4 × objects), GeV.
        made: objects (n, 4 × objects), GeV, that the model makes of z, such as `x_tilde`.
        process: process of the events.
        weights: weights (n,) of the events, if any.
        bins, log: see `with_ratios`.

    Raises:
        ValueError: if no object has a parton that it can come from.
    """
    true, simulated = responses(x, z, process), responses(made, z, process)
    _check_objects(true, process)
    colour, name = of_stream("x_tilde")
    panels = []
    for key, values in true.items():
        kind, _, component = key.partition("_")
        own, others = (existing(v.ravel(), repeated(weights, v)) for v in (values, simulated[key]))
        panels.append(Panel(f"{kind}: {_AXES[component]}", "", own, {name: (colour, others)}))
    truth, rows = truth_of("x", process), len(true) // 3
    return with_ratios(panels, truth, rows, bins, log, (2.0, 98.0), counted="Objects")


def resolution(
    x: ArrayLike,
    z: ArrayLike,
    made: ArrayLike,
    process: Process,
    weights: np.ndarray | None = None,
    bins: int = 10,
) -> Figure:
    """Median and half-width of the central 68 % of the pT response over the parton's pT, for each kind.

    Bars are statistical errors, by bootstrap.

    Args:
        x, z, made, process, weights: see `response`.
        bins: number of slices of pT, with equal numbers of objects.

    Raises:
        ValueError: if no object has a parton that it can come from.
    """
    colour, title = of_stream("x_tilde")
    found = {
        truth_of("x", process): (partners(x, z, process), TRUE),
        title: (partners(made, z, process), colour),
    }
    kinds = list(partners(x, z, process))
    _check_objects(kinds, process)
    with style():
        figure, axes = subplots(1, len(kinds), figsize=(11 * len(kinds), 9))
        for ax, kind in zip(axes[0], kinds, strict=True):
            for name, (values, look) in found.items():
                after, before = (array.ravel() for array in values[kind]["pt"])
                own = repeated(weights, values[kind]["pt"][0])
                slices = np.array_split(np.argsort(before), bins)
                middle = [np.median(before[rows]) for rows in slices]
                ratio = after / before - 1.0
                rows = [_spread(ratio[s], None if own is None else own[s]) for s in slices]
                for (value, error), shape, what in zip(
                    np.stack(rows, 2), ("o-", "s--"), ("median", "resolution"), strict=True
                ):
                    ax.errorbar(middle, value, error, fmt=shape, color=look, label=f"{name}: {what}")
            ax.set_xlabel(r"$p_T$ of the parton [GeV]")
            ax.set_ylabel(f"{kind}: {_AXES['pt']}")
            ax.axhline(0.0, color=TRUE, lw=0.8)
        axes[0, 0].legend(fontsize=18)
    return figure


def _spread(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Median and half-width of the central 68 %, each with its error: (2, 2)."""
    random, n = np.random.default_rng(0), len(values)

    def both(rows: np.ndarray) -> tuple[float, float]:
        low, median, high = central(values[rows], None if weights is None else weights[rows])
        return median, (high - low) / 2.0

    drawn = [both(random.integers(n, size=n)) for _ in range(_RESAMPLES)]
    return np.stack([both(np.arange(n)), np.nanstd(drawn, 0)], 1)


def _check_objects(found: Collection[str], process: Process) -> None:
    if not found:
        raise ValueError(f"process {process.name} has no objects that partons become: nothing to draw")
