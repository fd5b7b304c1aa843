"""All figures of a report."""

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
    for name, figure in track(list(_figures(report)), description="figures  ", transient=True):
        written += save(figure(), directory / name)
    return written


def _figures(report):
    """Names of figures, and what makes them."""
    truth, process = report.truth, report.truth.process
    for space in sorted({LINKS[stream].target for stream in report.streams}):
        for particle in process.particles(space):
            names = [f"{component}_{particle.name}" for component in COMPONENTS]
            yield f"{space}_{_plain(particle.name)}", lambda s=space, n=names: ratios(report, s, n)
        named = observables(truth[space][:1], space, process)
        masses = {name: label(name, space, process) for name in process.systems if name in named}
        if masses:
            yield f"{space}_masses", lambda s=space, n=list(masses): ratios(report, s, n)
        if len(masses) > 1:
            yield (
                f"{space}_corner",
                lambda s=space, m=masses: corner(_samples(report, s), m, _weights(report, s)),
            )
    for stream in report.streams:
        yield f"{stream}_correlations", lambda s=stream: correlations(report, s)
    if "x_tilde" in report.streams and truth.z is not None and len(truth) == len(report.streams["x_tilde"]):
        pairs = (truth.x, truth.z, report.streams["x_tilde"])
        of = {"weights": truth.weights, "process": process}
        for kind in partners(truth.x[:1], truth.z[:1], process):
            name = f"transport_{kind}"
            yield name, lambda k=kind: transport(*pairs, kind=k, **of)
        yield "response", lambda: response(*pairs, **of)
        yield "resolution", lambda: resolution(*pairs, **of)


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
    return name.replace("+", "_plus").strip("-")
