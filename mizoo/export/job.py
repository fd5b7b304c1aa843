"""Draws of one job in a folder, from which an interrupted job is resumed.

The folder has `job.json`, with everything that the draws depend on, and one file per chunk of events, with
a record of its job and its events. Only intact files with the right record are used. All others are drawn
again, which gives the same draws, as the seed is part of the job.
"""

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mizoo.datasets.disk import naming
from mizoo.datasets.integrity import array_checksum


class LostDraws(UserWarning):
    """Warns that draws of an unknown job were deleted."""


class Draws:
    """The folder of a job.

    Only the holder of the output's lock may use it, see `mizoo.datasets.lock`.

    Args:
        folder: folder of the draws; one without a valid `job.json` is emptied, with a `LostDraws` warning
            if it has draws.
        job: everything that the draws depend on, JSON serialisable. A `seed` of None stands for that of the
            existing job or a new one, a `model` of None for a model without a checksum.
        resume: whether to resume existing draws.
        new_seed: function that returns the seed of a new job.

    Attributes:
        seed: seed of the draws.

    Raises:
        FileExistsError: if there are interrupted draws and `resume` is False.
        ValueError: if these belong to another job; it names the differences.
        OSError: if the folder cannot be written.
    """

    def __init__(
        self, folder: Path, job: dict[str, Any], resume: bool, new_seed: Callable[[], int]
    ) -> None:
        self.folder = folder
        _delete(_retired(folder))
        former = _read_job(folder / "job.json")
        if former is not None:
            if not resume:
                raise FileExistsError(
                    f"{folder} has interrupted draws: resume them with --resume (resume=True), or remove it"
                )
            if job["seed"] is None:
                job = {**job, "seed": former.get("seed")}
            _check_same(folder, former, job)
        else:
            if folder.is_dir() and any(folder.glob("*.np*")):
                warnings.warn(
                    f"{folder}: job.json is missing or damaged; all events are drawn anew", LostDraws, 3
                )
            self.discard()
            job = {**job, "seed": new_seed() if job["seed"] is None else job["seed"]}
            with naming(folder):
                folder.mkdir()
            _write_job(folder / "job.json", job)
        self.seed: int = job["seed"]
        self._digest = _digest(job)

    def begin(
        self, index: int, given: np.ndarray, start: Callable[[], Callable[[], np.ndarray]]
    ) -> Callable[[], np.ndarray]:
        """Read the draws (n, …) for the events (n, …) of a chunk from their file, or start to make them.

        Args:
            index: index of the chunk.
            given: events of the chunk; stored draws are used only if they were made for the same events.
            start: function that starts the draws, and returns one that waits for them.

        Returns:
            A function that waits for the draws, stores new ones and returns them; it raises `OSError` if
            they cannot be stored.
        """
        path = self.folder / f"{index:06}.npz"
        record = {"job": self._digest, "chunk": index, "given": array_checksum(given)}
        if (kept := _read_part(path, record)) is not None and len(kept) == len(given):
            return lambda: kept
        return partial(_store, path, record, start())

    @property
    def empty(self) -> bool:
        """Whether there are no draws to resume."""
        return not any(self.folder.glob("*.npz"))

    def discard(self) -> None:
        """Delete the folder, if it exists.

        It is renamed first, so that a partly deleted folder is never taken for draws. After an interruption
        the next `Draws` deletes the rest.
        """
        if self.folder.exists():
            self.folder.rename(_retired(self.folder))
            _delete(_retired(self.folder))


def _store(path: Path, record: dict[str, Any], wait: Callable[[], np.ndarray]) -> np.ndarray:
    """Wait for draws, write them to their file, which appears whole, and return them."""
    drawn = wait()
    note = json.dumps({**record, "drawn": array_checksum(drawn)})
    unfinished = path.with_suffix(".part")
    with naming(path):
        try:
            with open(unfinished, "wb") as file:
                np.savez(file, drawn=drawn, record=np.array(note))
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return drawn


def _retired(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.old")


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _check_same(folder: Path, former: dict[str, Any], job: dict[str, Any]) -> None:
    if former != job:
        differing = [key for key in job | former if former.get(key) != job.get(key)]
        raise ValueError(
            f"the draws in {folder} have another {', '.join(differing)}: remove it to draw all events anew"
        )
    if job["model"] is None:
        raise ValueError(
            f"the draws in {folder} cannot be resumed: the model has no method `checksum` to "
            "identify it; remove the folder to draw all events anew"
        )


def _read_job(path: Path) -> dict[str, Any] | None:
    """The job that a file describes; None if it is missing or damaged."""
    try:
        content = json.loads(path.read_text())
        job = content["job"]
        return job if content["sha256"] == _digest(job) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write_job(path: Path, job: dict[str, Any]) -> None:
    unfinished = path.with_suffix(".part")
    with naming(path):
        unfinished.write_text(json.dumps({"job": job, "sha256": _digest(job)}, indent=1) + "\n")
        unfinished.replace(path)


def _digest(job: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()


def _read_part(path: Path, record: dict[str, Any]) -> np.ndarray | None:
    """The draws of a file; None unless it is intact and has this record."""
    try:
        with np.load(path, allow_pickle=False) as content:
            drawn, found = content["drawn"], json.loads(str(content["record"]))
    except Exception:  # NumPy and zipfile raise arbitrary errors for damaged files
        return None
    return drawn if found == {**record, "drawn": array_checksum(drawn)} else None
