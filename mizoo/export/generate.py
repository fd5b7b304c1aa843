"""Resumable draws for any number of events in bounded memory."""

import hashlib
import secrets
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mizoo._version import __version__
from mizoo.core.whole import check_whole
from mizoo.datasets.events import Events
from mizoo.datasets.formats import Append
from mizoo.datasets.integrity import checksum
from mizoo.datasets.lock import sole_writer
from mizoo.datasets.padding import by_falling_pt
from mizoo.datasets.read import numbered
from mizoo.datasets.readers.columns import Columns
from mizoo.datasets.readers.limits import MAX_BYTES
from mizoo.datasets.readers.process_metadata import common, text
from mizoo.datasets.readers.sources import opened
from mizoo.datasets.write import appending, check_target, scratch
from mizoo.evaluation.domain import Domain
from mizoo.evaluation.streams import in_chunks
from mizoo.export.dask_workers import Remote, check_dask, client_of
from mizoo.export.identity import model_checksum
from mizoo.export.job import Draws
from mizoo.export.several import check_samples, rows
from mizoo.physics.process import Process

if TYPE_CHECKING:
    from distributed import Client

# Starts the draws for events, from a sequence of integers as seed and the index of the first event, and
# returns a function that waits for them.
Start: TypeAlias = Callable[[np.ndarray, list[int], int], Callable[[], np.ndarray]]
_SPACES = {"decode": ("z", "x"), "encode": ("x", "z")}
_ROWS = 50_000  # rows written at once, at most, unless one event has more draws


class OutsideDomain(UserWarning):
    """Warns of events outside the domain of the training data."""


class Model(Protocol):
    """Interface of models for `generate`: a `Pretrained`, a `Turbo`, or a user's own model.

    A user's own model needs only the method that is used. Its draws can be resumed if it also has a method
    `checksum() -> str`, see `mizoo.export.identity`.
    """

    name: str

    def encode(self, x: np.ndarray, *, seed: int) -> np.ndarray:
        """Draw z (n, 4 × objects) given x (n, 4 × objects), in GeV; reproducible by the seed."""

    def decode(self, z: np.ndarray, *, seed: int) -> np.ndarray:
        """Draw x (n, 4 × objects) given z (n, 4 × objects), in GeV; reproducible by the seed."""


