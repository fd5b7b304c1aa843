"""Correlation matrices."""

from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.figure import Figure

from mizoo.evaluation import joint
from mizoo.evaluation.figures.style import of_stream, style, subplots, truth_of
from mizoo.evaluation.observables import label, observables
from mizoo.objectives import LINKS

if TYPE_CHECKING:
    from mizoo.datasets import Events
    from mizoo.evaluation.report import Report


def correlations(report: "Report", stream: str) -> Figure:
    """Correlation matrices of the observables in the truth and in a stream, and the difference × 10."""
    truth = cast("Events", report.truth)
    space, process = LINKS[stream].target, truth.process
    found = [
        joint.correlations(np.stack(list(observables(events, space, process).values()), 1), weights)
        for events, weights in (
            (truth.arrays()[space], truth.weights),
            (report.streams[stream], report.weights.get(stream)),
        )
    ]
    names = [label(name, space, process) for name in observables(truth.arrays()[space][:1], space, process)]
    with style():
        figure, axes = subplots(1, 3, figsize=(33, 11))
        titles = (truth_of(space, process), of_stream(stream)[1], r"difference $\times$ 10")
        matrices = (*found, 10.0 * (found[1] - found[0]))
        for ax, title, matrix in zip(axes[0], titles, matrices, strict=True):
            image = ax.imshow(matrix, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
            ax.set_title(title)
            ax.set_xticks(range(len(names)), names, rotation=90, fontsize=15)
            ax.set_yticks(range(len(names)), names, fontsize=15)
            ax.tick_params(which="both", length=0)
            ax.minorticks_off()
        figure.colorbar(image, ax=axes, shrink=0.8, label="correlation")
    return figure
