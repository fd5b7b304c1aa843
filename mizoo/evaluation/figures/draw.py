"""All figures of a report."""

import re
from functools import partial
from pathlib import Path

from rich.progress import track

from mizoo.evaluation.conditional import partners
from mizoo.evaluation.figures.corner import corner
from mizoo.evaluation.figures.correlations import correlations
from mizoo.evaluation.figures.ratio import ratios
from mizoo.evaluation.figures.response import resolution, response
from mizoo.evaluation.figures.style import LABELS, save
from mizoo.evaluation.figures.transport import transport
from mizoo.evaluation.observables import label, observables
from mizoo.objectives import LINKS
from mizoo.physics.process import COMPONENTS


def draw(report, directory) -> list[Path]:
    """Write what there is to see of a report of events, as PNG and PDF; returns the paths.

    Ratio panels of each object and of the masses; correlations; corner plots of the masses; and, of pairs,
    transport, response and resolution of what is simulated.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in track(list(of_report(report)), description="figures  ", transient=True):
        written += save(figure(), directory / name)
    return written


def of_report(report):
    """Names of the figures of a report, and functions that make them."""
    truth, process = report.truth, report.truth.process
    for space in sorted({LINKS[stream].target for stream in report.streams}):
        named = observables(truth[space][:1], space, process)
        for particle in process.particles(space):
            names = [name for c in COMPONENTS if (name := f"{c}_{particle.name}") in named]
            yield f"{space}_{_plain(particle.name)}", partial(ratios, report, space, names)
        masses = {name: label(name, space, process) for name in process.systems if name in named}
        if masses:
            yield f"{space}_masses", partial(ratios, report, space, list(masses))
        if len(masses) > 1:
            samples, weights = partial(_samples, report, space), _weights(report, space)
            yield f"{space}_corner", lambda s=samples, m=masses, w=weights: corner(s(), m, w)
    for stream in report.streams:
        yield f"{stream}_correlations", partial(correlations, report, stream)
    if "x_tilde" in report.streams and truth.z is not None and len(truth) == len(report.streams["x_tilde"]):
        pairs = (truth.x, truth.z, report.streams["x_tilde"], process)
        kinds = partners(truth.x[:1], truth.z[:1], process)
        for kind in kinds:
            yield f"transport_{kind}", partial(transport, *pairs, kind, truth.weights)
        if kinds:
            yield "response", partial(response, *pairs, truth.weights)
            yield "resolution", partial(resolution, *pairs, truth.weights)


def _samples(report, space):
    process = report.truth.process
    made = {LABELS[s]: events for s, events in report.streams.items() if LINKS[s].target == space}
    return {
        name: observables(events, space, process)
        for name, events in {"truth": report.truth[space], **made}.items()
    }


def _weights(report, space):
    """Weights by the names of `_samples`."""
    made = {LABELS[s]: w for s, w in report.weights.items() if LINKS[s].target == space}
    return {"truth": report.truth.weights, **made}


def _plain(name):
    """A particle's name in the name of a file: e-, e+ become e, e_plus."""
    return re.sub(r"\W", "_", name.replace("+", "_plus").strip("-"))
