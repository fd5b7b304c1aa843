"""Events into files, whatever their format."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from mizoo.datasets.extra import extra
from mizoo.datasets.tables import HDF5_NAMES, columns
from mizoo.physics.process import TTBAR


def write(path, arrays, process=TTBAR) -> None:
    """Write events for `mizoo.datasets.read`, in the format of the suffix; whole or not at all.

    Parquet, CSV, HDF5 (`.h5`, `.hdf5`) and NumPy (`.npz`).

    Args:
        path: of the file; one that is there is replaced.
        arrays: (n, 4 × objects) by space, such as `Events.arrays()`.
        process: that the columns of tables are named after.

    Raises:
        ValueError: for another suffix.
    """
    path = Path(path)
    if (writer := _BY_SUFFIX.get(path.suffix)) is None:
        raise ValueError(f"{path}: cannot write this format; known are {', '.join(_BY_SUFFIX)}")
    unfinished = path.with_name(f".{path.stem}.part{path.suffix}")
    writer(unfinished, arrays, process)
    unfinished.replace(path)


def _frame(arrays, process):
    """All components as columns of one table."""
    parts = [pd.DataFrame(array, columns=columns(process, space)) for space, array in arrays.items()]
    return pd.concat(parts, axis=1)


def _parquet(path, arrays, process):
    extra("pyarrow")
    _frame(arrays, process).to_parquet(path)


def _csv(path, arrays, process):
    _frame(arrays, process).to_csv(path, index=False)


def _hdf5(path, arrays, process):
    with h5py.File(path, "w") as file:
        for space, array in arrays.items():
            file.create_dataset(HDF5_NAMES[space], data=array)


def _numpy(path, arrays, process):
    np.savez(path, **arrays)


_BY_SUFFIX = {".parquet": _parquet, ".csv": _csv, ".h5": _hdf5, ".hdf5": _hdf5, ".npz": _numpy}
