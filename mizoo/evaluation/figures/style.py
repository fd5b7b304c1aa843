"""What all figures have in common."""

from contextlib import contextmanager
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import mplhep

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


def of_stream(stream):
    """Colour and label of a stream."""
    return COLOURS[stream.partition("_")[2]], LABELS[stream]
