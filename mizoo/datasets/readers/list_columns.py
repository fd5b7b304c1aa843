"""Columns of tables with a list per event: the objects of a kind, one column per component or feature.

The lists of the momenta and b-tags of jets are `x.px_jet` … `x.E_jet` and `x.btag_jet`. Tables without
lists have `x.px_jet1` … `x.btag_jet10` in their place, with empty cells for objects that an event lacks.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from mizoo.core.optional import extra
from mizoo.datasets.jagged import entries, spread, wrong_count
from mizoo.physics.particles import DetectorObject
from mizoo.physics.process import Process

OF_X = "x."  # before the names of columns of x


class Lists(NamedTuple):
    """A column with a list per event."""

    counts: np.ndarray
    """Lengths of the lists, (n,)."""
    values: np.ndarray
    """Values of all lists, (sum of counts,)."""


def listed(process: Process) -> dict[str, DetectorObject]:
    """Objects that may have columns with lists, by name."""
    return {one.name: one for one in process.objects if one.range[1] > 1}


def list_names(one: DetectorObject) -> list[str]:
    """Names of the columns with lists of some objects."""
    return [f"{OF_X}{entry}_{one.name}" for entry in entries(one)]


def single_names(one: DetectorObject) -> list[str]:
    """Names of the columns of single objects, in the order of a block of entries."""
    return [f"{OF_X}{entry}_{name}" for name in one.names for entry in entries(one)]


def single_columns(
    one: DetectorObject, lists: Mapping[str, Lists], bad: dict[int, str]
) -> dict[str, np.ndarray]:
    """Columns (n,) of single objects, NaN for those that an event lacks.

    Args:
        one: the objects.
        lists: their columns with lists, by name.
        bad: faults by event, to which those of this part are added.

    Raises:
        ValueError: for lists of different lengths in one event, or not of numbers.
    """
    names = list_names(one)
    counts = lists[names[0]].counts
    for name in names[1:]:
        if len(wrong := np.flatnonzero(lists[name].counts != counts)):
            event = int(wrong[0])
            raise ValueError(
                f"columns {names[0]} and {name} have {counts[event]} and {lists[name].counts[event]} "
                f"objects in event {event} of those read at once"
            )
    least, most = one.range
    for event in np.flatnonzero((counts < least) | (counts > most)).tolist():
        bad.setdefault(event, wrong_count(one, int(counts[event])))
    values = np.stack([_real(lists[name].values, name) for name in names], 1)
    block = spread(values, counts, most, np.nan)
    return dict(zip(single_names(one), block.reshape(len(counts), -1).T, strict=True))


def of_arrow(column: Any, name: str) -> Lists:
    """A column of pyarrow.

    Raises:
        ValueError: if it has no lists.
    """
    types = extra("pyarrow.types", "reading .parquet files")
    kind = column.type
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        raise ValueError(f"column {name} must have a list per event, is {kind}")
    counts = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return Lists(counts.astype("int64"), column.flatten().to_numpy(zero_copy_only=False))


def of_awkward(column: Any, name: str) -> Lists:
    """A column of an awkward array.

    Raises:
        ValueError: if it has no lists.
    """
    ak = extra("awkward", "reading columns")
    if column.ndim != 2:
        raise ValueError(f"column {name} must have a list per event, is {column.type}")
    column = ak.fill_none(column, [], axis=0)
    values = ak.fill_none(ak.flatten(column), np.nan)
    return Lists(np.asarray(ak.to_numpy(ak.num(column))), np.asarray(ak.to_numpy(values)))


def awkward_columns(table: Any) -> dict[str, Any]:
    """Columns of an awkward array by name; records `x` and `z` become columns of their fields."""
    found: dict[str, Any] = {}
    for name in table.fields:
        whole = table[name]
        if name not in ("x", "z") or not whole.fields:
            found[name] = whole
            continue
        for objects in whole.fields:
            for component in whole[objects].fields:
                found[f"{name}.{component}_{objects}"] = whole[objects][component]
    return found


def _real(values: np.ndarray, name: str) -> np.ndarray:
    if len(values) and values.dtype.kind not in "fiu":
        raise ValueError(f"column {name} must be lists of real numbers, has {values.dtype}")
    return values.astype("float64")
