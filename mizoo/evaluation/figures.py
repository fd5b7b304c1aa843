"""Histograms of truth against model, with ratio panels."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import mplhep
import numpy as np
from hist import Hist, axis
from rich.progress import track

from mizoo.evaluation.observables import label, observables
from mizoo.evaluation.report import SPACES

_COLOURS = {"tilde": "#d1495b", "hat": "#30638e"}
_LABELS = {
    "z_tilde": r"$\tilde z$ (unfolded)",
    "z_hat": r"$\hat z$ (closed)",
    "x_tilde": r"$\tilde x$ (simulated)",
    "x_hat": r"$\hat x$ (closed)",
}


def draw(report, directory, bins=50) -> list[Path]:
    """Write one PNG for each space and kind of observable of a report; returns their paths."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    spaces = {SPACES[stream] for stream in report.streams}
    groups = [group for group in _groups(report.truth.process) if group[0] in spaces]
    with matplotlib.rc_context(), plt.style.context(mplhep.style.ROOT):
        for space, title, names in track(groups, description="figures  ", transient=True):
            figure = compare(report, space, names, bins)
            written.append(directory / f"{space}_{title}.png")
            figure.savefig(written[-1], dpi=60)
            plt.close(figure)
    return written


def _groups(process):
    """Figures: one for each object of each space, and one for the masses."""
    masses = ["m_tt", "m_w_had", "m_w_lep", "m_t_lep", "m_t_had"]
    for space in ("z", "x"):
        for particle in process.particles(space):
            yield space, particle.name.strip("-"), [f"{c}_{particle.name}" for c in ("px", "py", "pz", "E")]
        yield space, "masses", masses


def compare(report, space, names, bins=50):
    """A figure with one histogram and ratio panel for each named observable of a space."""
    truth = observables(report.truth[space], space)
    models = {s: observables(e, space) for s, e in report.streams.items() if SPACES[s] == space}
    figure, axes = plt.subplots(
        2, len(names), figsize=(7.5 * len(names), 9), height_ratios=[3, 1], squeeze=False,
        sharex="col", layout="constrained",
    )  # fmt: skip
    for (upper, lower), name in zip(axes.T, names, strict=True):
        _panel(upper, lower, truth[name], {s: model[name] for s, model in models.items()}, bins)
        lower.set_xlabel(f"{label(name, space, report.truth.process)} [GeV]")
    axes[0, 0].set_ylabel("events")
    axes[1, 0].set_ylabel("model / truth")
    axes[0, 0].legend(fontsize=20)
    return figure


def _panel(upper, lower, truth, models, bins):
    low, high = np.percentile(truth, [0.3, 99.7])
    edges = axis.Regular(bins, low, high)
    true = Hist(edges).fill(truth)
    content = np.maximum(true.values(), 1.0)
    plain = {"ax": upper, "flow": "none"}
    mplhep.histplot(true, color="black", histtype="fill", alpha=0.15, label="truth", **plain)
    mplhep.histplot(true, color="black", yerr=False, lw=1, **plain)
    band = 1.0 / np.sqrt(content)
    lower.stairs(1 + band, edges.edges, baseline=1 - band, fill=True, color="black", alpha=0.15)
    lower.axhline(1.0, color="black", lw=1)
    for stream, values in models.items():
        made = Hist(edges).fill(values)
        colour = _COLOURS[stream.partition("_")[2]]
        mplhep.histplot(made, color=colour, yerr=False, lw=2, label=_LABELS[stream], **plain)
        ratio = made.values() / content
        error = np.sqrt(made.values()) / content
        lower.errorbar(edges.centers, ratio, error, fmt="o", ms=3, lw=1, color=colour)
    lower.set_ylim(0.5, 1.5)
    upper.set_xlim(low, high)
    upper.set_xlabel("")
