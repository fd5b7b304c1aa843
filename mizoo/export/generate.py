"""Draws for any number of events, in bounded memory, that survive an interruption."""

import json
import secrets
import shutil
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mizoo.datasets.read import stream
from mizoo.datasets.write import weights, writer
from mizoo.evaluation.report import in_chunks
from mizoo.physics.process import TTBAR

_SPACES = {"decode": ("z", "x"), "encode": ("x", "z")}


def generate(
    model, method, source, out, process=TTBAR, seed=None, skip_bad=False, resume=False, chunk=50_000
) -> int:
    """Draw x or z for each event of a file, and write them to another one.

    Events are drawn chunk by chunk, and what is drawn is kept in a folder beside `out`, `.NAME.draws`,
    until all is there: then the file is written, and the folder goes. A draw that was interrupted goes on
    there; no event is lost or drawn twice, and the file is the one of an undisturbed draw.

    Args:
        model: a `Pretrained` or a `Turbo`.
        method: `"decode"` or `"encode"`.
        source: file of events, of any format that `mizoo.datasets.read` takes.
        out: file to write, see `mizoo.datasets.write`; one that is there is replaced.
        process: of the events.
        seed: of the draws; a new one if None.
        skip_bad: leave bad events out.
        resume: go on with what is there of the same draw.
        chunk: events that are held at once.

    Returns:
        The number of events drawn.

    Raises:
        FileExistsError: if there are draws that were interrupted, and `resume` is False.
        ValueError: if these are of another model, file or seed; for bad input; or if the file has not the
            space that is needed.
    """
    out = Path(out)
    given, drawn = _SPACES[method]
    draws = out.with_name(f".{out.name}.draws")
    job = {
        "model": model.name,
        "method": method,
        "source": str(Path(source).resolve()),
        "bytes": Path(source).stat().st_size,
        "skip_bad": skip_bad,
        "chunk": chunk,
    }
    with writer(out, process) as append:  # refuses what it cannot write, before anything is drawn
        seed = _begin(draws, job, seed, resume)
        parts = stream(source, process=process, skip_bad=skip_bad, chunk=chunk)
        count = 0
        try:
            with _progress() as progress:
                task = progress.add_task(method, total=None)
                for i, events in enumerate(parts):
                    if events[given] is None:
                        raise ValueError(f"{source}: {method} needs {given}, and the file has none")
                    made = _part(draws / f"{i:06}.npy", model, method, events[given], [seed, i])
                    append({drawn: made} | weights(events))
                    count += len(events)
                    progress.update(task, completed=count)
        finally:
            if not any(draws.glob("*.npy")):  # nothing to go on with
                shutil.rmtree(draws)
    shutil.rmtree(draws)
    return count


def _part(path, model, method, events, seed):
    """The draws of one chunk, from their file if it is there."""
    if not path.is_file():
        unfinished = path.with_suffix(".part")
        with open(unfinished, "wb") as file:
            np.save(file, in_chunks(getattr(model, method), events, None, seed=seed))
        unfinished.replace(path)
    return np.load(path)


def _begin(draws, job, seed, resume):
    """Make the folder of draws, or check that the one that is there is of this job; its seed."""
    note = draws / "job.json"
    if note.is_file():
        former = json.loads(note.read_text())
        if not resume:
            raise FileExistsError(f"{draws} has draws that were interrupted: resume them, or remove it")
        job = {**job, "seed": former["seed"] if seed is None else seed}
        if former != job:
            differing = [key for key in job if former.get(key) != job[key]]
            raise ValueError(f"the draws in {draws} have another {', '.join(differing)}")
        return job["seed"]
    draws.mkdir(parents=True, exist_ok=True)
    seed = secrets.randbits(32) if seed is None else seed
    whole = draws / "job.part"
    whole.write_text(json.dumps({**job, "seed": seed}))
    whole.replace(note)
    return seed


def _progress():
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        transient=True,
    )  # fmt: skip
