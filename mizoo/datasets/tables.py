"""Tables of events: HDF5, Parquet, ROOT, CSV, NumPy, and those in memory.

Tables with named columns have one for every component, `x.px_e-` … and `z.px_e-` …. NumPy files have arrays
x and z; HDF5 files those of the OTUS and Turbo-Sim codes, ROL (x) and FDL (z), as data set or as group with
one data set. Either space may be missing. Weights, if any, are a column `weight` or an array `weights`.
"""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from mizoo.datasets.chunk import Chunk
from mizoo.extra import extra

HDF5_NAMES = {"x": "ROL", "z": "FDL"}
WEIGHT, WEIGHTS = "weight", "weights"
TREE = "events"  # of ROOT files with these columns


def columns(process, space):
    """Names of a space's columns in tables."""
    return [f"{space}.{name}" for name in process.columns(space)]


def parquet(path, process, size):
    """Chunks of at most `size` events of a Parquet file.

    Raises:
        ImportError: without pyarrow.
        ValueError: if it is none, or a column is missing.
    """
    pq = extra("pyarrow.parquet")
    # Buffered ahead, whatever has been read would stay in memory until the end.
    with pq.ParquetFile(_there(path), pre_buffer=False) as file:
        frames = (batch.to_pandas() for batch in file.iter_batches(size))
        yield from _of_frames(frames, path, process)


def root(path, process, size):
    """Chunks of at most `size` events of a ROOT file with a tree `events` of columns.

    Raises:
        ImportError: without uproot.
        ValueError: if a column is missing.
    """
    with extra("uproot").open(_there(path)) as file:
        tree = file[TREE]
        parts = (tree.arrays(entry_start=i, entry_stop=i + size) for i in range(0, tree.num_entries, size))
        frames = (pd.DataFrame({name: part[name].to_numpy() for name in part.fields}) for part in parts)
        yield from _of_frames(frames, path, process)


def csv(path, process, size):
    """Chunks of at most `size` events of a CSV file with a header.

    Raises:
        ValueError: if it is none, or a column is missing.
    """
    with pd.read_csv(_there(path), chunksize=size) as frames:
        yield from _of_frames(frames, path, process)


def memory(table, process, size):
    """Chunks of at most `size` events of a DataFrame, or an awkward array with fields as columns.

    Raises:
        ValueError: if a column is missing.
    """
    frame = table if isinstance(table, pd.DataFrame) else extra("awkward").to_dataframe(table)
    source = f"the {type(table).__name__}"
    yield from _of_frames((frame[i : i + size] for i in range(0, len(frame), size)), source, process)


def numpy(path, process, size):
    """Chunks of at most `size` events of an `.npz` with arrays x and z, or of an `.npy`, which is x.

    Raises:
        ValueError: if it is none, or has other arrays.
    """
    content = np.load(_there(path), mmap_mode="r", allow_pickle=False)
    arrays = {"x": content} if isinstance(content, np.ndarray) else dict(content)
    if unknown := set(arrays) - {"x", "z", WEIGHTS}:
        raise ValueError(f"arrays must be named x, z and weights, got {', '.join(sorted(unknown))}")
    yield from _of_arrays(arrays, path, size)


def hdf5(path, process, size):
    """Chunks of at most `size` events of an HDF5 file.

    Raises:
        ValueError: if it is none, or has neither ROL nor FDL.
    """
    with _opened(_there(path)) as file:
        arrays = {space: _data_set(file, name) for space, name in HDF5_NAMES.items() if name in file}
        if not arrays:
            raise ValueError(f"neither FDL (z) nor ROL (x), only {', '.join(file) or 'nothing'}")
        if WEIGHTS in file:
            arrays[WEIGHTS] = _data_set(file, WEIGHTS)
        yield from _of_arrays(arrays, path, size)


def is_table(path) -> bool:
    """Whether a ROOT file has a tree `events`; False where that cannot be told."""
    try:
        with extra("uproot").open(path) as file:
            return TREE in file
    except Exception:  # of a file that is none, uproot raises whatever it stumbles over; readers say more
        return False


def _opened(path):
    try:
        return h5py.File(path)
    except OSError as error:
        raise ValueError(f"not an HDF5 file, or cut short ({error})") from error


def _data_set(file, name):
    found = file[name]
    if isinstance(found, h5py.Group):
        inner = [value for value in found.values() if isinstance(value, h5py.Dataset)]
        if len(inner) != 1:
            raise ValueError(f"group {name} must hold one data set, has {len(inner)}")
        return inner[0]
    return found


def _there(path):
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    return path


def _of_arrays(arrays, source, size):
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        counts = " and ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"x and z must be pairs, got {counts}")
    count = max(lengths.values())
    for first in range(0, count, size):
        part = {name: np.asarray(array[first : first + size]) for name, array in arrays.items()}
        weights = part.pop(WEIGHTS, None)
        yield Chunk(str(source), first, part, np.ones(min(size, count - first), bool), weights)


def _of_frames(frames, source, process):
    first = 0
    for frame in frames:
        arrays = {}
        for space in "xz":
            names = columns(process, space)
            if missing := [name for name in names if name not in frame]:
                if len(missing) < len(names):
                    raise ValueError(f"no column {', '.join(missing)}")
                continue
            arrays[space] = frame[names].to_numpy("float64")
        if not arrays:
            raise ValueError(f"no columns of {process.name}, such as {columns(process, 'x')[0]!r}")
        weights = frame[WEIGHT].to_numpy("float64") if WEIGHT in frame else None
        yield Chunk(str(source), first, arrays, np.ones(len(frame), bool), weights)
        first += len(frame)
