"""Errors in one line that names the file, for any error of a library."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 200  # characters of a cause


def brief(error: BaseException) -> str:
    """The first line of an error's message, shortened, with its type if the message alone says little."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    if not isinstance(error, ValueError | OSError) or not text:
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


@contextmanager
def named(source: str | Path) -> Iterator[None]:
    """Context that turns every error into one line that begins with the name of the source.

    Raises:
        ValueError: for any other error of a reader.
        OSError: if a file does not exist or cannot be read.
        ImportError: unchanged, if a library is missing.
    """
    try:
        yield
    except ImportError:
        raise
    except OSError as error:
        if error.filename is not None and isinstance(error, FileNotFoundError | PermissionError):
            raise type(error)(f"{source}: {(error.strerror or 'cannot be read').lower()}") from error
        if isinstance(error, FileNotFoundError) and str(error).startswith(str(source)):
            raise
        raise ValueError(_line(source, error)) from error
    except Exception as error:  # libraries raise arbitrary errors
        raise ValueError(_line(source, error)) from error


def _line(source: str | Path, error: Exception) -> str:
    if str(error).startswith(str(source)) and "\n" not in str(error):
        return str(error)
    return f"{source}: {brief(error)}"