def generate(
    model: Model,
    method: Literal["decode", "encode"],
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
    dask: "int | str | Client | None" = None,
) -> int:
    """Draw x or z for each event of a file, and write the draws to another file.

    With `samples` each event gets several draws, such as posterior samples in unfolding. The file then has
    one row per draw, grouped by event, and two more columns (data sets, arrays): `event` is the position of
    the event in `source`, from 0, which also counts events that a selection or `skip_bad` leaves out;
    `sample` runs from 0 to `samples` − 1. Each draw has the weight of its event. `mizoo.datasets.read`
    reads the rows as events; k draws per event are `read(out).z.reshape(-1, k, d)`.

    The draws of an event depend on the model, the seed, `chunk`, the other events of its chunk and the
    index of the draw. They depend neither on the format of the file nor on `samples`: the first of several
    draws is the draw without `samples`.

    Events are drawn chunk by chunk into a folder beside `out`, `.NAME.draws`. After the last chunk the file
    is written and the folder is deleted. An interrupted job can be resumed from the folder: no event is
    lost or drawn again, and the file is the same as without the interruption.

    The folder records what its draws depend on, by content: the model, the file, the seed and the other
    arguments. Draws that are damaged, or belong to another model, file or seed, are never written to `out`
    but drawn again. If the record is lost, all events are drawn anew, with a warning.

    Objects of a kind are written in order of falling pT, in whatever order the model draws them.

    Args:
        model: a `Pretrained` or a `Turbo`, or another `Model`.
        method: `"decode"` or `"encode"`.
        source: file of events, in any format that `mizoo.datasets.read` takes.
        out: file to write, see `mizoo.datasets.write`.
        process: process of the events; by default the one that `source` states.
        seed: seed of the draws, 0 or more; if None, that of the draws to resume or a new one.
        skip_bad: whether to leave out bad events.
        resume: whether to resume an interrupted job.
        chunk: number of events drawn at once, 1 or more; memory grows with `chunk` times `samples`.
        overwrite: whether to replace an existing `out`.
        samples: number of draws per event, 1 or more; if None, one draw without the columns `event` and
            `sample`.
        columns: names of columns of `source`, see `mizoo.datasets.read`, if mizoo has not written it.
        domain: domain of the training data; an `OutsideDomain` warning gives the number of events outside.
        dask: workers of Dask that draw, see `mizoo.export.dask_workers`: a number of processes on this
            machine, the address of a scheduler, or a `distributed.Client`. By default this process draws.

    Returns:
        The number of events drawn.

    Raises:
        FileExistsError: if `out` exists and `overwrite` is False, or if there are interrupted draws and
            `resume` is False.
        BlockingIOError: if another process draws for the same `out`.
        OSError: if `source` is no file, or `out` cannot be written; `ConnectionError` or
            `ChildProcessError`, if the scheduler or the workers of Dask are lost.
        ImportError: if `dask` is given and `distributed` is not installed.
        ValueError: if `out` is `source`; if the draws to resume belong to another model, file, seed or
            number of samples; for bad input; or if the file lacks the space that the method needs.
    """
    source, out = Path(source), Path(out)
    _check(method, seed, chunk)
    check_samples(samples)
    if dask is not None:
        check_dask(dask)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    if any(path.exists() and path.samefile(source) for path in scratch(out)):
        raise ValueError(f"{out} is the file that is read, or would overwrite it: choose another name")
    check_target(out, overwrite)
    named = None if columns is None else Columns.of(columns)
    with sole_writer(out):
        before = _state(source)
        stated = opened(source, named, MAX_BYTES).process
        named = named if stated is None else None  # files written by mizoo need no names of columns
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
        with appending(out, process, overwrite) as append:  # fails before any draw if it cannot write
            draws = Draws(folder, job, resume, new_seed=lambda: secrets.randbits(32))
            try:
                events = _given(numbered(source, process, skip_bad, named), method, source)
                events = _watched(events, domain, _SPACES[method][0], process, str(source))
                events = _regrouped(events, chunk)
                with (
                    _started(model, method, dask) as (start, ahead),
                    closing(_drawn(method, start, ahead, draws, events, samples or 1)) as drawn,
                ):
                    count = _append(method, append, drawn, samples, process)
                if _state(source) != before:
                    raise ValueError(f"{source} was changed while it was read: draw anew")
            finally:
                if draws.empty:
                    draws.discard()
        draws.discard()
    return count


def _given(
    parts: Iterable[tuple[Events, np.ndarray]], method: str, source: Path
) -> Iterator[dict[str, np.ndarray]]:
    """Inputs of the method from parts of a file, with positions and weights of the events."""
    space, _ = _SPACES[method]
    for events, places in parts:
        if (given := events[space]) is None:
            raise ValueError(f"{source}: {method} needs {space}, and the file has none")
        own = {} if events.weights is None else {"weights": events.weights}
        yield {"given": given, "places": places, **own}


def _watched(
    parts: Iterable[dict[str, np.ndarray]],
    domain: Domain | None,
    space: str,
    process: Process,
    name: str,
) -> Iterator[dict[str, np.ndarray]]:
    """Pass parts through, and finally warn of events outside the domain."""
    if domain is None:
        yield from parts
        return
    events, count, each = 0, 0, np.zeros(1, int)
    for part in parts:
        outside = domain.outside(part["given"], space, process)
        events += len(outside)
        count += int(np.count_nonzero(outside.any(1)))
        each = each + np.count_nonzero(outside, axis=0)
        yield part
    if count:
        line = domain.describe_counts(space, events, count, each)
        warnings.warn(f"{name}: {line}", OutsideDomain, stacklevel=2)


