"""How much a file may ask for: what has to be in memory at once, whatever the size of the file itself."""

from typing import TextIO

MAX_BYTES = 2**31
_TEXTS = 64


def text_limit(max_bytes: int) -> int:
    """Bytes of one event, header or line of a text file, which are far fewer than those of an array."""
    return max_bytes // _TEXTS


def check_bytes(needed: int, max_bytes: int, what: str) -> None:
    """Check that something fits.

    Raises:
        ValueError: if it does not; it says what raises the limit.
    """
    if needed > max_bytes:
        raise ValueError(
            f"{what} takes {needed:.3g} bytes of memory at once, more than max_bytes = {max_bytes:.3g}; "
            "if it is meant, raise max_bytes"
        )


class LimitedLines:
    """A text file without lines of more than `limit` characters, for libraries that hold whole lines.

    Raises:
        ValueError: on reading a longer one.
    """

    def __init__(self, file: TextIO, limit: int):
        self._file, self._limit, self._length = file, limit, 0

    def read(self, size: int = -1) -> str:
        """At most `size` characters."""
        text = self._file.read(size if size >= 0 else self._limit)
        *before, last = text.split("\n")
        longest = max([self._length + len(before[0]), *map(len, before[1:])]) if before else 0
        self._length = len(last) if before else self._length + len(last)
        self._check(max(longest, self._length))
        return text

    def __iter__(self):
        return self

    def __next__(self):
        if not (line := self._file.readline(self._limit + 1)):
            raise StopIteration
        self._check(len(line))
        return line

    def _check(self, length):
        if length > self._limit:
            raise ValueError(
                f"a line has more than {self._limit} characters; if it is meant, raise max_bytes"
            )
