"""ROOT files of Delphes: detector objects, and partons if the particle record was kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mizoo.core.optional import extra
from mizoo.datasets.readers import trees
from mizoo.datasets.readers.ancestry import PartonFinder
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.columns import DELPHES, Columns
from mizoo.datasets.readers.damage import brief
from mizoo.datasets.readers.limits import MAX_BYTES
from mizoo.datasets.readers.objects import Objects
from mizoo.datasets.readers.record import partons
from mizoo.datasets.readers.selection import COUNTED, Select
from mizoo.datasets.weights import weight_name
from mizoo.physics.process import Process

TREE = "Delphes"
NUMBER = "Event.Number"
_RECORD = ("PID", "Status", "M1", "Px", "Py", "Pz", "E")


def chunks(
    path: str | Path,
    process: Process,
    size: int,
    max_bytes: int = MAX_BYTES,
    select: Select | None = None,
) -> Iterator[Chunk]:
    """Detector objects x, and partons z if there are any, in chunks of at most `size` events.

    Args:
        select: selection of events; by default that of the process, or exactly as many electrons, muons,
            photons and jets as it lists. Events that lack an object of the process are never wanted.

    Raises:
        ImportError: without uproot and awkward.
        ValueError: if it is no Delphes file, or is truncated; it names tree or branch.
    """
    tree = trees.opened(path, TREE)
    there = trees.branches(tree)
    objects = Objects(process, select, Columns(), DELPHES, there, counted=COUNTED)
    has_record = f"Particle.{_RECORD[0]}" in there
    record = [f"Particle.{name}" for name in _RECORD] if has_record else []
    if missing := objects.missing + [name for name in record if name not in there]:
        raise ValueError(f"{path}, tree {TREE}: no branch {', '.join(missing)}")
    weight = weight_name(there, str(path))
    read = [*objects.names, *record, *([weight] if weight else [])]
    finder = PartonFinder(process)
    first = 0
    for events in trees.arrays(tree, read, size, max_bytes):
        x, wanted, bad = objects.read(events, str(path), "branch")
        arrays = {"x": x}
        if has_record:
            arrays["z"] = _partons(events, wanted, bad, finder)
        weights = trees.per_event(events[weight], weight) if weight else None
        yield Chunk(str(path), first, arrays, wanted, weights, bad)
        first += len(events)
    objects.finish(str(path))


def _partons(events: Any, wanted: np.ndarray, bad: dict[int, str], finder: PartonFinder) -> np.ndarray:
    """Array z of the wanted events; events without the partons become unwanted."""
    ak = extra("awkward", "reading .root files")
    found = np.zeros((len(wanted), 4 * len(finder.process.z)))
    for number in np.flatnonzero(wanted).tolist():
        record = {name: ak.to_numpy(events[f"Particle.{name}"][number]) for name in _RECORD}
        try:
            momenta = partons(record, finder.process, finder)
        except ValueError as error:
            bad.setdefault(number, brief(error))
            continue
        if momenta is None:
            wanted[number] = False
        else:
            found[number] = momenta
    return found
