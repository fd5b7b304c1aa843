"""Observables of a report, with the ratio of its streams to the truth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from matplotlib.figure import Figure

from mizoo.evaluation.figures.panel import Panel, with_ratios
from mizoo.evaluation.figures.style import of_stream, truth_of
from mizoo.evaluation.observables import existing, is_number, label, observables
from mizoo.objectives import LINKS

if TYPE_CHECKING:
    from mizoo.datasets import Events
    from mizoo.evaluation.report import Report


def ratios(
    report: "Report",
    space: str,
    names: Sequence[str],
    bins: int = 50,
    log: bool = False,
    truth: str | None = None,
) -> Figure:
    """Histogram and ratio panel of each named observable of a space, for the truth and all its streams.

    Args:
        report: report of events.
        space: `"x"` or `"z"`.
        names: names of observables.
        bins, log: see `with_ratios`.
        truth: name of the true events, such as `"Geant4"`; by default `"Delphes"` for x of a process of the
            package, or else `"detector"`, and `"partons"` for z.
    """
    data = cast("Events", report.truth)
    process = data.process
    true = observables(data.arrays()[space], space, process)
    models = {
        s: observables(e, space, process) for s, e in report.streams.items() if LINKS[s].target == space
    }
    panels = [
        Panel(
            label(name, space, process),
            "" if is_number(name) else "GeV",
            existing(true[name], data.weights),
            {
                title: (colour, existing(made[name], report.weights.get(stream)))
                for stream, made in models.items()
                for colour, title in [of_stream(stream)]
            },
        )
        for name in names
    ]
    return with_ratios(panels, truth or truth_of(space, process), bins=bins, log=log)
