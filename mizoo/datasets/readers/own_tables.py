"""Tables with a user's own columns: ROOT trees, Parquet, CSV, HDF5, and tables in memory."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import pandas as pd

from mizoo.core.optional import extra
from mizoo.datasets.readers import trees
from mizoo.datasets.readers.hdf5 import data_set, opened
from mizoo.datasets.readers.limits import text_limit
from mizoo.datasets.readers.tables import csv_lines, numbers, there

Part = tuple[Any, dict[int, str]]
"""An awkward array with columns as fields, and the faults of its events by row."""


@dataclass(frozen=True)
class Table:
    """An open table.

    Attributes:
        names: names of its columns.
        parts: function of names of columns and a size, which yields parts of at most so many events.
        where: place in the file for messages, such as the name of a tree.
    """

    names: list[str]
    parts: Callable[[list[str], int], Iterator[Part]]
    where: str = ""


@contextmanager
def root(path: str | Path, tree: str, max_bytes: int) -> Iterator[Table]:
    """A tree of a ROOT file."""
    found = trees.opened(path, tree)

    def parts(names: list[str], size: int) -> Iterator[Part]:
        return ((events, {}) for events in trees.arrays(found, names, size, max_bytes))

    yield Table(trees.branches(found), parts, f", tree {tree}")


@contextmanager
def parquet(path: str | Path, tree: str, max_bytes: int) -> Iterator[Table]:
    """A Parquet file."""
    ak, pq = extra("awkward", "reading columns"), extra("pyarrow.parquet", "reading .parquet files")
    # With buffers ahead, everything read would stay in memory until the end.
    with pq.ParquetFile(there(path), pre_buffer=False, page_checksum_verification=True) as file:

        def parts(names: list[str], size: int) -> Iterator[Part]:
            return ((ak.from_arrow(batch), {}) for batch in file.iter_batches(size, columns=names))

        yield Table(list(file.schema_arrow.names), parts)


@contextmanager
def csv(path: str | Path, tree: str, max_bytes: int) -> Iterator[Table]:
    """A CSV file with a header, plain or gzipped."""
    with csv_lines(path, text_limit(max_bytes)) as (header, lines), warnings.catch_warnings():
        # Rows longer than the header are an error; pandas would cut them with a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)

        def parts(names: list[str], size: int) -> Iterator[Part]:
            with pd.read_csv(lines, chunksize=size, index_col=False, low_memory=False) as frames:
                for frame in frames:
                    yield _of_frame(frame, names)

        yield Table(header, parts)


@contextmanager
def hdf5(path: str | Path, tree: str, max_bytes: int) -> Iterator[Table]:
    """Data sets (n,) or (n, most) of an HDF5 file or its group `tree`, or the records of one data set."""
    ak = extra("awkward", "reading columns")
    with opened(path) as file:
        whole = file.get(tree, file)
        is_records = isinstance(whole, h5py.Dataset)

        def column(name: str) -> Any:
            if is_records:
                return data_set(file, tree, max_bytes).fields(name)
            return data_set(file, f"{tree}/{name}" if tree in file else name, max_bytes)

        def parts(names: list[str], size: int) -> Iterator[Part]:
            columns = {name: column(name) for name in names}
            lengths = {name: len(values) for name, values in columns.items()}
            if len(set(lengths.values())) > 1:
                listed = ", ".join(f"{length} {name}" for name, length in lengths.items())
                raise ValueError(f"data sets must be of the same events, got {listed}")
            for first in range(0, max(lengths.values(), default=0), size):
                rows = slice(first, first + size)
                piece = {name: ak.from_numpy(values[rows]) for name, values in columns.items()}
                yield ak.zip(piece, depth_limit=1), {}

        yield Table(list((whole.dtype.names or ()) if is_records else whole), parts)


@contextmanager
def memory(table: Any, tree: str, max_bytes: int) -> Iterator[Table]:
    """A DataFrame, or an awkward array with fields."""
    if isinstance(table, pd.DataFrame):

        def parts(names: list[str], size: int) -> Iterator[Part]:
            return (_of_frame(table[i : i + size], names) for i in range(0, len(table), size))

        yield Table([str(name) for name in table.columns], parts)
        return
    if type(table).__module__.partition(".")[0] != "awkward":
        raise ValueError(f"events come from a path, a DataFrame or an awkward array, not a {type(table)}")

    def pieces(names: list[str], size: int) -> Iterator[Part]:
        return ((table[names][i : i + size], {}) for i in range(0, len(table), size))

    yield Table(list(table.fields), pieces)


def _of_frame(frame: pd.DataFrame, names: list[str]) -> Part:
    ak = extra("awkward", "reading columns")
    bad: dict[int, str] = {}
    columns = {name: ak.from_numpy(numbers(frame[name], name, bad)) for name in names}
    return ak.zip(columns, depth_limit=1), bad


OPENERS = {".root": root, ".parquet": parquet, ".csv": csv, ".h5": hdf5, ".hdf5": hdf5}
