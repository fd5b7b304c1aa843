"""One writer per file, among all processes of a machine."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mizoo.datasets.disk import naming


@contextmanager
def sole_writer(path: str | Path) -> Iterator[None]:
    """Context in which no other process, and no other thread, can enter the same context.

    The lock is one of the operating system on `.NAME.lock` beside the file, and ends with the process that
    holds it, however that ends. Symbolic links are followed: all names of a file have one lock.

    Raises:
        BlockingIOError: if another writer holds the lock; nothing is touched.
        OSError: if the lock cannot be made in the folder of the file.
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
        # Before the lock is released: a process that has opened the file in between finds its last link
        # gone, and does not take it for the lock. Windows cannot unlink open files; there `release` does.
        with suppress(PermissionError):
            name.unlink(missing_ok=True)
        lock.release()


def _acquired(lock):
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
