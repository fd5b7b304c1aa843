"""One source of events: a file of any format, or a table in memory, and what is known before it is read."""

import warnings
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mizoo.datasets.checks import below_momentum, check_columns, check_units
from mizoo.datasets.events import faults
from mizoo.datasets.integrity import verify
from mizoo.datasets.readers import array_files, delphes, event_numbers, lhe, tables
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.damage import named
from mizoo.physics.process import Process

_BY_SUFFIX: dict[str, Callable[..., Iterator[Chunk]]] = {
    ".root": delphes.chunks,
    ".lhe": lhe.chunks,
    ".parquet": tables.parquet,
    ".csv": tables.csv,
    ".npz": array_files.numpy,
    ".npy": array_files.numpy,
    ".h5": array_files.hdf5,
    ".hdf5": array_files.hdf5,
}
_ZIPPED = (".lhe", ".csv")
_PEEK = 200  # events, to see what a source has


class Source:
    """Events of one file or table, in chunks that are checked.

    Args:
        source: path, DataFrame or awkward array.
        process: what is looked for.
        size: events of a chunk, at most.
        select: selection of Delphes's events.
        max_bytes: what has to be in memory at once, at most.

    Raises:
        ValueError: for an unknown format.
    """

    def __init__(
        self, source: Any, process: Process, size: int, select: delphes.Selection | None, max_bytes: int
    ):
        self._source, self._process, self._size = source, process, size
        self._select, self._max_bytes = select, max_bytes
        self._in_memory = not isinstance(source, str | Path)
        self.name = f"the {type(source).__name__}" if self._in_memory else str(source)
        self._reader = tables.memory if self._in_memory else self._reader_of(Path(source))

    @property
    def is_delphes(self) -> bool:
        """Whether these are the events of a Delphes file."""
        return self._reader is delphes.chunks

    @property
    def is_les_houches(self) -> bool:
        """Whether these are Les Houches events."""
        return self._reader is lhe.chunks

    def chunks(self) -> Iterator[Chunk]:
        """All events; what is wrong with some of them is in `Chunk.bad`, with name and number.

        Raises:
            ImportError, OSError, ValueError: in one line that names the source.
        """
        with named(self.name):
            if not self._in_memory:
                verify(self._source)
            for chunk in self._read(self._size):
                yield self._checked(chunk)

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        """The spaces that the source has, of its first events; none if it is empty."""
        with named(self.name), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # reading all of it gives them again
            first = next(iter(self._read(min(_PEEK, self._size))), None)
            return () if first is None else tuple(first.arrays)

    def numbers(self) -> np.ndarray | None:
        """Numbers of the events, (n,), if the source has any."""
        with named(self.name):
            if self._in_memory:
                return event_numbers.of_memory(self._source)
            find = event_numbers.READERS.get(self._reader)
            return find(self._source, self._max_bytes) if find else None

    def count(self) -> int:
        """Number of events of a Les Houches file, wanted or not."""
        with named(self.name):
            return lhe.count(self._source, self._max_bytes)

    def _reader_of(self, path):
        suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
        kind = suffixes[-1] if suffixes else ""
        if kind == ".gz" and suffixes[0] in _ZIPPED:
            kind = suffixes[0]
        if (reader := _BY_SUFFIX.get(kind)) is None:
            raise ValueError(f"{path}: unknown format; known are {', '.join(_BY_SUFFIX)}")
        with named(path):
            return tables.root if reader is delphes.chunks and tables.is_table(path) else reader

    def _read(self, size):
        arguments = (self._select,) if self.is_delphes else ()
        return self._reader(self._source, self._process, size, self._max_bytes, *arguments)

    def _checked(self, chunk):
        """With all that is wrong with events of the chunk."""
        bad = dict(chunk.bad)
        for space, array in chunk.arrays.items():
            wanted = chunk.wanted.copy()
            wanted[list(chunk.bad)] = False
            below = below_momentum(array[wanted], self._process, space)
            check_columns(below, int(wanted.sum()), space)
            wrong = {**faults(array, self._process, space), **_disorder(array, self._process, space)}
            for n, what in wrong.items():
                bad.setdefault(n, f"{space}, {what}")
            wanted[list(wrong)] = False
            check_units(array[wanted], self._process, space)
        if chunk.weights is not None:
            for n in np.flatnonzero(~np.isfinite(chunk.weights)).tolist():
                bad.setdefault(n, f"its weight is {chunk.weights[n]} (not finite)")
        chunk.bad = {n: f"{self.name}, event {chunk.first + n}: {what}" for n, what in bad.items()}
        return chunk


def _disorder(array, process, space):
    """Events in which an object is harder than one of its kind before it."""
    found: dict[int, str] = {}
    columns = process.columns(space)
    with np.errstate(all="ignore"):
        pt = np.hypot(array[:, ::4], array[:, 1::4])
    if space == "z":
        return found
    last: dict[tuple, int] = {}
    for index, particle in enumerate(process.particles(space)):
        if (before := last.get(kind := (particle.kind, particle.charge))) is not None:
            harder = (pt[:, index] > pt[:, before] * (1.0 + 1e-5)) & np.isfinite(pt[:, index])
            for event in np.flatnonzero(harder).tolist():
                found.setdefault(event, f"{columns[4 * index]} is not ordered by falling pT")
        last[kind] = index
    return found
