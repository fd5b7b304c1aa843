"""Files of whole arrays: NumPy files with x and z, and HDF5 files with ROL (x) and FDL (z).

If the number of detector objects is variable, x is several arrays, one per kind of objects: `x.e-`, `x.jet`
and `x.jet_count` in NumPy files, data sets of the group ROL in HDF5 files, see `mizoo.datasets.jagged`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np

from mizoo.datasets.checks import described
from mizoo.datasets.jagged import FlatObjects, flat_names
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.hdf5 import Values, data_set, opened
from mizoo.datasets.readers.limits import MAX_BYTES, check_bytes
from mizoo.datasets.readers.numpy_files import PROCESS, load
from mizoo.datasets.readers.tables import EVENT, HDF5_NAMES, OF_X, SAMPLE, of_records
from mizoo.datasets.weights import WEIGHTS, weight_name
from mizoo.physics.process import Process


def numpy(path: str | Path, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Chunks of at most `size` events of an `.npz` with arrays x and z, or of an `.npy`, which is x.

    An `.npy` of records has the columns of tables.

    Raises:
        ValueError: if it is no such file, or has arrays of other names, shapes or types.
    """
    content = load(path, max_bytes)
    if isinstance(content, np.ndarray) and content.dtype.names:
        yield from of_records(content, str(path), process, size)
        return
    arrays = {"x": content} if isinstance(content, np.ndarray) else content
    weights = arrays.pop(name, None) if (name := weight_name(arrays, str(path))) else None
    objects = {name.removeprefix(OF_X): array for name, array in arrays.items() if name.startswith(OF_X)}
    known = {"x", "z", PROCESS, EVENT, SAMPLE, *(f"{OF_X}{name}" for name in flat_names(process))}
    if unknown := set(arrays) - known:
        raise ValueError(f"arrays must be named x, z and weights, got {', '.join(sorted(unknown))}")
    if objects and "x" in arrays:
        raise ValueError(f"x and {OF_X}{min(objects)}: one of the two is expected")
    spaces: dict[str, _Whole | FlatObjects] = {
        space: _Whole(arrays[space], space, process, space) for space in ("x", "z") if space in arrays
    }
    if objects:
        spaces["x"] = FlatObjects(objects, process)
    yield from _of_arrays(spaces, weights, path, size)


def hdf5(path: str | Path, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Chunks of at most `size` events of an HDF5 file.

    Raises:
        ValueError: if it is no HDF5 file, or has neither ROL nor FDL or an incomplete one.
    """
    with opened(path) as file:
        there = list(file)
        spaces: dict[str, _Whole | FlatObjects] = {}
        for space, name in HDF5_NAMES.items():
            if space == "x" and _is_group_of_objects(file, name, process):
                objects = {key: data_set(file, f"{name}/{key}", max_bytes) for key in file[name]}
                for key in objects.keys() - {one.name for one in process.objects}:
                    check_bytes(8 * objects[key].size, max_bytes, f"data set {name}/{key}")
                spaces[space] = FlatObjects(objects, process)
            elif name in there:
                spaces[space] = _Whole(data_set(file, name, max_bytes), name, process, space)
        if not spaces:
            raise ValueError(f"neither FDL (z) nor ROL (x), only {', '.join(there) or 'nothing'}")
        of_weights = weight_name(there, str(path))
        weights = data_set(file, of_weights, max_bytes) if of_weights else None
        yield from _of_arrays(spaces, weights, path, size)


def _is_group_of_objects(file: h5py.File, name: str, process: Process) -> bool:
    """Whether x is a group with a data set per kind of objects, as its process has a variable number."""
    if process.has_fixed_counts or not isinstance(file.get(name, getlink=True), h5py.HardLink):
        return False
    return isinstance(file[name], h5py.Group) and len(file[name]) > 1


def check_numbers(dtype: np.dtype, name: str) -> None:
    """Check that an array has real numbers.

    Raises:
        ValueError: if it is not; it names the array.
    """
    if dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, got {dtype if dtype.names is None else 'records'}")


class _Whole:
    """Events of a space as one array.

    Args:
        array: array (n, columns), or (n, objects, 4) of momenta alone.
        name: name of the array, for messages.
        process: process of the events.
        space: `"x"` or `"z"`.
    """

    def __init__(self, array: Values, name: str, process: Process, space: str) -> None:
        check_numbers(array.dtype, name)
        objects, columns = len(process.particles(space)), len(process.columns(space))
        shapes = [(columns,), *([(objects, 4)] if columns == 4 * objects else [])]
        if array.shape[1:] not in shapes:
            called = space if name == space else f"{space} ({name})"
            wanted = " or ".join(f"(n, {', '.join(map(str, shape))})" for shape in shapes)
            raise ValueError(
                f"{called} of {process.name} must have shape {wanted}, {described(process, space)}, "
                f"got {tuple(array.shape)}"
            )
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def rows(self, start: int, stop: int, bad: dict[int, str]) -> np.ndarray:
        """The events (stop - start, columns); adds faults of these rows, if any, to `bad`."""
        return np.asarray(self._array[start:stop]).reshape(stop - start, -1)


def _of_arrays(
    spaces: Mapping[str, _Whole | FlatObjects], weights: Values | None, source: str | Path, size: int
) -> Iterator[Chunk]:
    if weights is not None:
        check_numbers(weights.dtype, WEIGHTS)
        if weights.ndim != 1 and weights.shape[1:] != (1,):
            raise ValueError(f"{WEIGHTS} must have shape (n,), one per event, got {tuple(weights.shape)}")
    lengths = {name: len(array) for name, array in spaces.items()}
    if weights is not None:
        lengths[WEIGHTS] = len(weights)
    count = max(lengths.values(), default=0)
    if len(set(lengths.values())) > 1:
        counts = " and ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"x and z must be pairs, got {counts}")
    for first in range(0, count, size):
        stop = min(first + size, count)
        bad: dict[int, str] = {}
        part = {space: array.rows(first, stop, bad) for space, array in spaces.items()}
        each = None if weights is None else np.asarray(weights[first:stop], "float64").reshape(-1)
        yield Chunk(str(source), first, part, np.ones(stop - first, bool), each, bad, count)
