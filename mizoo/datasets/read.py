"""Events out of files, whatever their format."""

import warnings
from itertools import zip_longest
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from rich.progress import track

from mizoo.datasets import delphes, lhe, tables
from mizoo.datasets.chunk import Chunk
from mizoo.datasets.events import Events, faults
from mizoo.physics.process import TTBAR

_BY_SUFFIX = {
    ".root": delphes.chunks,
    ".lhe": lhe.chunks,
    ".parquet": tables.parquet,
    ".csv": tables.csv,
    ".npz": tables.numpy,
    ".npy": tables.numpy,
    ".h5": tables.hdf5,
    ".hdf5": tables.hdf5,
}


class SkippedEvents(UserWarning):
    """Says how many events were bad, and what was wrong with the first of them."""


def read(*sources, process=TTBAR, select=None, skip_bad=False, chunk=10_000) -> Events:
    """Read events from files, or from tables in memory.

    Formats, by suffix: ROOT files of Delphes, or with a tree `events` of columns (`.root`), Les Houches
    events (`.lhe`, `.lhe.gz`), Parquet, CSV, HDF5 (`.h5`, `.hdf5`), NumPy (`.npz`, `.npy`); DataFrames and
    awkward arrays. Of Delphes's files only the events of the selection are taken. Two sources, one of x
    and one of z, are paired event by event, before the selection: `read("delphes.root",
    "partons.lhe.gz")`. A Delphes file with the particle record has both.

    Weights are those of Delphes's branch `Event.Weight` or of the Les Houches events (the latter, where
    both are given), a column `weight` of tables, arrays `weights` of HDF5 and NumPy files. Where all
    are the same there are none.

    Args:
        process: what is looked for.
        select: selection of Delphes's events, see `mizoo.datasets.delphes.chunks`.
        skip_bad: leave bad events out, with a `SkippedEvents` warning, instead of an error.
        chunk: events that are held at once, beside the result.

    Raises:
        ImportError: if a format needs the extra `hep`.
        ValueError: for bad input; it names file, event and column or branch, and what was expected.
    """
    parts = stream(*sources, process=process, select=select, skip_bad=skip_bad, chunk=chunk)
    parts = list(track(parts, description="read     ", transient=True))
    x, z = (np.concatenate([p[s] for p in parts]) if s in parts[0].arrays() else None for s in "xz")
    weights = None
    if all(part.weights is not None for part in parts):
        weights = np.concatenate([part.weights for part in parts])
        weights = None if np.ptp(weights) == 0.0 else weights
    return Events(x, z, process=process, weights=weights)


def stream(*sources, process=TTBAR, select=None, skip_bad=False, chunk=10_000):
    """Events in parts that come from at most `chunk` events of the files each: see `read`.

    Yields:
        `Events`; parts without any are left out.
    """
    if not sources:
        raise ValueError("nothing to read: give a file")
    skipped: list[str] = []
    any_left = False
    for chunks in _together([_chunks(source, process, chunk, select) for source in sources], sources):
        arrays, weights, wanted = _joined(chunks)
        bad: dict[int, str] = {}
        for part in chunks:
            bad = {**_faults(part, process), **bad}
        of_interest = [n for n in sorted(bad) if wanted[n]]
        if of_interest and not skip_bad:
            raise ValueError(bad[of_interest[0]])
        skipped += [bad[n] for n in of_interest]
        wanted[of_interest] = False
        if wanted.any():
            any_left = True
            yield Events(
                **{space: array[wanted] for space, array in arrays.items()}, process=process,
                weights=None if weights is None else weights[wanted],
            )  # fmt: skip
    if skipped:
        warnings.warn(f"{len(skipped)} bad events left out; the first: {skipped[0]}", SkippedEvents, 2)
    if not any_left:
        raise ValueError(f"{_names(sources)}: no events of {process.name} after selection")


def _chunks(source, process, size, select):
    """Chunks of a source of any format, with errors that name it."""
    if not isinstance(source, str | Path):
        return tables.memory(source, process, size)
    suffixes = [s for s in Path(source).suffixes if s != ".gz"]
    if (reader := _BY_SUFFIX.get(suffixes[-1] if suffixes else "")) is None:
        raise ValueError(f"{source}: unknown format; known are {', '.join(_BY_SUFFIX)}")
    if reader is delphes.chunks and tables.is_table(source):
        reader = tables.root
    arguments = (select,) if reader is delphes.chunks else ()
    return _named(source, reader(source, process, size, *arguments))


def _named(source, chunks):
    try:
        yield from chunks
    except (OSError, EOFError, BadZipFile, ValueError) as error:
        if isinstance(error, FileNotFoundError) or str(error).startswith(str(source)):
            raise
        raise ValueError(f"{source}: {error}") from error


def _together(iterators, sources):
    """Chunks of the same events of all sources."""
    for chunks in zip_longest(*iterators, fillvalue=None):
        lengths = [0 if c is None else len(c) for c in chunks]
        if len(set(lengths)) > 1:
            first = max((c.first for c in chunks if c is not None), default=0)
            counts = ", ".join(f"{s} {first + n}" for s, n in zip(sources, lengths, strict=True))
            raise ValueError(f"numbers of events differ: up to here {counts}")
        yield chunks


def _joined(chunks: tuple[Chunk, ...]):
    """Arrays by space, weights, and which events are wanted; a later source has the last word."""
    arrays = {space: array for c in chunks for space, array in c.arrays.items()}
    weights = next((c.weights for c in reversed(chunks) if c.weights is not None), None)
    return arrays, weights, np.all([c.wanted for c in chunks], 0)


def _faults(chunk, process):
    """What is wrong with events of a chunk, by their number in it, with their source."""
    found: dict[int, str] = {}
    for space, array in chunk.arrays.items():
        try:
            wrong = {**_disorder(array, process, space), **faults(array, process, space)}
        except ValueError as error:
            raise ValueError(f"{chunk.source}: {error}") from error
        for n, what in wrong.items():
            found.setdefault(n, f"{chunk.source}, event {chunk.first + n}: {space}, {what}")
    if chunk.weights is not None:
        for n in np.flatnonzero(~np.isfinite(chunk.weights)):
            what = f"its weight is {chunk.weights[n]} (not finite)"
            found.setdefault(int(n), f"{chunk.source}, event {chunk.first + n}: {what}")
    return found


def _disorder(array, process, space):
    """Events in which an object is harder than one of its kind before it."""
    found: dict[int, str] = {}
    columns = process.columns(space)
    pt = np.hypot(array[:, ::4], array[:, 1::4])
    last: dict[tuple, int] = {}
    for index, particle in enumerate(process.particles(space)):
        if particle.branch is None:
            continue
        if (before := last.get(kind := (particle.branch, particle.charge))) is not None:
            for event in np.flatnonzero(pt[:, index] > pt[:, before] * (1.0 + 1e-5)):
                found.setdefault(int(event), f"{columns[4 * index]} is not ordered by falling pT")
        last[kind] = index
    return found


def _names(sources):
    return " and ".join(str(s) if isinstance(s, str | Path) else type(s).__name__ for s in sources)
