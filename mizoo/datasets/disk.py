"""File errors that name the file, and early detection of write errors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
