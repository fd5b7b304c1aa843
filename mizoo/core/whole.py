"""Checks of arguments that are whole numbers."""

import operator
from typing import Any


def check_whole(name: str, value: Any, least: int) -> int:
    """A whole number of `least` or more, as an `int`.

    Raises:
        ValueError: if it is none; it names the argument.
    """
    try:
        whole = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        whole = least - 1
    if whole < least:
        raise ValueError(f"{name} must be a whole number of {least} or more, got {value!r}")
    return whole
