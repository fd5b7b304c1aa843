"""Event numbers, by which the events of two files are matched."""

from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mizoo.core.optional import extra
from mizoo.datasets.readers import array_files, delphes, own_columns, tables, trees
from mizoo.datasets.readers.chunk import Reader
from mizoo.datasets.readers.columns import Columns
from mizoo.datasets.readers.hdf5 import data_set, opened
from mizoo.datasets.readers.limits import text_limit

COLUMN = tables.EVENT
_PIECE = 1_000_000  # events


def of_delphes(path: str | Path, max_bytes: int) -> np.ndarray | None:
    """`Event.Number`, (n,), if there is such a branch."""
    tree = trees.opened(path, delphes.TREE)
    if delphes.NUMBER not in trees.branches(tree):
        return None
    parts = trees.pieces(tree, [delphes.NUMBER], _PIECE)
    found = [_whole(trees.per_event(part[delphes.NUMBER], delphes.NUMBER)) for part in parts]
    return np.concatenate(found) if found else np.zeros(0, "int64")


def of_parquet(path: str | Path, max_bytes: int) -> np.ndarray | None:
    """The column `event`, (n,), if there is one."""
    pq = extra("pyarrow.parquet", "reading .parquet files")
    with pq.ParquetFile(tables.there(path)) as file:
        if not _there(file.schema_arrow.names):
            return None
        return _whole(file.read(columns=[COLUMN]).to_pandas(ignore_metadata=True)[COLUMN].to_numpy())


def of_csv(path: str | Path, max_bytes: int) -> np.ndarray | None:
    """The column `event`, (n,), if there is one."""
    with tables.csv_lines(path, text_limit(max_bytes)) as (names, lines):
        if not _there(names):
            return None
        return _whole(pd.read_csv(lines, usecols=[COLUMN])[COLUMN].to_numpy())


def of_root(path: str | Path, max_bytes: int) -> np.ndarray | None:
    """The column `event`, (n,), if there is one."""
    with tables.root_table(path) as tree:
        if not _there(tree.keys(recursive=False)):
            return None
        return _whole(tree.arrays(filter_name=[COLUMN])[COLUMN].to_numpy())


def of_hdf5(path: str | Path, max_bytes: int) -> np.ndarray | None:
    """The data set `event`, (n,), if there is one."""
    with opened(path) as file:
        return _whole(data_set(file, COLUMN, max_bytes)[...]) if _there(list(file)) else None


def of_memory(table: Any) -> np.ndarray | None:
    """The column `event`, (n,), if there is one."""
    columns = tables.in_memory(table)
    return _whole(columns[COLUMN].to_numpy()) if _there(list(columns)) else None


def of_columns(source: Any, columns: Columns, max_bytes: int) -> np.ndarray | None:
    """The column of event numbers, (n,), of a table with a user's own columns, if there is one."""
    found = own_columns.event_numbers(source, columns, max_bytes)
    return None if found is None else _whole(found)


READERS: dict[Reader, Callable[[str | Path, int], np.ndarray | None]] = {
    delphes.chunks: of_delphes,
    tables.parquet: of_parquet,
    tables.csv: of_csv,
    tables.root: of_root,
    array_files.hdf5: of_hdf5,
}


def _there(names: Container[object]) -> bool:
    """Whether the column exists; in files of several draws per event it cannot be used for pairing."""
    if COLUMN in names and tables.SAMPLE in names:
        raise ValueError(
            f"columns {COLUMN} and {tables.SAMPLE} are those of several draws per event, which are not "
            "paired with events of another file"
        )
    return COLUMN in names


def _whole(given: ArrayLike) -> np.ndarray:
    values = np.asarray(given)
    whole = values.astype("int64") if values.dtype.kind in "fiu" else None
    if values.ndim != 1 or whole is None or not np.array_equal(whole, values):
        raise ValueError(f"{COLUMN} must be a whole number per event")
    return whole
