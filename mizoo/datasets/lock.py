"""One writer per file, among all processes of a machine."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from mizoo.datasets.disk import naming


@contextmanager
def sole_writer(path: str | Path) -> Iterator[None]:
    """Context that only one thread of one process can enter at a time, per file.

    The operating system holds the lock on `.NAME.lock` beside the file, and releases it when the process
    ends in any way. Symbolic links are followed: all names of a file share one lock.

    Raises:
        BlockingIOError: if another writer holds the lock; nothing is changed.
        OSError: if the lock cannot be created in the folder of the file.
    """
    target = Path(path).resolve()
    name = target.with_name(f".{target.name}.lock")
    lock = FileLock(name, timeout=0)
    with naming(path):
        held = _acquired(lock)
    if not held:
        raise BlockingIOError(
            f"{path} is being written by another process: wait until it has ended, or choose another name"
        )
    try:
        yield
    finally:
        # Unlink before the release: a process that has opened the file in between then finds it unlinked,
        # and does not take it for the lock. Windows cannot unlink open files; there `release` does.
        with suppress(PermissionError):
            name.unlink(missing_ok=True)
        lock.release()


def _acquired(lock: BaseFileLock) -> bool:
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
