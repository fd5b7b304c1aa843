"""Common style of all figures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import mplhep
import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mizoo.evaluation.observables import existing
from mizoo.physics import library
from mizoo.physics.process import Process

COLOURS = {"tilde": "#d1495b", "hat": "#30638e"}
LABELS = {"z_tilde": "unfolded", "z_hat": "closure", "x_tilde": "simulated", "x_hat": "closure"}
TRUE = "black"


@contextmanager
def style() -> Iterator[None]:
    """Context with the ROOT style of mplhep."""
    with matplotlib.rc_context(), plt.style.context(mplhep.style.ROOT):
        yield


class Styled(Figure):
    """A figure that has the style whenever it is drawn: fonts are looked up as late as that."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw all artists."""
        with style():
            super().draw(renderer)


def subplots(rows: int, columns: int, **options: Any) -> tuple[Figure, np.ndarray]:
    """Figure and axes (rows, columns), within `style`; options as for `matplotlib.pyplot.subplots`."""
    given = {"squeeze": False, "layout": "constrained", "FigureClass": Styled, **options}
    figure, axes = plt.subplots(rows, columns, **given)
    return figure, axes


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


def truth_of(space: str, process: Process) -> str:
    """Name of the true events of a space: the packaged processes are simulated by Delphes."""
    if space == "z":
        return "partons"
    packaged = process.name in library.names() and library.get(process.name) == process
    return "Delphes" if packaged else "detector"


def axis_edges(values: np.ndarray, percentiles: Sequence[float], bins: int) -> np.ndarray:
    """Edges of bins between two percentiles of values, which are kept at least 1 % of their size apart.

    Thus even a constant, such as the mass of a narrow resonance, has an axis.
    """
    low, high = np.nanpercentile(values, percentiles)
    least = 0.01 * max(abs(low), abs(high), 1.0)
    widened = max(0.0, (least - (high - low)) / 2.0)
    return np.linspace(low - widened, high + widened, bins + 1)


def round_edges(values: np.ndarray, percentiles: Sequence[float], bins: int) -> np.ndarray:
    """Edges as of `axis_edges`, of about as many bins, whose width is a round number such as 2.5."""
    low, *_, high = axis_edges(values, percentiles, bins)
    return np.asarray(MaxNLocator(bins, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))


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
