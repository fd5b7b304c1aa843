"""The text of Les Houches event files, split into events (arXiv hep-ph/0109068, hep-ph/0609017).

A file may be a concatenation of several documents or gzip members. Every piece of text that ends an event
counts as one, even if it is damaged, so that events keep their numbers.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mizoo.datasets.readers.damage import brief

BLOCK = 1 << 20  # characters read at a time
_END, _ROOT_END = "</event>", "</LesHouchesEvents>"
_BEGIN = re.compile(r"<event(?:\s[^<>]*)?>")
_COMMENT = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)
_ROOT = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?<LesHouchesEvents(?:\s[^<>]*)?>")
_HEAD_END = "</init>"


@dataclass(frozen=True)
class EventText:
    """The lines between `<event>` and `</event>`, and the fault of the text around them, if any."""

    body: str
    fault: str | None = None


def events(path: str | Path, limit: int) -> Iterator[EventText]:
    """All events of all documents of a file, plain or gzipped.

    Args:
        limit: largest number of characters of one event or one header.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no Les Houches file, is truncated, or has a longer event or header.
    """
    rest, count, inside = "", 0, False
    blocks = _blocks(path)
    while True:
        try:
            block = next(blocks, "")
        except FileNotFoundError:
            raise
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"cut short or damaged {_after(count)}: {brief(error)}") from error
        if not block:
            break
        # The end of a block may split the end of an event.
        searched = max(0, len(rest) - len(_END))
        rest += block
        start = 0
        while (end := rest.find(_END, max(start, searched))) >= 0:
            searched = end + len(_END)
            if _in_comment(piece := rest[start:end]):
                continue
            start = searched
            for text in _events(piece, inside):
                count, inside = count + 1, True
                yield text
        rest = rest[start:]
        if len(rest) > limit:
            raise ValueError(
                f"{_after(count)} are more than {limit} characters without the end of an event; "
                f"if this is intended, raise max_bytes"
            )
    _check_end(rest, inside, count)


def count(path: str | Path, limit: int) -> int:
    """Number of events in a file, which are not parsed."""
    return sum(1 for _ in events(path, limit))


def _blocks(path: str | Path) -> Iterator[str]:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    # Comments come in any encoding; all else is ASCII.
    encoding = "latin-1"
    with gzip.open(path, "rt", encoding=encoding) if zipped else open(path, encoding=encoding) as file:
        first = file.read(BLOCK).removeprefix("\xef\xbb\xbf")
        if not _ROOT.match(_COMMENT.sub("", first)):
            raise ValueError("no Les Houches events: the file does not begin with <LesHouchesEvents>")
        yield first
        while block := file.read(BLOCK):
            yield block


def _in_comment(piece: str) -> bool:
    return any(
        0 <= piece.rfind(begin) > piece.rfind(end) for begin, end in (("<!--", "-->"), ("<![", "]]>"))
    )


def _events(piece: str, inside: bool) -> Iterator[EventText]:
    """The events of a piece of text that ends before `</event>`: one, unless it is damaged."""
    *lost, last = _BEGIN.split(_COMMENT.sub("", piece) if "<!" in piece else piece)
    if not lost:
        yield EventText(last, "its <event> is missing")
        return
    fault = None
    if (gap := lost[0].strip()) or not inside:
        fault = _between(gap, inside)
    for body in lost[1:]:
        yield EventText(body, fault or "its </event> is missing")
        fault = None
    yield EventText(last, fault)


def _between(gap: str, inside: bool) -> str | None:
    """The fault, if any, of the text before an event, which may end one document and begin another."""
    if inside:
        before, closed, gap = gap.partition(_ROOT_END)
        if before.strip() or not closed:
            return f"before it there is {before.strip()[:40]!r}"
    while opened := _ROOT.match(gap):
        head, _, gap = gap[opened.end() :].partition(_ROOT_END)
        if not gap.strip():
            lines = head.rpartition(_HEAD_END)[2].splitlines() if _HEAD_END in head else []
            strange = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
            return f"before it there is {strange[0].strip()[:40]!r}" if strange else None
    return f"before it there is {gap.strip()[:40]!r}"


def _check_end(rest: str, inside: bool, count: int) -> None:
    rest = _COMMENT.sub("", rest)
    while True:
        before, closed, after = rest.partition(_ROOT_END)
        if not closed:
            raise ValueError(f"cut short: {_after(count)} the file ends without {_ROOT_END}")
        if before.strip() and (inside or _BEGIN.search(before)):
            raise ValueError(f"damaged: {_after(count)} there is {before.strip()[:40]!r}")
        if not after.strip():
            return
        if not _ROOT.match(after):
            raise ValueError(f"damaged: after {_ROOT_END} there is {after.strip()[:40]!r}")
        rest, inside = after, False


def _after(count: int) -> str:
    return f"after event {count - 1}" if count else "before the first event"
