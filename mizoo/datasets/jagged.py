"""Objects of a variable number: flat arrays with counts, ragged tensors, awkward arrays.

In memory, and for networks, events are padded arrays (n, columns), see `mizoo.datasets.Events`. Here an
event has as many entries as objects. An entry is px, py, pz, E in GeV and the features of one object.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from mizoo.core.optional import extra
from mizoo.datasets.padding import columns_of
from mizoo.physics.particles import DetectorObject
from mizoo.physics.process import COMPONENTS, Process

COUNT = "count"
_RECORD = "Momentum4D"  # the name that `vector` knows


def count_name(one: DetectorObject) -> str:
    """Name of the numbers of objects, such as `jet_count`."""
    return f"{one.name}_{COUNT}"


def entries(one: DetectorObject) -> tuple[str, ...]:
    """Names of the numbers of an entry: px, py, pz, E and the features."""
    return (*COMPONENTS, *one.features)


def flat_names(process: Process) -> list[str]:
    """Names of the flat arrays of a process, in order."""
    of_each = ([one.name, *([count_name(one)] if is_variable(one) else [])] for one in process.objects)
    return [name for names in of_each for name in names]


def is_variable(one: DetectorObject) -> bool:
    """Whether the number of objects is variable."""
    return not isinstance(one.count, int)


def blocks(x: ArrayLike, process: Process) -> dict[str, np.ndarray]:
    """The entries of all objects, those that events lack included, (n, most, 4 + features), by name.

    Args:
        x: padded events (n, columns), in GeV.
        process: process of the events.
    """
    array = np.asarray(x)
    if array.ndim != 2 or array.shape[1] != len(process.columns("x")):
        raise ValueError(
            f"x of {process.name} must have shape (n, {len(process.columns('x'))}), got {array.shape}"
        )
    return {
        one.name: array[:, _columns(process, one)].reshape(len(array), one.range[1], len(entries(one)))
        for one in process.objects
    }


def flat_arrays(x: ArrayLike, process: Process) -> dict[str, np.ndarray]:
    """Flat arrays with counts, of padded events.

    Args:
        x: padded events (n, columns), in GeV.
        process: process of the events.

    Returns:
        By the name of the objects: entries (n, 4 + features) of one object, or (n, k, 4 + features) of a
        fixed number k; of a variable number all entries (sum of counts, 4 + features), event after event,
        and the counts (n,), int32, with the name `jet_count` for `jet`.

    Raises:
        ValueError: for an array of another shape.
    """
    there = process.present(x)
    found: dict[str, np.ndarray] = {}
    for one, values in zip(process.objects, blocks(x, process).values(), strict=True):
        if is_variable(one):
            mask = there[:, list(process.places[one.name])]
            found[count_name(one)] = mask.sum(1).astype("int32")
            found[one.name] = values[mask]
        else:
            found[one.name] = values[:, 0] if one.count == 1 else values
    return found


def padded(arrays: Mapping[str, ArrayLike], process: Process) -> np.ndarray:
    """Padded events (n, columns) of flat arrays with counts, as from `flat_arrays`.

    Raises:
        ValueError: for arrays that are missing, unknown or of a wrong shape; for counts that are not whole
            numbers in the range of the process, or whose sum is not the number of entries.
    """
    flat = {name: np.asarray(array) for name, array in arrays.items()}
    wanted = flat_names(process)
    if set(flat) != set(wanted):
        raise ValueError(f"objects of {process.name} are {', '.join(wanted)}, got {', '.join(flat)}")
    parts: list[np.ndarray] = []
    for one in process.objects:
        values, most, size = flat[one.name], one.range[1], len(entries(one))
        if is_variable(one):
            counts = checked_counts(flat[count_name(one)], len(values), one)
            if len(wrong := np.flatnonzero((counts < one.range[0]) | (counts > most))):
                raise ValueError(wrong_count(one, int(counts[wrong[0]])) + f" in event {wrong[0]}")
            parts.append(spread(values, counts, most))
        else:
            shape = (size,) if one.count == 1 else (most, size)
            if values.shape[1:] != shape:
                raise ValueError(f"{one.name} must have shape (n, {_comma(shape)}), got {values.shape}")
            parts.append(values.reshape(len(values), most, size))
    return joined(parts, process)


def checked_counts(counts: np.ndarray, total: int, one: DetectorObject) -> np.ndarray:
    """Counts as int64.

    Raises:
        ValueError: if they are not whole numbers (n,) of 0 or more, whose sum is the `total`.
    """
    whole = counts.astype("int64") if counts.dtype.kind in "iuf" else None
    if counts.ndim != 1 or whole is None or not np.array_equal(whole, counts) or (whole < 0).any():
        raise ValueError(f"{count_name(one)} must be whole numbers (n,), got {counts.dtype} {counts.shape}")
    if whole.sum() != total:
        raise ValueError(f"the sum of {count_name(one)} is {whole.sum()}, and there are {total} {one.name}")
    return whole


def wrong_count(one: DetectorObject, count: int) -> str:
    """The fault of a number of objects outside the range of the process."""
    least, most = one.range
    wanted = f"{least} to {most}" if least < most else f"{most}"
    return f"{count_name(one)} is {count}, {wanted} expected"


def spread(values: np.ndarray, counts: np.ndarray, most: int, fill: float = 0.0) -> np.ndarray:
    """Entries (n, most, …) of entries (sum of counts, …), event after event; the first `most`."""
    place = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    event, inside = np.repeat(np.arange(len(counts)), counts), place < most
    found = np.full((len(counts), most, *values.shape[1:]), fill, values.dtype)
    found[event[inside], place[inside]] = values[inside]
    return found


def joined(parts: list[np.ndarray], process: Process) -> np.ndarray:
    """Padded events (n, columns) of the `blocks` of all objects.

    Raises:
        ValueError: for blocks of different numbers of events.
    """
    if len(lengths := {len(part) for part in parts}) > 1:
        raise ValueError(f"objects of {process.name} must be of the same events, got {sorted(lengths)}")
    found = np.zeros((len(parts[0]), len(process.columns("x"))), np.result_type(*parts))
    for one, part in zip(process.objects, parts, strict=True):
        found[:, _columns(process, one)] = part.reshape(len(part), -1)
    return found


def ragged(x: ArrayLike, process: Process) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Objects of padded events as tensors, by name, such as `jet`.

    Args:
        x: padded events (n, columns), in GeV.
        process: process of the events.

    Returns:
        Of a variable number of objects a ragged tensor (n, None, 4 + features), of others a tensor as in
        `flat_arrays`.
    """
    flat = flat_arrays(x, process)
    return {
        one.name: tf.RaggedTensor.from_row_lengths(flat[one.name], flat[count_name(one)])
        if is_variable(one)
        else tf.constant(flat[one.name])
        for one in process.objects
    }


