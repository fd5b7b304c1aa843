"""Les Houches event files: partons of the hard process (arXiv hep-ph/0609017)."""

import warnings
from itertools import islice

import numpy as np

from mizoo.datasets.chunk import Chunk
from mizoo.extra import extra

_OUTGOING = 1


def chunks(path, process, size):
    """Partons z of a Les Houches file, plain or gzipped, in chunks of at most `size` events.

    Wanted are events with the partons of the process; there may be others, as t → W s among t → W b.

    Raises:
        ImportError: without pylhe.
        ValueError: for a file that is none, or is cut short; it names the event.
    """
    pylhe = extra("pylhe")
    source, count = str(path), 0
    try:
        file = _strictly(lambda: pylhe.LHEFile.fromfile(path, with_attributes=False, generator=True))
        events = iter(file.events)
        while block := _strictly(lambda: list(islice(events, size))):
            yield _chunk(source, count, block, process)
            count += len(block)
    except (EOFError, OSError, RuntimeWarning, ValueError, IndexError) as error:
        raise ValueError(f"{path}: cut short or damaged after event {count - 1}: {error}") from error


def _strictly(function):
    """Of a file that is cut short, pylhe gives the events before the cut, and warns: here it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return function()


def _chunk(source, first, events, process):
    rows, wanted = np.zeros((len(events), len(process.z), 4)), np.ones(len(events), bool)
    weights = np.array([event.eventinfo.weight for event in events])
    for number, event in enumerate(events):
        left = [p for p in event.particles if p.status == _OUTGOING]
        for column, particle in enumerate(process.z):
            found = next((p for p in left if p.id == particle.pdg), None)
            if found is None:
                wanted[number] = False
                break
            left.remove(found)
            rows[number, column] = found.px, found.py, found.pz, found.e
    return Chunk(source, first, {"z": rows.reshape(len(rows), -1)}, wanted, weights)
