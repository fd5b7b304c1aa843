"""Draws for any number of events, in bounded memory, that survive an interruption."""

import hashlib
import secrets
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mizoo._version import __version__
from mizoo.datasets.integrity import checksum
from mizoo.datasets.lock import sole_writer
from mizoo.datasets.read import numbered
from mizoo.datasets.readers.columns import Columns
from mizoo.datasets.readers.limits import MAX_BYTES
from mizoo.datasets.readers.process_metadata import common, text
from mizoo.datasets.readers.sources import opened
from mizoo.datasets.write import appending, check_target, scratch
from mizoo.evaluation.domain import Domain
from mizoo.evaluation.streams import in_chunks
from mizoo.export.identity import model_checksum
from mizoo.export.job import Draws
from mizoo.export.several import check_samples, check_whole, rows
from mizoo.physics.process import Process

_SPACES = {"decode": ("z", "x"), "encode": ("x", "z")}
_ROWS = 50_000  # that are written at once, at most, unless an event has more draws


class OutsideDomain(UserWarning):
    """Says how many events are outside of what the training has seen."""


class Model(Protocol):
    """What `generate` needs of a model: a `Pretrained`, a `Turbo`, or one of a user's own.

    The latter needs only the method that is used. Draws of it can be resumed if it has a method
    `checksum() -> str` as well, see `mizoo.export.identity`.
    """

    name: str

    def encode(self, x: np.ndarray, *, seed: int) -> np.ndarray:
        """Draw z (n, 4 × objects) given x (n, 4 × objects), in GeV; the same by the same seed."""

    def decode(self, z: np.ndarray, *, seed: int) -> np.ndarray:
        """Draw x (n, 4 × objects) given z (n, 4 × objects), in GeV; the same by the same seed."""


def generate(
    model: Model,
    method: str,
    source: str | Path,
    out: str | Path,
    process: Process | None = None,
    seed: int | None = None,
    skip_bad: bool = False,
    resume: bool = False,
    chunk: int = 5_000,
    overwrite: bool = False,
    samples: int | None = None,
    columns: Columns | Mapping[str, Any] | str | Path | None = None,
    domain: Domain | None = None,
) -> int:
    """Draw x or z for each event of a file, and write them to another one.

    With `samples` it draws several times per event, such as samples of the posterior in unfolding. The file
    then has one row per draw, all draws of the first event before those of the second one, and two more
    columns (data sets, arrays): `event` is the place of the event in `source`, from 0, and counts events
    that are left out by a selection or as bad; `sample` goes from 0 to `samples` − 1. Each draw has the
    weight of its event. `mizoo.datasets.read` reads the rows as events; k draws per event are
    `read(out).z.reshape(-1, k, d)`.

    The draws of an event follow from the model, the seed, `chunk`, the events drawn together with it, which
    are `chunk` in a row, and the number of the draw; neither from the format of the file nor from
    `samples`: the first of several draws is the one that is drawn without `samples`.

    Events are drawn chunk by chunk, and what is drawn is kept in a folder beside `out`, `.NAME.draws`,
    until all is there: then the file is written, and the folder goes. A draw that was interrupted goes on
    there; no event is lost or drawn twice, and the file is the one of an undisturbed draw.

    The folder knows what its draws follow from, by content: the model, the file, the seed and the other
    arguments. Draws that are damaged, or not of this model, file and seed, never get into `out`: they are
    drawn again. Where it is not known any more what the folder is of, all events are drawn anew, with a
    warning.

    Args:
        model: a `Pretrained` or a `Turbo`, or another `Model`.
        method: `"decode"` or `"encode"`.
        source: file of events, of any format that `mizoo.datasets.read` takes.
        out: file to write, see `mizoo.datasets.write`.
        process: of the events; what `source` says by default.
        seed: of the draws, 0 or more; a new one if None, or that of the draws that are resumed.
        skip_bad: leave bad events out.
        resume: go on with what is there of the same draw.
        chunk: events that are drawn at once, 1 or more; memory is that of `chunk` times `samples` draws.
        overwrite: replace `out` if it is there.
        samples: draws per event, 1 or more; one, without the columns `event` and `sample`, if None.
        columns: names of columns of `source`, see `mizoo.datasets.read`, if it is not a file of mizoo's.
        domain: what the training has seen; events outside are counted, and an `OutsideDomain` warning says
            how many there are.

    Returns:
        The number of events drawn.

    Raises:
        FileExistsError: if `out` is there, and `overwrite` is False; or if there are draws that were
            interrupted, and `resume` is False.
        BlockingIOError: if another process draws for the same `out`.
        OSError: if `source` is no file, or `out` cannot be written.
        ValueError: if `out` is `source`; if draws to resume are of another model, file, seed or number of
            samples; for bad input; or if the file has not the space that is needed.
    """
    source, out = Path(source), Path(out)
    _check(method, seed, chunk)
    check_samples(samples)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    if any(path.exists() and path.samefile(source) for path in scratch(out)):
        raise ValueError(f"{out} is the file that is read, or would overwrite it: choose another name")
    check_target(out, overwrite)
    named = None if columns is None else Columns.of(columns)
    with sole_writer(out):
        before = _state(source)
        stated = opened(source, named, MAX_BYTES).process
        named = named if stated is None else None  # of files of the training, and not of mizoo's own
        process = common(process, [(str(source), stated)], str(source))
        job = {
            "mizoo version": __version__,
            "model": model_checksum(model),
            "method": method,
            "source": checksum(source),
            "process": hashlib.sha256(text(process).encode()).hexdigest(),
            "skip_bad": bool(skip_bad),
            "chunk": int(chunk),
            "samples": None if samples is None else int(samples),
            "columns": None if named is None else named.model_dump(mode="json", exclude_defaults=True),
            "seed": None if seed is None else int(seed),
        }
        target = out.resolve()
        folder = target.with_name(f".{target.name}.draws")
        with appending(out, process, overwrite) as append:  # refuses what it cannot write before any draw
            draws = Draws(folder, job, resume, new_seed=lambda: secrets.randbits(32))
            try:
                events = _given(numbered(source, process, skip_bad, named), method, source)
                events = _watched(events, domain, _SPACES[method][0], process, str(source))
                count = _draw(model, method, draws, append, _regrouped(events, chunk), samples)
                if _state(source) != before:
                    raise ValueError(f"{source} was changed while it was read: draw anew")
            finally:
                if draws.empty:
                    draws.discard()
        draws.discard()
    return count