def to_awkward(events: ArrayLike, process: Process, space: str = "x") -> Any:
    """Objects of padded events as an awkward array (n,) of records, with a field per kind of objects.

    Each object is a record of px, py, pz, E in GeV and its features, called `Momentum4D`: after
    `vector.register_awkward()` it has `pt`, `eta` and all else of `vector`. Several objects are a list.

    Args:
        events: padded events (n, columns), in GeV.
        process: process of the events.
        space: `"x"` or `"z"`.

    Raises:
        ImportError: without awkward.
    """
    ak = extra("awkward", "an awkward array")
    if space == "z":
        momenta = dict(zip(process.columns("z"), np.asarray(events).T, strict=True))
        records = {
            parton.name: ak.zip({c: momenta[f"{c}_{parton.name}"] for c in COMPONENTS}, with_name=_RECORD)
            for parton in process.z
        }
        return ak.zip(records, depth_limit=1)
    flat = flat_arrays(events, process)
    fields = {}
    for one in process.objects:
        values = flat[one.name]
        columns = {name: values[..., i] for i, name in enumerate(entries(one))}
        if one.count != 1 and not is_variable(one):
            columns = {name: ak.from_regular(ak.from_numpy(column)) for name, column in columns.items()}
        records = ak.zip(columns, with_name=_RECORD)
        fields[one.name] = ak.unflatten(records, flat[count_name(one)]) if is_variable(one) else records
    return ak.zip(fields, depth_limit=1)


def _columns(process: Process, one: DetectorObject) -> list[int]:
    """Places of the columns of some objects, entry after entry."""
    of_each = columns_of(process)
    return [column for place in process.places[one.name] for column in of_each[place]]


def _comma(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
