"""Locks of files and folders, among all processes of a machine."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from mizoo.datasets.disk import naming


@contextmanager
def sole_writer(path: str | Path) -> Iterator[None]:
    """Context that only one thread of one process can enter at a time, per file.

    Symbolic links are followed: all names of a file share one lock, `.NAME.lock` beside it.

    Raises:
        BlockingIOError: if another writer holds the lock; nothing is changed.
        OSError: if the lock cannot be created in the folder of the file.
    """
    target = Path(path).resolve()
    with locked(target.with_name(f".{target.name}.lock"), 0.0, what=path) as held:
        if not held:
            raise BlockingIOError(
                f"{path} is being written by another process: wait until it has ended, or choose another "
                "name"
            )
        yield


@contextmanager
def locked(path: Path, seconds: float = -1.0, what: str | Path | None = None) -> Iterator[bool]:
    """Context of a lock, which yields whether it is held.

    The operating system holds the lock, and releases it when the process ends in any way.

    Args:
        path: file of the lock, which is deleted at the end.
        seconds: how long to wait for another process that holds it, in seconds; negative for any time.
        what: what is locked, for messages; by default `path`.

    Raises:
        OSError: if the lock cannot be created.
    """
    lock = FileLock(path, timeout=seconds)
    with naming(what or path):
        held = _acquired(lock)
    if not held:
        yield False
        return
    try:
        yield True
    finally:
        # Unlink before the release: a process that has opened the file in between then finds it unlinked,
        # and does not take it for the lock. Windows cannot unlink open files; there `release` does.
        with suppress(PermissionError):
            path.unlink(missing_ok=True)
        lock.release()


def _acquired(lock: BaseFileLock) -> bool:
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
