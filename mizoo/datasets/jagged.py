"""Objects of a variable number: flat arrays with counts, ragged tensors, awkward arrays.

In memory, and for networks, events are padded arrays (n, columns), see `mizoo.datasets.Events`. Here an
event has as many entries as objects. An entry is px, py, pz, E in GeV and the features of one object.
"""

from collections.abc import Mapping
from typing import Any

import h5py
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
    flat = FlatObjects({name: np.asarray(array) for name, array in arrays.items()}, process)
    bad: dict[int, str] = {}
    found = flat.rows(0, len(flat), bad)
    if bad:
        raise ValueError(f"{bad[min(bad)]} in event {min(bad)}")
    return found


class FlatObjects:
    """Events of x as arrays of their objects, in memory or in a file, as from `flat_arrays`.

    Args:
        arrays: arrays or data sets by name.
        process: process of the events.

    Raises:
        ValueError: for arrays that are missing, unknown, not numbers or of a wrong shape, or counts that
            are not whole numbers, or whose sum is not the number of entries.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray | h5py.Dataset], process: Process) -> None:
        self._process, self._arrays = process, arrays
        self._counts: dict[str, np.ndarray] = {}
        wanted = flat_names(process)
        if set(arrays) != set(wanted):
            raise ValueError(f"objects of {process.name} are {', '.join(wanted)}, got {', '.join(arrays)}")
        lengths = {}
        for one in process.objects:
            values, size = arrays[one.name], len(entries(one))
            shape = (size,) if is_variable(one) or one.count == 1 else (one.range[1], size)
            if values.dtype.kind not in "fiu" or values.shape[1:] != shape:
                raise ValueError(
                    f"{one.name} must be numbers (n, {', '.join(map(str, shape))}), "
                    f"{' '.join(entries(one))}, got {values.dtype} {tuple(values.shape)}"
                )
            if is_variable(one):
                counts = np.asarray(arrays[count_name(one)][...])
                self._counts[one.name] = _checked_counts(counts, len(values), one)
            lengths[one.name] = len(self._counts.get(one.name, values))
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{length} {name}" for name, length in lengths.items())
            raise ValueError(f"objects must be of the same events, got {listed}")
        self._length = next(iter(lengths.values()))
        self._ends = {name: np.cumsum(counts) for name, counts in self._counts.items()}

    def __len__(self) -> int:
        return self._length

    def rows(self, start: int, stop: int, bad: dict[int, str]) -> np.ndarray:
        """The padded events (stop - start, columns); adds faults of these rows, if any, to `bad`."""
        found: dict[str, np.ndarray] = {}
        for one in self._process.objects:
            most = one.range[1]
            if one.name not in self._counts:
                found[one.name] = np.asarray(self._arrays[one.name][start:stop])
                continue
            counts = self._counts[one.name][start:stop]
            for row in np.flatnonzero((counts < one.range[0]) | (counts > most)).tolist():
                bad.setdefault(row, wrong_count(one, int(counts[row])))
            end = int(self._ends[one.name][stop - 1]) if stop else 0
            values = np.asarray(self._arrays[one.name][end - int(counts.sum()) : end])
            found[one.name] = spread(values, counts, most)
        columns = len(self._process.columns("x"))
        x = np.zeros((stop - start, columns), np.result_type(*found.values()))
        for one in self._process.objects:
            places = _columns(self._process, one)
            x[:, places] = found[one.name].reshape(stop - start, len(places))
        return x


def _checked_counts(counts: np.ndarray, total: int, one: DetectorObject) -> np.ndarray:
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
