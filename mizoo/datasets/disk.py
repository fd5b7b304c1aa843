"""Files on the disk: errors that name them, and hearing of errors in time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Context in which an `OSError` becomes one of the same kind that names a file and says why."""
    try:
        yield
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error).partition("\n")[0]
        message = f"{path} cannot be written: {cause}"
        raise (OSError(error.errno, message) if error.errno else OSError(message)) from error


def settle(path: str | Path) -> None:
    """Have a file on the disk, and hear now of errors that come late.

    Raises:
        OSError: if it cannot be written.
    """
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
