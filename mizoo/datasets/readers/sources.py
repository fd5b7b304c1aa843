"""One source of events: a file of any format or a table in memory, with its metadata and checks."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from mizoo.datasets.checks import above_beam, below_momentum, check_columns, check_units, faults
from mizoo.datasets.integrity import verify
from mizoo.datasets.padding import disorder
from mizoo.datasets.readers import (
    array_files,
    delphes,
    event_numbers,
    lhe,
    own_columns,
    process_metadata,
    tables,
    trees,
)
from mizoo.datasets.readers.chunk import Chunk, Reader
from mizoo.datasets.readers.columns import Columns
from mizoo.datasets.readers.damage import named
from mizoo.datasets.readers.selection import Select
from mizoo.physics.process import Process

_BY_SUFFIX: dict[str, Reader] = {
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
_PEEK = 200  # events, to find the spaces of a source


class DroppedComponent(UserWarning):
    """Warns that missing momentum has a component along the beam, which its process does not have."""


@dataclass(frozen=True)
class Opened:
    """A source with its reader and the process that it states.

    Attributes:
        source: path, DataFrame or awkward array.
        name: name of the source, for messages.
        reader: reader of its format.
        process: process that it states for its events; None if it states none.
    """

    source: Any
    name: str
    reader: Reader
    process: Process | None

    @property
    def has_whole_events(self) -> bool:
        """Whether events are selected by all of their objects."""
        return self.reader in (delphes.chunks, own_columns.chunks)


def opened(source: Any, columns: Columns | None, max_bytes: int) -> Opened:
    """Inspect a source: its format, its checksum if there is one beside it, and its process.

    Args:
        source: path, DataFrame or awkward array.
        columns: names of columns, for files that mizoo has not written.
        max_bytes: largest memory that the source may require at once, in bytes.

    Raises:
        ValueError: for an unknown format, a wrong checksum or a damaged file; it names the source.
    """
    if not isinstance(source, str | Path):
        own = own_columns.chunks if columns else tables.memory
        return Opened(source, f"the {type(source).__name__}", own, None)
    path, name = Path(source), str(source)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    suffix = suffixes[-1] if suffixes else ""
    if suffix == ".gz" and suffixes[0] in _ZIPPED:
        suffix = suffixes[0]
    if (reader := _BY_SUFFIX.get(suffix)) is None:
        raise ValueError(f"{name}: unknown format; known are {', '.join(_BY_SUFFIX)}")
    with named(name):
        tables.there(path)
        verify(path)
        if suffix == ".root" and trees.has(path, tables.TREE):
            reader = tables.root
        process = process_metadata.stated(path, reader, max_bytes)
        if columns and process is None and own_columns.reads(path, suffix, columns):
            reader = own_columns.chunks
        return Opened(source, name, reader, process)


class Source:
    """Events of one file or table, in checked chunks.

    Args:
        opened: the source.
        process: process to read.
        size: largest number of events per chunk.
        select: selection of whole events.
        columns: names of columns, for files that mizoo has not written.
        max_bytes: largest memory that the source may require at once, in bytes.
    """

    def __init__(
        self,
        opened: Opened,
        process: Process,
        size: int,
        select: Select | None,
        columns: Columns | None,
        max_bytes: int,
    ) -> None:
        self.name, self._opened = opened.name, opened
        self._process, self._size, self._max_bytes = process, size, max_bytes
        self._reader: Reader = opened.reader
        self._columns = columns or Columns()
        if opened.has_whole_events:
            self._reader = partial(self._reader, select=select)
        if opened.reader is own_columns.chunks:
            self._reader = partial(self._reader, columns=self._columns)
        self._dropped = False

    @property
    def is_delphes(self) -> bool:
        """Whether these are the events of a Delphes file."""
        return self._opened.reader is delphes.chunks

    @property
    def is_les_houches(self) -> bool:
        """Whether these are Les Houches events."""
        return self._opened.reader is lhe.chunks

    def chunks(self) -> Iterator[Chunk]:
        """All events; faults are in `Chunk.bad`, with the name of the source and the index of the event.

        Raises:
            ImportError, OSError, ValueError: in one line that names the source.
        """
        with named(self.name):
            for chunk in self._read(self._size):
                yield self._checked(chunk)

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        """The spaces of the source, by its first events; none if it is empty."""
        with named(self.name), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # reading the whole source repeats them
            first = next(iter(self._read(min(_PEEK, self._size))), None)
            return () if first is None else tuple(first.arrays)

    def numbers(self) -> np.ndarray | None:
        """Numbers of the events, (n,), if the source has any."""
        source = self._opened.source
        with named(self.name):
            if self._opened.reader is own_columns.chunks:
                return event_numbers.of_columns(source, self._columns, self._max_bytes)
            if self._opened.reader is tables.memory:
                return event_numbers.of_memory(source)
            find = event_numbers.READERS.get(self._opened.reader)
            return find(source, self._max_bytes) if find else None

    def count(self) -> int:
        """Number of events of a Les Houches file, wanted or not."""
        with named(self.name):
            return lhe.count(self._opened.source, self._max_bytes)

    def _read(self, size: int) -> Iterator[Chunk]:
        return self._reader(self._opened.source, self._process, size, self._max_bytes)

    def _checked(self, chunk: Chunk) -> Chunk:
        """Check a chunk, and collect the faults of its events."""
        bad = dict(chunk.bad)
        if "x" in chunk.arrays:
            chunk.arrays["x"] = self._two_components(chunk.arrays["x"])
        for space, array in chunk.arrays.items():
            wanted = chunk.wanted.copy()
            wanted[list(chunk.bad)] = False
            below = below_momentum(array[wanted], self._process, space)
            check_columns(below, int(wanted.sum()), space)
            wrong = faults(array, self._process, space)
            if space == "x":
                wrong |= disorder(array, self._process, self._process.ordered)
            for n, what in wrong.items():
                bad.setdefault(n, f"{space}, {what}")
            wanted[list(wrong)] = False
            check_units(array[wanted], self._process, space)
            for n, what in above_beam(array, self._process, space).items():
                bad.setdefault(n, f"{space}, {what}")
        if chunk.weights is not None:
            for n in np.flatnonzero(~np.isfinite(chunk.weights)).tolist():
                bad.setdefault(n, f"its weight is {chunk.weights[n]} (not finite)")
        chunk.bad = {n: f"{self.name}, event {chunk.first + n}: {what}" for n, what in bad.items()}
        return chunk

    def _two_components(self, x: np.ndarray) -> np.ndarray:
        """x with transverse missing momentum, if it has two components in the process."""
        for i, one in enumerate(self._process.x):
            if one.kind == "met" and one.components == 2 and x.shape[1] > 4 * i + 3:
                along = x[:, 4 * i + 2]
                if not (finite := along[np.isfinite(along)]).any():
                    continue
                if not self._dropped:
                    warnings.warn(
                        f"{self.name}: pz_{one.name} of {self._process.name} is dropped, up to "
                        f"{np.abs(finite).max():.4g} GeV: the process wants two components",
                        DroppedComponent,
                        2,
                    )
                    self._dropped = True
                x = x.copy()
                x[:, 4 * i + 2] = np.where(np.isfinite(along), 0.0, along)
                x[:, 4 * i + 3] = np.where(
                    np.isfinite(along), np.hypot(x[:, 4 * i], x[:, 4 * i + 1]), along
                )
        return x
