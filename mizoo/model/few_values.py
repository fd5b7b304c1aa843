"""A warning of columns with few distinct values, which models of continuous data do not reproduce."""

import warnings
from collections.abc import Mapping

import numpy as np

from mizoo.core.types import Array
from mizoo.representations import Representation, Standardise

_MOST = 20  # distinct values
_REPEATED = 10  # events per value
_NAMED = 5  # columns in the message


class FewValuesWarning(UserWarning):
    """Warns of columns of vectors with few distinct values, such as classes and numbers of objects."""


def warn_of_few_values(representations: Mapping[str, Representation], arrays: Mapping[str, Array]) -> None:
    """Warn in one line of columns of standardised vectors x and z with 20 distinct values or fewer.

    Columns of fewer than 10 events per value do not count.

    Args:
        representations: representations by space; the condition c may have any values.
        arrays: data (n, d) in physical units by space.
    """
    found = []
    for space in ("x", "z"):
        if space in arrays and isinstance(representations.get(space), Standardise):
            values = np.asarray(arrays[space])
            if values.ndim == 2:
                found += [(f"{space}{i}", number) for i, number in _few(values)]
    if found:
        named = ", ".join(f"{name} ({number} values)" for name, number in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        warnings.warn(
            f"columns with few distinct values: {named}{more}; the model draws continuous values for them. "
            "Give categories as the condition c, or round the draws",
            FewValuesWarning,
            stacklevel=4,
        )


def _few(values: np.ndarray) -> list[tuple[int, int]]:
    """Indices of columns of few distinct values, and the numbers of these."""
    numbers = [(i, len(np.unique(column))) for i, column in enumerate(values.T)]
    most = min(_MOST, len(values) // _REPEATED)
    return [(i, number) for i, number in numbers if number <= most]
