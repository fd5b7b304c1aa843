"""Events into files, whatever their format."""

from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from mizoo.datasets.tables import HDF5_NAMES, TREE, WEIGHT, WEIGHTS, columns
from mizoo.extra import extra
from mizoo.physics.process import TTBAR


def write(path, events, process=TTBAR) -> None:
    """Write events for `mizoo.datasets.read`, in the format of the suffix; whole or not at all.

    Parquet, CSV, HDF5 (`.h5`, `.hdf5`), NumPy (`.npz`) and ROOT (a tree `events`).

    Args:
        path: of the file; one that is there is replaced.
        events: `Events`, or a dictionary of arrays (n, 4 × objects) by space, and `weights` (n,) if any.
        process: that the columns of tables are named after.

    Raises:
        ValueError: for another suffix.
        ImportError: if the format needs the extra `hep`.
    """
    with writer(path, process) as append:
        append(events if isinstance(events, dict) else events.arrays() | weights(events))


def weights(events) -> dict[str, np.ndarray]:
    """The weights of events under the name that files have for them, if there are any."""
    return {} if events.weights is None else {WEIGHTS: events.weights}


@contextmanager
def writer(path, process=TTBAR):
    """Context with a function that appends events to a file, which appears in the end: see `write`."""
    path = Path(path)
    if (opened := _BY_SUFFIX.get(path.suffix)) is None:
        raise ValueError(f"{path}: cannot write this format; known are {', '.join(_BY_SUFFIX)}")
    unfinished = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        with opened(unfinished, process) as append:
            yield append
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _frame(arrays, process):
    """All components as columns of one table."""
    parts = [
        pd.DataFrame(array, columns=[WEIGHT] if name == WEIGHTS else columns(process, name))
        for name, array in arrays.items()
    ]
    return pd.concat(parts, axis=1)


@contextmanager
def _parquet(path, process):
    arrow, parquet = extra("pyarrow"), extra("pyarrow.parquet")
    file = None

    def append(arrays):
        nonlocal file
        table = arrow.Table.from_pandas(_frame(arrays, process), preserve_index=False)
        file = file or parquet.ParquetWriter(path, table.schema)
        file.write_table(table)

    try:
        yield append
    finally:
        if file:
            file.close()


@contextmanager
def _csv(path, process):
    with open(path, "w") as file:
        yield lambda arrays: _frame(arrays, process).to_csv(file, index=False, header=file.tell() == 0)


@contextmanager
def _hdf5(path, process):
    with h5py.File(path, "w") as file:

        def append(arrays):
            for key, array in arrays.items():
                if (name := HDF5_NAMES.get(key, key)) not in file:
                    file.create_dataset(name, data=array, maxshape=(None, *array.shape[1:]), chunks=True)
                    continue
                file[name].resize(len(file[name]) + len(array), axis=0)
                file[name][-len(array) :] = array

        yield append


@contextmanager
def _numpy(path, process):
    parts: list[dict[str, np.ndarray]] = []
    yield parts.append
    np.savez(path, **{key: np.concatenate([part[key] for part in parts]) for key in parts[0]})


@contextmanager
def _root(path, process):
    with extra("uproot").recreate(path) as file:

        def append(arrays):
            frame = _frame(arrays, process)
            if TREE not in file:
                file.mktree(TREE, dict(frame.dtypes))
            file[TREE].extend({name: column.to_numpy() for name, column in frame.items()})

        yield append


_BY_SUFFIX = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".npz": _numpy,
    ".root": _root,
}
