"""Components of a vector, named by their indices."""

import operator
from collections.abc import Iterable, Sequence

from mizoo.core.columns import take
from mizoo.core.types import Tensor


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


def existing(condition: Tensor, present: Sequence[int]) -> Tensor | float:
    """1 for components (n, d) that exist and 0 for others; 1 if all do.

    Args:
        condition: conditions (n, k).
        present: for each component, the index in the condition of the number that says whether it exists,
            or -1 if it always does; empty if all do.
    """
    return take(condition, present, 1.0) if present else 1.0