def _regrouped(parts: Iterable[dict[str, np.ndarray]], size: int) -> Iterator[dict[str, np.ndarray]]:
    """Regroup rows by `size`, as readers of different formats split files differently."""
    rest: dict[str, np.ndarray] = {}
    for part in parts:
        both = {name: np.concatenate([rest.get(name, array[:0]), array]) for name, array in part.items()}
        whole = len(both["given"]) // size * size
        for start in range(0, whole, size):
            yield {name: array[start : start + size] for name, array in both.items()}
        rest = {name: array[whole:] for name, array in both.items()}
    if rest and len(rest["given"]):
        yield rest


@contextmanager
def _started(
    model: Model, method: str, dask: "int | str | Client | None"
) -> Iterator[tuple[Start, Callable[[], int]]]:
    """Context with a function that starts draws, and one that says how many to start ahead."""
    if dask is None:
        function = getattr(model, method)
        yield (
            lambda given, seed, first: partial(in_chunks, function, given, None, seed=seed, first=first),
            int,
        )
        return
    with client_of(dask) as client:
        remote = Remote(client, model, method)
        yield remote.start, lambda: remote.ahead


def _drawn(
    method: str,
    start: Start,
    ahead: Callable[[], int],
    draws: Draws,
    chunks: Iterable[dict[str, np.ndarray]],
    each: int,
) -> Generator[tuple[dict[str, np.ndarray], list[np.ndarray]]]:
    """Chunks of events in their order, with so many draws of each, while later ones are being drawn."""
    waiting: deque[tuple[dict[str, np.ndarray], list[Callable[[], np.ndarray]]]] = deque()
    begun = 0
    with _progress() as progress:
        task = progress.add_task(method, total=None)

        def first() -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
            chunk, parts = waiting.popleft()
            made = []
            for part in parts:
                made.append(part())
                progress.advance(task, len(chunk["given"]))
            return chunk, made

        for i, chunk in enumerate(chunks):
            given = chunk["given"]
            parts = [
                draws.begin(i * each + j, given, partial(start, given, [draws.seed, i, j], begun))
                for j in range(each)
            ]
            waiting.append((chunk, parts))
            begun += len(given)
            while len(waiting) * each > ahead():
                yield first()
        while waiting:
            yield first()


def _append(
    method: str,
    append: Append,
    chunks: Iterable[tuple[dict[str, np.ndarray], list[np.ndarray]]],
    samples: int | None,
    process: Process,
) -> int:
    """Append the draws for chunks of events, and return the number of events."""
    count, space = 0, _SPACES[method][1]
    for chunk, drawn in chunks:
        made = [_in_order(one, process) for one in drawn] if space == "x" else drawn
        weights = chunk.get("weights")
        if samples is None:
            append({space: made[0]} | ({} if weights is None else {"weights": weights}))
        else:
            step = max(1, _ROWS // samples)
            for part in (slice(k, k + step) for k in range(0, len(made[0]), step)):
                own = None if weights is None else weights[part]
                append(rows(space, [one[part] for one in made], chunk["places"][part], own))
        count += len(made[0])
    return count


def _in_order(x: np.ndarray, process: Process) -> np.ndarray:
    """Draws of x in the order that files have; not every model draws jets by falling pT."""
    right = x.shape[1:] == (len(process.columns("x")),)  # or else the writer says what is wrong
    return by_falling_pt(x, process) if right else x


def _check(method: str, seed: int | None, chunk: int) -> None:
    if method not in _SPACES:
        raise ValueError(f"method must be {' or '.join(map(repr, _SPACES))}, not {method!r}")
    if seed is not None:
        check_whole("seed", seed, 0)
    check_whole("chunk", chunk, 1)


def _state(path: Path) -> tuple[int, int, int, int]:
    """Fingerprint that changes whenever a file is written or replaced."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        transient=True,
    )  # fmt: skip
