"""Downloads that end at limits of time and size, with errors of one line."""

import queue
import threading
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import IO
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

_PIECE = 2**16  # bytes
_TIMEOUT = 30.0  # seconds without data, or to open a connection


def fetch(url: str, file: IO[bytes], most_bytes: int, most_seconds: float) -> str:
    """Download to a file.

    Args:
        url: what to download, by https or http.
        file: where to write.
        most_bytes: limit of the size.
        most_seconds: limit of the time, in seconds.

    Returns:
        The address it came from in the end, after redirections.

    Raises:
        ConnectionError: if it cannot be downloaded, or not within the limits; it names the address.
        ValueError: for no address on the web.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ValueError(f"{url!r} is no address of a file on the web, https://…")
    end = time.monotonic() + most_seconds
    count = 0
    try:
        # Servers that send headers byte by byte keep `urlopen` waiting for hours.
        answer = _within(min(_TIMEOUT, most_seconds), lambda: urlopen(url, timeout=_TIMEOUT))
        with answer:
            announced = answer.length
            while piece := answer.read1(_PIECE):
                count += len(piece)
                if count > most_bytes or (announced or 0) > most_bytes:
                    raise ConnectionError(f"it is larger than {most_bytes} bytes")
                if time.monotonic() > end:
                    raise ConnectionError(f"it takes longer than {most_seconds:g} seconds")
                file.write(piece)
            if announced is not None and count < announced:
                raise ConnectionError(f"it ended after {count} of {announced} bytes")
            return str(answer.geturl())
    except (URLError, HTTPException, TimeoutError, ConnectionError, UnicodeError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        line = " ".join(str(reason).split()) or type(error).__name__
        raise ConnectionError(f"{url} cannot be downloaded: {line}") from error


def _within(seconds: float, task: Callable[[], HTTPResponse]) -> HTTPResponse:
    """The result of a task; after some seconds an error, while the task is left to itself."""
    results: queue.SimpleQueue[HTTPResponse | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(task())
        except Exception as error:  # raised by the caller
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} seconds") from None
    if isinstance(result, Exception):
        raise result
    return result
