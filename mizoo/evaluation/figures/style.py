"""Common style of all figures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import mplhep
import numpy as np
from matplotlib.figure import Figure

from mizoo.evaluation.observables import existing

COLOURS = {"tilde": "#d1495b", "hat": "#30638e"}
LABELS = {
    "z_tilde": r"$\tilde z$ (unfolded)",
    "z_hat": r"$\hat z$ (closed)",
    "x_tilde": r"$\tilde x$ (simulated)",
    "x_hat": r"$\hat x$ (closed)",
}
TRUE = "black"


@contextmanager
def style() -> Iterator[None]:
    """Context with the ROOT style of mplhep."""
    with matplotlib.rc_context(), plt.style.context(mplhep.style.ROOT):
        yield


def save(figure: Figure, path: str | Path, dpi: float = 60) -> list[Path]:
    """Write a figure as PNG and as PDF, and close it; returns their paths.

    Args:
        path: path of the files, without suffix.
        dpi: resolution of the PNG.
    """
    paths = [Path(f"{path}.{suffix}") for suffix in ("png", "pdf")]
    for path in paths:
        figure.savefig(path, dpi=dpi)
        figure.set_layout_engine("none")  # the second file reuses the layout
    plt.close(figure)
    return paths


def axis_edges(values: np.ndarray, percentiles: Sequence[float], bins: int) -> np.ndarray:
    """Edges of bins between two percentiles of values, which are kept at least 1 % of their size apart.

    Thus even a constant, such as the mass of a narrow resonance, has an axis.
    """
    low, high = np.nanpercentile(values, percentiles)
    least = 0.01 * max(abs(low), abs(high), 1.0)
    widened = max(0.0, (least - (high - low)) / 2.0)
    return np.linspace(low - widened, high + widened, bins + 1)


def of_stream(stream: str) -> tuple[str, str]:
    """Colour and label of a stream."""
    return COLOURS[stream.partition("_")[2]], LABELS[stream]


def repeated(weights: np.ndarray | None, objects: np.ndarray) -> np.ndarray | None:
    """Weights of events (n,), repeated for their objects (n, k) to (n · k,); None if there are none."""
    return None if weights is None else np.repeat(weights, objects.shape[1])


def central(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Quantiles of values at 16 %, 50 % and 84 %; NaN do not count."""
    quantiles = [0.16, 0.5, 0.84]
    values, weights = existing(values, weights)
    if weights is None:
        return np.quantile(values, quantiles)
    if not (total := np.sum(weights)) > 0.0:
        return np.full(3, np.nan)
    order = np.argsort(values)
    # Weights of either sign can make the distribution function fall; its first passage counts.
    upto = np.maximum.accumulate(np.cumsum(weights[order]) / total)
    return values[order][np.minimum(np.searchsorted(upto, quantiles), len(values) - 1)]


def total_weight(values: np.ndarray, weights: np.ndarray | None) -> float:
    """Total weight of values, or their number."""
    return float(len(values) if weights is None else np.sum(weights))
