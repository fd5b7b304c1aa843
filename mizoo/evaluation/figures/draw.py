"""All figures of a report."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from matplotlib.figure import Figure
from rich.progress import track

from mizoo.evaluation.conditional import partners
from mizoo.evaluation.figures.corner import corner
from mizoo.evaluation.figures.correlations import correlations
from mizoo.evaluation.figures.grid import DPI
from mizoo.evaluation.figures.images import of_images
from mizoo.evaluation.figures.panel import spike
from mizoo.evaluation.figures.ratio import ratios
from mizoo.evaluation.figures.response import resolution, response
from mizoo.evaluation.figures.style import LABELS, save, truth_of
from mizoo.evaluation.figures.transport import transport
from mizoo.evaluation.observables import label, observables
from mizoo.objectives import LINKS
from mizoo.physics.process import COMPONENTS

if TYPE_CHECKING:
    from mizoo.datasets import Events
    from mizoo.evaluation.report import Report


def draw(report: "Report", directory: str | Path) -> list[Path]:
    """Write all figures of a report of events or images as PNG and PDF, and return their paths.

    Of events these are ratio panels of each object and of the masses, correlations, corner plots of the
    masses and, for pairs, transport, response and resolution of simulated events. Of images they are grids
    of true and generated images, of pairs of both, such as reconstructions, and, for auto-encoders,
    interpolations and the latents of true images.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    figures, dpi = (of_report(report), 60.0) if report.images is None else (of_images(report), DPI)
    for name, figure in track(list(figures), description="figures  ", transient=True):
        written += save(figure(), directory / name, dpi)
    return written


def of_report(report: "Report") -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Yield the names of the figures of a report, with functions that make them."""
    truth = cast("Events", report.truth)
    process = truth.process
    for space in sorted({LINKS[stream].target for stream in report.streams}):
        named = {name for stream, name in report.table.index if LINKS[stream].target == space}
        for particle in process.particles(space):
            names = [name for c in COMPONENTS if (name := f"{c}_{particle.name}") in named]
            if names:
                yield f"{space}_{_plain(particle.name)}", partial(ratios, report, space, names)
        for one in process.objects if space == "x" else ():
            sums = [
                f"n_{one.name}",
                *(f"n_{feature}_{one.name}" for feature in one.features),
                f"ht_{one.name}",
            ]
            if of_kind := [name for name in sums if name in named]:
                yield f"x_{_plain(one.name)}_numbers", partial(ratios, report, space, of_kind)
        masses = [name for name in process.systems if name in named]
        if masses:
            yield f"{space}_masses", partial(ratios, report, space, masses)
        if len(masses) > 1:
            yield f"{space}_corner", partial(_corner, report, space, masses)
    for stream in report.streams:
        yield f"{stream}_correlations", partial(correlations, report, stream)
    x, z, simulated = truth.x, truth.z, report.streams.get("x_tilde")
    if x is not None and z is not None and simulated is not None and len(truth) == len(simulated):
        pairs = (x, z, simulated, process)
        kinds = partners(x[:1], z[:1], process)
        for kind in kinds:
            yield f"transport_{kind}", partial(transport, *pairs, kind, truth.weights)
        if kinds:
            yield "response", partial(response, *pairs, truth.weights)
            yield "resolution", partial(resolution, *pairs, truth.weights)


def _corner(report: "Report", space: str, names: Sequence[str]) -> Figure:
    truth = cast("Events", report.truth)
    process, title = truth.process, truth_of(space, truth.process)
    made = {LABELS[s]: events for s, events in report.streams.items() if LINKS[s].target == space}
    samples = {
        name: observables(events, space, process)
        for name, events in {title: truth.arrays()[space], **made}.items()
    }
    weights = {LABELS[s]: own for s, own in report.weights.items() if LINKS[s].target == space}
    # An assumed mass, which most events have, is no distribution.
    labels = {
        name: f"{label(name, space, process)} [GeV]"
        for name in names
        if spike(samples[title][name]) is None
    }
    return corner(samples, labels, {title: truth.weights, **weights})


def _plain(name: str) -> str:
    """A particle's name as part of a file name: e-, e+ become e, e_plus."""
    return re.sub(r"\W", "_", name.replace("+", "_plus").strip("-"))