def _given(parts, method, source) -> Iterator[dict[str, np.ndarray]]:
    """What the method takes of parts of a file, with places and weights of the events."""
    space, _ = _SPACES[method]
    for events, places in parts:
        if events[space] is None:
            raise ValueError(f"{source}: {method} needs {space}, and the file has none")
        own = {} if events.weights is None else {"weights": events.weights}
        yield {"given": events[space], "places": places, **own}


def _watched(parts, domain, space, process, name):
    """The same parts; when all have passed, a warning of those outside the domain."""
    if domain is None:
        yield from parts
        return
    events, count, each = 0, 0, np.zeros(1, int)
    for part in parts:
        outside = domain.outside(part["given"], space, process)
        events += len(outside)
        count += np.count_nonzero(outside.any(1))
        each = each + np.count_nonzero(outside, axis=0)
        yield part
    if count:
        line = domain.describe_counts(space, events, count, each)
        warnings.warn(f"{name}: {line}", OutsideDomain, stacklevel=2)


def _regrouped(parts: Iterable[dict[str, np.ndarray]], size: int) -> Iterator[dict[str, np.ndarray]]:
    """The same rows, `size` at a time: readers of different formats cut files differently."""
    rest: dict[str, np.ndarray] = {}
    for part in parts:
        both = {name: np.concatenate([rest.get(name, array[:0]), array]) for name, array in part.items()}
        whole = len(both["given"]) // size * size
        for start in range(0, whole, size):
            yield {name: array[start : start + size] for name, array in both.items()}
        rest = {name: array[whole:] for name, array in both.items()}
    if rest and len(rest["given"]):
        yield rest


def _draw(model, method, draws, append, chunks, samples):
    """Draw for chunks of events, and append what is drawn; the number of events."""
    function, space = getattr(model, method), _SPACES[method][1]
    count, each = 0, samples or 1
    with _progress() as progress:
        task = progress.add_task(method, total=None)
        for i, chunk in enumerate(chunks):
            given, places, weights = chunk["given"], chunk["places"], chunk.get("weights")
            made = []
            for j in range(each):
                draw = partial(in_chunks, function, given, None, seed=[draws.seed, i, j], first=count)
                made.append(draws.part(i * each + j, given, draw))
                progress.update(task, completed=count * each + len(given) * (j + 1))
            if samples is None:
                append({space: made[0]} | ({} if weights is None else {"weights": weights}))
            else:
                step = max(1, _ROWS // samples)
                for part in (slice(start, start + step) for start in range(0, len(given), step)):
                    own = None if weights is None else weights[part]
                    append(rows(space, [drawn[part] for drawn in made], places[part], own))
            count += len(given)
    return count


def _check(method, seed, chunk):
    if method not in _SPACES:
        raise ValueError(f"method must be {' or '.join(map(repr, _SPACES))}, not {method!r}")
    if seed is not None:
        check_whole("seed", seed, 0)
    check_whole("chunk", chunk, 1)


def _state(path):
    """What changes whenever a file is written or replaced."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _progress():
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        transient=True,
    )  # fmt: skip
