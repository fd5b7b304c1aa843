"""Limits of the memory that a file may require at once, whatever its own size."""

from typing import Self, TextIO

MAX_BYTES = 2**31
_TEXTS = 64


def text_limit(max_bytes: int) -> int:
    """Limit in bytes for one event, header or line of a text file, far smaller than that for an array."""
    return max_bytes // _TEXTS


def check_bytes(needed: int, max_bytes: int, what: str) -> None:
    """Check that the `needed` bytes are within the limit.

    Raises:
        ValueError: if they are not; it names the option that raises the limit.
    """
    if needed > max_bytes:
        raise ValueError(
            f"{what} takes {needed:.3g} bytes of memory at once, more than max_bytes = {max_bytes:.3g}; "
            "if this is intended, raise max_bytes"
        )


class LimitedLines:
    """A text file that refuses lines of more than `limit` characters, for libraries that hold whole lines.

    Raises:
        ValueError: on reading a longer line.
    """

    def __init__(self, file: TextIO, limit: int) -> None:
        self._file, self._limit, self._length = file, limit, 0

    def read(self, size: int = -1) -> str:
        """Read at most `size` characters."""
        text = self._file.read(size if size >= 0 else self._limit)
        *before, last = text.split("\n")
        longest = max([self._length + len(before[0]), *map(len, before[1:])]) if before else 0
        self._length = len(last) if before else self._length + len(last)
        self._check(max(longest, self._length))
        return text

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if not (line := self._file.readline(self._limit + 1)):
            raise StopIteration
        self._check(len(line))
        return line

    def _check(self, length: int) -> None:
        if length > self._limit:
            raise ValueError(
                f"a line has more than {self._limit} characters; if this is intended, raise max_bytes"
            )
