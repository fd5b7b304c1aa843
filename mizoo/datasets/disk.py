"""File errors that name the file, and early detection of write errors."""

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Context that turns an `OSError` into one of the same kind that names the file and the cause."""
    try:
        yield
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error).partition("\n")[0]
        message = f"{path} cannot be written: {cause}"
        raise (OSError(error.errno, message) if error.errno else OSError(message)) from error


def settle(path: str | Path) -> None:
    """Flush a file to the disk, so that delayed errors are raised now.

    Raises:
        OSError: if it cannot be written.
    """
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def reserve(path: str | Path, size: int) -> None:
    """Check that the disk has space for a file, which is not written.

    For libraries that crash on a full disk.

    Args:
        path: path of the file.
        size: its size in bytes, at most.

    Raises:
        OSError: if the disk lacks the space.
    """
    trial = Path(path).with_name(f".{Path(path).name}.space")
    try:
        with open(trial, "wb") as file:
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, size)
            elif shutil.disk_usage(trial.parent).free < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        trial.unlink(missing_ok=True)


@contextmanager
def telling_full(path: str | Path, remedy: str) -> Iterator[None]:
    """Context that turns an error because of a full disk, of any library, into an `OSError` of one line.

    Args:
        path: what is being written.
        remedy: what to do, for the message.
    """
    try:
        yield
    except Exception as error:  # each library has its own
        for code in _FULL:
            cause = os.strerror(code)
            if (isinstance(error, OSError) and error.errno == code) or cause in str(error):
                raise OSError(code, f"{path} cannot be written: {cause}; {remedy}") from error
        raise
