"""Files of whole arrays: NumPy files with x and z, and HDF5 files with ROL (x) and FDL (z)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.hdf5 import Values, data_set, opened
from mizoo.datasets.readers.limits import MAX_BYTES
from mizoo.datasets.readers.numpy_files import PROCESS, load
from mizoo.datasets.readers.tables import EVENT, HDF5_NAMES, SAMPLE, of_records
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
    if unknown := set(arrays) - {"x", "z", PROCESS, EVENT, SAMPLE}:
        raise ValueError(f"arrays must be named x, z and weights, got {', '.join(sorted(unknown))}")
    arrays = {space: array for space, array in arrays.items() if space in ("x", "z")}
    yield from _of_arrays(arrays, {space: space for space in arrays}, weights, path, process, size)


def hdf5(path: str | Path, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Chunks of at most `size` events of an HDF5 file.

    Raises:
        ValueError: if it is no HDF5 file, or has neither ROL nor FDL or an incomplete one.
    """
    with opened(path) as file:
        there = list(file)
        arrays = {s: data_set(file, name, max_bytes) for s, name in HDF5_NAMES.items() if name in there}
        if not arrays:
            raise ValueError(f"neither FDL (z) nor ROL (x), only {', '.join(there) or 'nothing'}")
        name = weight_name(there, str(path))
        weights = data_set(file, name, max_bytes) if name else None
        yield from _of_arrays(arrays, HDF5_NAMES, weights, path, process, size)


def check_numbers(dtype: np.dtype, name: str) -> None:
    """Check that an array has real numbers.

    Raises:
        ValueError: if it is not; it names the array.
    """
    if dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, got {dtype if dtype.names is None else 'records'}")


def _of_arrays(
    arrays: Mapping[str, Values],
    names: Mapping[str, str],
    weights: Values | None,
    source: str | Path,
    process: Process,
    size: int,
) -> Iterator[Chunk]:
    for space, array in arrays.items():
        check_numbers(array.dtype, names[space])
        wanted = len(process.particles(space))
        if array.shape[1:] not in ((4 * wanted,), (wanted, 4)):
            called = space if names[space] == space else f"{space} ({names[space]})"
            raise ValueError(
                f"{called} of {process.name} must have shape (n, {4 * wanted}) or "
                f"(n, {wanted}, 4), px py pz E of each object, got {tuple(array.shape)}"
            )
    if weights is not None:
        check_numbers(weights.dtype, WEIGHTS)
        if weights.ndim != 1 and weights.shape[1:] != (1,):
            raise ValueError(f"{WEIGHTS} must have shape (n,), one per event, got {tuple(weights.shape)}")
    lengths = {name: len(array) for name, array in arrays.items()}
    if weights is not None:
        lengths[WEIGHTS] = len(weights)
    count = max(lengths.values(), default=0)
    if len(set(lengths.values())) > 1:
        counts = " and ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"x and z must be pairs, got {counts}")
    for first in range(0, count, size):
        stop = min(first + size, count)
        part = {s: np.asarray(a[first:stop]).reshape(stop - first, -1) for s, a in arrays.items()}
        each = None if weights is None else np.asarray(weights[first:stop], "float64").reshape(-1)
        yield Chunk(str(source), first, part, np.ones(stop - first, bool), each, announced=count)
