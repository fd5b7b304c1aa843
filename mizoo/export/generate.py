"""Draws for any number of events, in bounded memory, that survive an interruption."""

import dataclasses
import hashlib
import json
import secrets
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mizoo._version import __version__
from mizoo.datasets.integrity import checksum
from mizoo.datasets.lock import sole_writer
from mizoo.datasets.read import stream
from mizoo.datasets.write import appending, check_target, scratch, weights
from mizoo.evaluation.streams import in_chunks
from mizoo.export.identity import model_checksum
from mizoo.export.job import Draws
from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.process import Process

_SPACES = {"decode": ("z", "x"), "encode": ("x", "z")}


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
    process: Process = TTBAR,
    seed: int | None = None,
    skip_bad: bool = False,
    resume: bool = False,
    chunk: int = 50_000,
    overwrite: bool = False,
) -> int:
    """Draw x or z for each event of a file, and write them to another one.

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
        process: of the events.
        seed: of the draws, 0 or more; a new one if None, or that of the draws that are resumed.
        skip_bad: leave bad events out.
        resume: go on with what is there of the same draw.
        chunk: events that are held at once, 1 or more.
        overwrite: replace `out` if it is there.

    Returns:
        The number of events drawn.

    Raises:
        FileExistsError: if `out` is there, and `overwrite` is False; or if there are draws that were
            interrupted, and `resume` is False.
        BlockingIOError: if another process draws for the same `out`.
        OSError: if `source` is no file, or `out` cannot be written.
        ValueError: if `out` is `source`; if draws to resume are of another model, file or seed; for bad
            input; or if the file has not the space that is needed.
    """
    source, out = Path(source), Path(out)
    _check(method, seed, chunk)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    if any(path.exists() and path.samefile(source) for path in scratch(out)):
        raise ValueError(f"{out} is the file that is read, or would overwrite it: choose another name")
    check_target(out, overwrite)
    with sole_writer(out):
        before = _state(source)
        job = {
            "mizoo version": __version__,
            "model": model_checksum(model),
            "method": method,
            "source": checksum(source),
            "process": _process_checksum(process),
            "skip_bad": bool(skip_bad),
            "chunk": int(chunk),
            "seed": None if seed is None else int(seed),
        }
        target = out.resolve()
        folder = target.with_name(f".{target.name}.draws")
        with appending(out, process, overwrite) as append:  # refuses what it cannot write before any draw
            draws = Draws(folder, job, resume, new_seed=lambda: secrets.randbits(32))
            try:
                count = _draw(model, method, draws, append, stream(
                    source, process=process, skip_bad=skip_bad, chunk=chunk
                ), source)  # fmt: skip
                if _state(source) != before:
                    raise ValueError(f"{source} was changed while it was read: draw anew")
            finally:
                if draws.empty:
                    draws.discard()
        draws.discard()
    return count


def _draw(model, method, draws, append, parts, source):
    """Draw for parts of a file, and append what is drawn; the number of events."""
    given, drawn = _SPACES[method]
    count = 0
    with _progress() as progress:
        task = progress.add_task(method, total=None)
        for i, events in enumerate(parts):
            if events[given] is None:
                raise ValueError(f"{source}: {method} needs {given}, and the file has none")

            seed = [draws.seed, i]
            draw = partial(in_chunks, getattr(model, method), events[given], None, seed=seed, first=count)
            append({drawn: draws.part(i, events[given], draw)} | weights(events))
            count += len(events)
            progress.update(task, completed=count)
    return count


def _check(method, seed, chunk):
    if method not in _SPACES:
        raise ValueError(f"method must be {' or '.join(map(repr, _SPACES))}, not {method!r}")
    if seed is not None and (seed != int(seed) or seed < 0):
        raise ValueError(f"seed must be a whole number of 0 or more, got {seed}")
    if chunk != int(chunk) or chunk < 1:
        raise ValueError(f"chunk must be a whole number of 1 or more, got {chunk}")


def _state(path):
    """What changes whenever a file is written or replaced."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _process_checksum(process):
    fields = {field.name: getattr(process, field.name) for field in dataclasses.fields(process)}
    content = {name: repr(value) for name, value in fields.items() if not callable(value)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _progress():
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        transient=True,
    )  # fmt: skip
