"""Components of a vector, named by their indices."""

import operator
from collections.abc import Iterable


def indices(name: str, given: Iterable[int], count: int) -> tuple[int, ...]:
    """Check indices and return them as plain integers, in their order.

    Args:
        name: name of the argument, for messages.
        given: distinct indices from 0 to `count` - 1.
        count: number of components.

    Raises:
        ValueError: for anything else, such as a negative index or a list of truth values.
    """
    given = tuple(given)
    try:
        found = tuple(operator.index(index) for index in given)
    except TypeError:
        found = (-1,)
    if any(isinstance(index, bool) or not 0 <= index < count for index in (*given, *found)):
        raise ValueError(f"{name} must be indices from 0 to {count - 1}, not {list(given)}")
    if len(set(found)) < len(found):
        raise ValueError(f"{name} has an index twice: {list(given)}")
    return found
