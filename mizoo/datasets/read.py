"""Reading of events from files of any supported format."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from mizoo.datasets.events import Events
from mizoo.datasets.readers import own_columns
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.columns import Columns
from mizoo.datasets.readers.limits import MAX_BYTES, check_bytes
from mizoo.datasets.readers.pairing import (
    DirectionCheck,
    in_order,
    one_after_another,
    picked,
    rows_by_number,
    rows_by_position,
)
from mizoo.datasets.readers.process_metadata import common
from mizoo.datasets.readers.selection import Select
from mizoo.datasets.readers.sources import Opened, Source, opened
from mizoo.physics.process import Process

_NAMED = 3  # sources named in a message


class SkippedEvents(UserWarning):
    """Warns of bad events that were left out: their number, and the fault of the first one."""


def read(
    *sources: Any,
    process: Process | None = None,
    columns: Columns | Mapping[str, Any] | str | Path | None = None,
    select: Select | None = None,
    skip_bad: bool = False,
    chunk: int = 10_000,
    max_bytes: int = MAX_BYTES,
) -> Events:
    """Read events from files, or from tables in memory.

    Formats, by suffix: ROOT files of Delphes, or with a tree `events` of columns (`.root`), Les Houches
    events (`.lhe`, `.lhe.gz`), Parquet, CSV (`.csv`, `.csv.gz`), HDF5 (`.h5`, `.hdf5`), NumPy (`.npz`,
    `.npy`); DataFrames and awkward arrays. Trees, Parquet, CSV and HDF5 files with other columns, such as
    those of NanoAOD, are read with `columns`. These and Delphes files have whole events, of which those
    that pass the selection are taken: the objects of the process are the hardest in its acceptance,
    massless unless the process says otherwise. Of a variable number all are taken; events with more than
    the process allows are left out, with a `SurplusObjects` warning.

    Files written by mizoo state their process; for other files it must be given. Missing momentum has as
    many components as in the process; an unwanted third one is dropped, with a `DroppedComponent` warning.

    Several sources of the same spaces are concatenated. Sources of x and sources of z are paired event by
    event, before the selection: `read("delphes.root", "partons.lhe.gz")`. Events of a Delphes file are
    matched to partons by `Event.Number`, their position in the Les Houches file, if it differs from their
    own position; those of two tables by a column `event` in both. A `DoubtfulPairs` warning names pairs
    that do not point in the same direction. A Delphes file with the particle record has x and z; if Les
    Houches files are given as well, z is theirs.

    Weights are those of Delphes's branch `Event.Weight` or of the Les Houches events (the latter, if both
    are given), or a column, array or data set `weight` or `weights` of other files. Equal weights are
    dropped.

    Args:
        process: process to read; by default the one that the files state.
        columns: names and units of columns, for files that mizoo has not written: a
            `mizoo.datasets.Columns`, a dictionary, or the path of a YAML file.
        select: selection of whole events: a formula such as `"n_jets >= 2 and max(jet.pt) > 50"`, see
            `mizoo.physics.selection`; or a function of the objects and the process that returns a mask
            (n,), see `mizoo.datasets.readers.selection`. By default that of the process, or exactly as many
            electrons, muons, photons and jets as it lists. Events that lack an object of the process are
            never taken.
        skip_bad: whether to leave out bad events with a `SkippedEvents` warning, in place of an error.
        chunk: number of events held at once, in addition to the result.
        max_bytes: largest memory, in bytes, for the result, and for what a file makes a reader hold at
            once, such as an array of an `.npz` file; one event, header or line of a text file may take 1/64
            of it.

    Raises:
        ImportError: if a format needs a library that is not installed.
        OSError: if a file does not exist or cannot be read.
        ValueError: for bad input; it names file, event and column or branch, and what was expected. Also if
            the process is neither given nor stated, or a file states another one.
    """
    parts: list[Events] = []
    held = 0
    streamed = _stream(sources, process, columns, select, skip_bad, chunk, max_bytes, whole=True)
    for part, _ in track(streamed, description="read     ", transient=True):
        parts.append(part)
        held += sum(array.nbytes for array in part.arrays().values())
        check_bytes(held, max_bytes, f"{_names(sources)}: the result")
    x, z = (np.concatenate([p[s] for p in parts]) if s in parts[0].arrays() else None for s in "xz")
    weights = None
    if all(part.weights is not None for part in parts):
        weights = np.concatenate([part.weights for part in parts])
        weights = None if np.ptp(weights) == 0.0 else weights
    return Events(x, z, process=parts[0].process, weights=weights)


def stream(
    *sources: Any,
    process: Process | None = None,
    columns: Columns | Mapping[str, Any] | str | Path | None = None,
    select: Select | None = None,
    skip_bad: bool = False,
    chunk: int = 10_000,
    max_bytes: int = MAX_BYTES,
) -> Iterator[Events]:
    """Read events in parts, each from at most `chunk` events of the files; see `read`.

    Here `max_bytes` is the limit for one part.

    Yields:
        `Events`; empty parts are left out.
    """
    streamed = _stream(sources, process, columns, select, skip_bad, chunk, max_bytes, whole=False)
    return (part for part, _ in streamed)


def numbered(
    source: Any,
    process: Process | None = None,
    skip_bad: bool = False,
    columns: Columns | Mapping[str, Any] | str | Path | None = None,
) -> Iterator[tuple[Events, np.ndarray]]:
    """Events of one source as from `stream`, with their positions (n,) in it, from 0."""
    return _stream((source,), process, columns, None, skip_bad, 10_000, MAX_BYTES, whole=False)


def _stream(
    sources: Sequence[Any],
    process: Process | None,
    columns: Columns | Mapping[str, Any] | str | Path | None,
    select: Select | None,
    skip_bad: bool,
    size: int,
    max_bytes: int,
    whole: bool,
) -> Iterator[tuple[Events, np.ndarray]]:
    if not sources:
        raise ValueError("nothing to read: give a file")
    if size < 1:
        raise ValueError(f"chunk must be 1 or more, got {size}")
    skipped: list[str] = []
    any_left = False
    process, given = _opened(sources, process, columns, select, size, max_bytes)
    for part in _parts(given, process):
        if whole and part.announced is not None:
            width = sum(array.shape[1] for array in part.arrays.values()) * np.dtype("float32").itemsize
            check_bytes(part.announced * width, max_bytes, f"{part.source}: the result")
        of_interest = [n for n in sorted(part.bad) if part.wanted[n]]
        if of_interest and not skip_bad:
            raise ValueError(part.bad[of_interest[0]])
        skipped += [part.bad[n] for n in of_interest]
        wanted = part.wanted.copy()
        wanted[of_interest] = False
        if wanted.any():
            any_left = True
            events = Events(
                **{space: array[wanted] for space, array in part.arrays.items()}, process=process,
                weights=None if part.weights is None else part.weights[wanted],
            )  # fmt: skip
            yield events, part.first + np.flatnonzero(wanted)
    if skipped:
        warnings.warn(f"{len(skipped)} bad events left out; the first: {skipped[0]}", SkippedEvents, 3)
    if not any_left:
        chosen = select or process.select
        by = f" by {chosen!r}" if isinstance(chosen, str) else ""
        raise ValueError(f"{_names(sources)}: no events of {process.name} after selection{by}")


def _opened(
    sources: Sequence[Any],
    process: Process | None,
    columns: Columns | Mapping[str, Any] | str | Path | None,
    select: Select | None,
    size: int,
    max_bytes: int,
) -> tuple[Process, list[Source]]:
    """The process, and the sources to be read as its events."""
    own = None if columns is None else Columns.of(columns)
    found: list[Opened] = [opened(source, own, max_bytes) for source in sources]
    what = _names(sources)
    process = common(process, [(one.name, one.process) for one in found], what)
    if select is not None and not any(one.has_whole_events for one in found):
        raise ValueError(
            f"{what}: select is for whole events, of Delphes or with columns=…, and there are none"
        )
    if own is not None and not any(one.reader is own_columns.chunks for one in found):
        raise ValueError(
            f"{what}: columns are for trees {own.tree!r}, Parquet, CSV and HDF5 files that mizoo has not "
            "written, and for tables in memory; there are none"
        )
    return process, [Source(one, process, size, select, own, max_bytes) for one in found]


def _parts(sources: Sequence[Source], process: Process) -> Iterator[Chunk]:
    """Chunks of all sources, concatenated or paired."""
    if len(sources) == 1:
        return sources[0].chunks()
    if empty := [s.name for s in sources if not s.spaces]:
        raise ValueError(f"{empty[0]}: it has no events")
    kinds = {kind: [s for s in sources if s.spaces == kind] for kind in (("x", "z"), ("x",), ("z",))}
    both, x, z = kinds.values()
    if both and x:
        raise ValueError(
            f"{both[0].name} has x and z, and {x[0].name} only x: give files with the same, or x and z "
            "in separate files"
        )
    if not z or not (x or both):
        return one_after_another(source.chunks() for source in sources)
    return _pairs(sources, x or both, z, process)


def _pairs(
    sources: Sequence[Source], x: Sequence[Source], z: Sequence[Source], process: Process
) -> Iterator[Chunk]:
    """Chunks of events of x, paired with their partons."""
    names = {"x": _names([s.name for s in x]), "z": _names([s.name for s in z])}
    x_chunks, z_chunks = (one_after_another(s.chunks() for s in group) for group in (x, z))
    rows = _rows(x, z, f"{names['x']} and {names['z']}")
    if rows is not None:
        pairs = picked(x_chunks, z_chunks, rows)
    elif sources.index(x[0]) < sources.index(z[0]):
        pairs = in_order(x_chunks, z_chunks, (names["x"], names["z"]))
    else:
        turned = in_order(z_chunks, x_chunks, (names["z"], names["x"]))
        pairs = ((second, first) for first, second in turned)
    directions = DirectionCheck(process, f"{names['x']} and {names['z']}")
    generator_knows = all(s.is_delphes for s in x) and all(s.is_les_houches for s in z)
    for of_x, of_z in pairs:
        joined = _joined(of_x, of_z, generator_knows)
        good = joined.wanted.copy()
        good[list(joined.bad)] = False
        directions.add(joined.arrays["x"][good], joined.arrays["z"][good])
        yield joined
    directions.finish()


def _rows(x: Sequence[Source], z: Sequence[Source], what: str) -> np.ndarray | None:
    """Rows of z for the events of x, by event numbers; None if events are paired in order."""
    if all(source.is_les_houches for source in z):
        if (of_x := _numbers(x)) is None:
            return None
        return rows_by_position(of_x, [source.count() for source in z], what)
    if (of_z := _numbers(z)) is None or (of_x := _numbers(x)) is None:
        return None
    return rows_by_number(of_x, of_z, what)


def _numbers(sources: Sequence[Source]) -> list[np.ndarray] | None:
    """Numbers of events by source; None if one has none."""
    found = [source.numbers() for source in sources]
    known = [numbers for numbers in found if numbers is not None]
    return known if len(known) == len(found) else None


def _joined(x: Chunk, z: Chunk, z_has_weights: bool) -> Chunk:
    """The same events of x and z as one chunk."""
    wanted = x.wanted & z.wanted
    if "z" in x.arrays and wanted.any():
        known, given = x.arrays["z"][wanted], z.arrays["z"][wanted]
        scale = np.abs(given).max(1) + 1e-9
        # The particle record has been through rounding and boosts.
        if np.mean(np.abs(known - given).max(1) > 0.05 * scale) > 0.1:
            raise ValueError(
                f"{x.source} has z as well, and not that of {z.source}: are they the same events?"
            )
    return Chunk(
        x.source,
        x.first,
        {**x.arrays, **z.arrays},
        wanted,
        _weights(x, z, z_has_weights),
        {**z.bad, **x.bad},
    )


def _weights(x: Chunk, z: Chunk, z_has_weights: bool) -> np.ndarray | None:
    """Weights of pairs: those of the generator, or else those of either file, where 1 stands for none."""
    if x.weights is None or z.weights is None or z_has_weights:
        return x.weights if z.weights is None else z.weights
    same = np.isclose(x.weights, z.weights, rtol=1e-5, equal_nan=True)
    if len(wrong := np.flatnonzero(~same & (x.weights != 1.0) & (z.weights != 1.0) & x.wanted & z.wanted)):
        n = int(wrong[0])
        raise ValueError(
            f"the weight of event {x.first + n} is {x.weights[n]:g} in {x.source} and {z.weights[n]:g} in "
            f"{z.source}: one weight per event is expected"
        )
    return np.where(x.weights == 1.0, z.weights, x.weights)


def _names(sources: Iterable[Any]) -> str:
    named = [str(s) if isinstance(s, str | Path) else f"the {type(s).__name__}" for s in sources]
    if len(named) > _NAMED:
        named = [*named[: _NAMED - 1], f"{len(named) - _NAMED + 1} more"]
    return " and ".join(named)
