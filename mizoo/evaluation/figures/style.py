"""What all figures have in common."""

from contextlib import contextmanager
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import mplhep
import numpy as np

COLOURS = {"tilde": "#d1495b", "hat": "#30638e"}
LABELS = {
    "z_tilde": r"$\tilde z$ (unfolded)",
    "z_hat": r"$\hat z$ (closed)",
    "x_tilde": r"$\tilde x$ (simulated)",
    "x_hat": r"$\hat x$ (closed)",
}
TRUE = "black"


@contextmanager
def style():
    """The look of figures of particle physics, in this context only."""
    with matplotlib.rc_context(), plt.style.context(mplhep.style.ROOT):
        yield


def save(figure, path, dpi=60) -> list[Path]:
    """Write a figure as PNG and as PDF, and close it; returns their paths.

    Args:
        path: of the files, without suffix.
        dpi: of the PNG.
    """
    paths = [Path(f"{path}.{suffix}") for suffix in ("png", "pdf")]
    for path in paths:
        figure.savefig(path, dpi=dpi)
        figure.set_layout_engine("none")  # found once, and for good
    plt.close(figure)
    return paths


def axis_edges(values, percentiles, bins):
    """Edges of bins between two percentiles of values, which are made a hundredth of them apart at least.

    So even what is one number, such as the mass of a narrow resonance, has an axis to be drawn on.
    """
    low, high = np.percentile(values, percentiles)
    least = 0.01 * max(abs(low), abs(high), 1.0)
    widened = max(0.0, (least - (high - low)) / 2.0)
    return np.linspace(low - widened, high + widened, bins + 1)


def of_stream(stream):
    """Colour and label of a stream."""
    return COLOURS[stream.partition("_")[2]], LABELS[stream]


def repeated(weights, objects):
    """Weights of events (n,) for each of their objects (n, k), as one row; None if there are none."""
    return None if weights is None else np.repeat(weights, objects.shape[1])


def central(values, weights=None):
    """Median and ends of the central 68 %, in order."""
    quantiles = [0.16, 0.5, 0.84]
    if weights is None:
        return np.quantile(values, quantiles)
    if not (total := np.sum(weights)) > 0.0:
        return np.full(3, np.nan)
    order = np.argsort(values)
    # Where weights of either sign make the distribution function fall, its first passage counts.
    upto = np.maximum.accumulate(np.cumsum(weights[order]) / total)
    return values[order][np.minimum(np.searchsorted(upto, quantiles), len(values) - 1)]
