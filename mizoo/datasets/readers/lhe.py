"""Les Houches event files: partons of the hard process (arXiv hep-ph/0609017)."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np

from mizoo.core.optional import extra
from mizoo.datasets.readers import lhe_text
from mizoo.datasets.readers.ancestry import HARD, UNKNOWN, PartonFinder
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.damage import brief
from mizoo.datasets.readers.limits import MAX_BYTES, text_limit
from mizoo.physics.process import Process

_OUTGOING, _RESONANCES = 1, (2, 3)  # status codes; those below 0 are incoming
_EVENT_COLUMNS, _PARTICLE_COLUMNS = 6, 13


def chunks(path: str | Path, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Partons z of a Les Houches file, plain or gzipped, in chunks of at most `size` events.

    Wanted events have the partons of the process, from its decays; a file may have others, such as t → W s
    among t → W b.

    Raises:
        ImportError: without pylhe.
        ValueError: if it is no Les Houches file, or is truncated; it names the last complete event.
    """
    pylhe = extra("pylhe", "reading .lhe files")
    texts, first = lhe_text.events(path, text_limit(max_bytes)), 0
    while block := list(islice(texts, size)):
        yield _chunk(str(path), first, block, process, pylhe)
        first += len(block)


def count(path: str | Path, max_bytes: int = MAX_BYTES) -> int:
    """Number of events in a Les Houches file, wanted or not."""
    return lhe_text.count(path, text_limit(max_bytes))


def _chunk(
    source: str, first: int, texts: Sequence[lhe_text.EventText], process: Process, pylhe: ModuleType
) -> Chunk:
    rows, weights = np.zeros((len(texts), len(process.z), 4)), np.ones(len(texts))
    wanted = np.ones(len(texts), bool)
    bad: dict[int, str] = {}
    finder = PartonFinder(process)
    for number, text in enumerate(texts):
        try:
            if text.fault:
                raise ValueError(text.fault)
            weights[number], particles = _parsed(text.body, pylhe)
            found = _partons(particles, finder)
        except (ValueError, OverflowError, ElementTree.ParseError) as error:
            bad[number] = brief(error)
            continue
        wanted[number] = found is not None
        if found is not None:
            rows[number] = [(p.px, p.py, p.pz, p.e) for p in found]
    return Chunk(source, first, {"z": rows.reshape(len(rows), -1)}, wanted, weights, bad)


def _parsed(body: str, pylhe: ModuleType) -> tuple[float, list[Any]]:
    """Weight and particles of an event."""
    plain, bracket, elements = body.partition("<")
    lines = [line for line in plain.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if bracket:
        lines += _beside(bracket + elements)
    if not lines:
        raise ValueError("it is empty")
    info = pylhe.LHEEventInfo.fromstring(_columns(lines[0], _EVENT_COLUMNS))
    count = info.nparticles
    particles = [
        pylhe.LHEParticle.fromstring(_columns(line, _PARTICLE_COLUMNS))
        for line in lines[1 : 1 + max(count, 0)]
    ]
    if len(particles) != count:
        raise ValueError(f"it announces {count} particles and has {len(lines) - 1}")
    if strange := lines[1 + count :]:
        raise ValueError(f"after its {count} particles there is {strange[0].strip()[:40]!r}")
    return info.weight, particles


def _columns(line: str, expected: int) -> str:
    if (found := len(line.split())) != expected:
        raise ValueError(f"{line.strip()[:40]!r} has {found} numbers, not {expected}")
    return line


def _beside(text: str) -> list[str]:
    """Lines between the XML elements of an event, such as further weights, without comments."""
    root = ElementTree.fromstring(f"<event>{text}</event>")
    between = [element.tail or "" for element in root]
    return [
        line
        for part in between
        for line in part.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _partons(particles: Sequence[Any], finder: PartonFinder) -> list[Any] | None:
    """The particles that are the partons, in the order of the process; None if one is missing."""
    there = {particle.id for particle in particles}
    if not all(there.intersection(parton.pdgid) for parton in finder.process.z):
        return None
    codes, status = [p.id for p in particles], [p.status for p in particles]
    mothers = [_mothers(p.mother1, p.mother2, len(particles)) for p in particles]
    firsts = [_first_copy(row, codes, status, mothers) for row in range(len(particles))]
    parents = [_parent(first, firsts, status, mothers) for first in firsts]
    outgoing = [row for row, code in enumerate(status) if code == _OUTGOING]
    resonances = [row for row, code in enumerate(status) if code in _RESONANCES and firsts[row] == row]
    rows = finder.rows(codes, parents, outgoing, resonances)
    return None if rows is None else [particles[row] for row in rows]


def _mothers(first: int, last: int, count: int) -> tuple[int, ...]:
    """Rows of the mothers; files have the first and the last one, counted from 1."""
    low, high = (first, last) if first < last else (last, first)
    if low < 0 or high > count:
        raise ValueError(
            f"mother {low if low < 0 else high} of a particle is none of its {count} particles"
        )
    if not high:
        return ()
    if not low:
        return (high - 1,)
    # Two mothers that do not form a range are written with the larger one first.
    return tuple(range(low - 1, high)) if first <= last else (low - 1, high - 1)


def _first_copy(
    row: int, codes: Sequence[int], status: Sequence[int], mothers: Sequence[tuple[int, ...]]
) -> int:
    for _ in codes:
        if len(mothers[row]) != 1:
            return row
        (mother,) = mothers[row]
        if codes[mother] != codes[row] or status[mother] < 0:
            return row
        row = mother
    raise ValueError("the mothers of a particle form a ring")


def _parent(
    first: int, firsts: Sequence[int], status: Sequence[int], mothers: Sequence[tuple[int, ...]]
) -> int:
    if not mothers[first] or min([status[mother] for mother in mothers[first]]) < 0:
        return HARD
    parents = {firsts[mother] for mother in mothers[first]}
    return parents.pop() if len(parents) == 1 else UNKNOWN
