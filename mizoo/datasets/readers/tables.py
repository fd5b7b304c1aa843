"""Tables of events with named columns: Parquet, ROOT, CSV, and tables in memory.

They have a column for every component, `x.px_e-` … and `z.px_e-` …. Several objects of a kind may have
columns with lists, see `mizoo.datasets.readers.list_columns`. Either space may be missing. Weights, if any,
are a column `weight` or `weights`; a column `event` has the numbers by which the events of two tables are
matched. Other columns are not read.
"""

import gzip
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from csv import reader
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from mizoo.core.optional import extra
from mizoo.datasets.padding import without_nan
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.limits import MAX_BYTES, LimitedLines, text_limit
from mizoo.datasets.readers.list_columns import (
    OF_X,
    Lists,
    awkward_columns,
    list_names,
    listed,
    of_arrow,
    of_awkward,
    single_columns,
    single_names,
)
from mizoo.datasets.weights import WEIGHT, WEIGHTS, weight_name
from mizoo.physics.particles import DetectorObject
from mizoo.physics.process import Process

if TYPE_CHECKING:
    from pandas._typing import ReadCsvBuffer

__all__ = ["EVENT", "HDF5_NAMES", "OF_X", "SAMPLE", "TREE", "WEIGHT", "WEIGHTS", "columns"]

HDF5_NAMES = {"x": "ROL", "z": "FDL"}
TREE = "events"  # of ROOT files with these columns
_Part = tuple[pd.DataFrame, dict[int, str]]  # columns, and faults of events by row
EVENT, SAMPLE = "event", "sample"  # numbers of events, and of draws in files with several per event


def columns(process: Process, space: str) -> list[str]:
    """Names of a space's columns in tables."""
    return [f"{space}.{name}" for name in process.columns(space)]


def parquet(path: str | Path, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Chunks of at most `size` events of a Parquet file.

    Raises:
        ImportError: without pyarrow.
        ValueError: if it is no Parquet file, or a column is missing or not numeric.
    """
    pq = extra("pyarrow.parquet", "reading .parquet files")
    # With buffers ahead, everything read would stay in memory until the end.
    with pq.ParquetFile(there(path), pre_buffer=False, page_checksum_verification=True) as file:
        layout = _layout(file.schema_arrow.names, process, str(path))
        batches = file.iter_batches(size, columns=layout.names)
        parts = (_of_batch(batch, layout) for batch in batches)
        yield from _of_parts(parts, str(path), layout, file.metadata.num_rows)


def root(path: str | Path, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Chunks of at most `size` events of a ROOT file with a tree `events` of columns.

    Raises:
        ImportError: without uproot.
        ValueError: if there is no such tree, or a column is missing or lacks one number per event.
    """
    with root_table(path) as tree:
        layout = _layout(tree.keys(recursive=False), process, str(path))
        wanted = set(layout.names).__contains__
        starts = range(0, tree.num_entries, size)
        parts = (tree.arrays(filter_name=wanted, entry_start=i, entry_stop=i + size) for i in starts)
        tables = (_of_awkward({name: part[name] for name in layout.names}, layout) for part in parts)
        yield from _of_parts(tables, str(path), layout, tree.num_entries)


def csv(path: str | Path, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Chunks of at most `size` events of a CSV file with a header, plain or gzipped.

    Raises:
        ValueError: if it is no CSV file, or a column is missing or not numeric.
    """
    with csv_lines(path, text_limit(max_bytes)) as (names, lines), warnings.catch_warnings():
        layout = _layout(names, process, str(path))
        # Rows longer than the header are an error; pandas would cut them with a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        with pd.read_csv(lines, chunksize=size, index_col=False, low_memory=False) as frames:
            yield from _of_parts(((frame, {}) for frame in frames), str(path), layout)


def memory(table: Any, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Chunks of at most `size` events of a DataFrame, or an awkward array with fields as columns.

    Raises:
        ValueError: if it is neither, or a column is missing or not numeric.
    """
    columns, source = in_memory(table), f"the {type(table).__name__}"
    parts: Iterator[_Part]
    if isinstance(columns, pd.DataFrame):
        layout = _layout(columns.columns, process, source)
        parts = ((columns[i : i + size], {}) for i in range(0, len(columns), size))
    else:
        layout = _layout(columns, process, source)
        rows = [slice(i, i + size) for i in range(0, len(table), size)]
        parts = (_of_awkward({n: columns[n][part] for n in layout.names}, layout) for part in rows)
    yield from _of_parts(parts, source, layout)


def of_records(records: np.ndarray, source: str, process: Process, size: int) -> Iterator[Chunk]:
    """Chunks of at most `size` events of a structured array (n,), with fields as columns.

    Raises:
        ValueError: if it has another shape, or a field is missing or not numeric.
    """
    if records.ndim != 1:
        raise ValueError(f"records must have shape (n,), got {records.shape}")
    layout = _layout(records.dtype.names or (), process, source)
    parts = (records[i : i + size] for i in range(0, len(records), size))
    frames = (pd.DataFrame({name: _column(part[name], name) for name in layout.names}) for part in parts)
    yield from _of_parts(((frame, {}) for frame in frames), source, layout, len(records))


@contextmanager
def root_table(path: str | Path) -> Iterator[Any]:
    """Context with the tree `events` of a ROOT file.

    Raises:
        ValueError: if there is no such tree.
    """
    uproot = extra("uproot", "reading .root files")
    with uproot.open(there(path)) as file:
        tree = file[TREE]
        if not isinstance(tree, uproot.TTree | uproot.behaviors.RNTuple.RNTuple):
            raise ValueError(f"{TREE!r} must be a tree of columns, is a {tree.classname}")
        yield tree


@contextmanager
def csv_lines(path: str | Path, limit: int) -> Iterator[tuple[list[str], "ReadCsvBuffer[str]"]]:
    """Context with the names of a CSV file's columns, and the file itself, with lines up to `limit`."""
    with open(there(path), "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    encoding = "utf-8-sig"
    with (
        gzip.open(path, "rt", encoding=encoding, newline="")
        if zipped
        else open(path, encoding=encoding, newline="")
    ) as text:
        names = next(reader(LimitedLines(text, limit)), [])
        text.seek(0)
        # pandas needs no more of a file than this one has, whatever its stubs say.
        yield names, cast("ReadCsvBuffer[str]", LimitedLines(text, limit))


def in_memory(table: Any) -> pd.DataFrame | dict[str, Any]:
    """A DataFrame, or the columns of an awkward array by name.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(table, pd.DataFrame):
        return table
    if type(table).__module__.partition(".")[0] != "awkward":
        raise ValueError(f"events come from a path, a DataFrame or an awkward array, not a {type(table)}")
    return awkward_columns(table)


def there(path: str | Path) -> str | Path:
    """Check that a file exists, and return its path.

    Raises:
        FileNotFoundError: if it does not.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    return path


@dataclass(frozen=True)
class _Layout:
    """Columns of a table by their meaning."""

    process: Process
    spaces: dict[str, list[str]]
    """Names of columns of single numbers, by space."""
    lists: list[DetectorObject]
    """Objects that have columns with lists in their place."""
    weight: str | None

    @property
    def single(self) -> list[str]:
        """Names of the columns of the table that have single numbers."""
        replaced = {name for one in self.lists for name in single_names(one)}
        found = [name for names in self.spaces.values() for name in names if name not in replaced]
        return [*found, *([self.weight] if self.weight else [])]

    @property
    def names(self) -> list[str]:
        """Names of all columns of the table that are read."""
        return [*self.single, *(name for one in self.lists for name in list_names(one))]


def _layout(given: Iterable[object], process: Process, source: str) -> _Layout:
    names = [str(name) for name in given]
    spaces = {}
    known = set(names)
    lists = [
        one
        for one in listed(process).values()
        if not known.isdisjoint(list_names(one)) and not known.issuperset(single_names(one))
    ]
    for space in "xz":
        wanted = _Layout(
            process, {space: columns(process, space)}, lists if space == "x" else [], None
        ).names
        if missing := [name for name in wanted if name not in names]:
            if len(missing) < len(wanted):
                raise ValueError(f"no column {', '.join(missing)}")
            continue
        spaces[space] = columns(process, space)
    if not spaces:
        raise ValueError(f"no columns of {process.name}, such as {columns(process, 'x')[0]!r}")
    layout = _Layout(process, spaces, lists, weight_name(names, source))
    if twice := [name for name in layout.names if names.count(name) > 1]:
        raise ValueError(f"two columns {twice[0]}")
    return layout


def _of_awkward(part: Mapping[str, Any], layout: _Layout) -> _Part:
    """Columns of a tree, or of an awkward array, by name."""
    for name in layout.single:
        if part[name].ndim != 1:
            raise ValueError(f"column {name} must have one number per event, is {part[name].type}")
    single = {name: _column(part[name].to_numpy(), name) for name in layout.single}
    lists = [{name: of_awkward(part[name], name) for name in list_names(one)} for one in layout.lists]
    return _with_lists(pd.DataFrame(single), layout, lists)


def _of_batch(batch: Any, layout: _Layout) -> _Part:
    """Columns of a batch of pyarrow."""
    lists = [{name: of_arrow(batch.column(name), name) for name in list_names(one)} for one in layout.lists]
    return _with_lists(batch.select(layout.single).to_pandas(ignore_metadata=True), layout, lists)


def _with_lists(frame: pd.DataFrame, layout: _Layout, lists: list[dict[str, Lists]]) -> _Part:
    """A part with columns of single objects in place of lists."""
    if not lists:
        return frame, {}
    bad: dict[int, str] = {}
    further = [single_columns(one, of, bad) for one, of in zip(layout.lists, lists, strict=True)]
    return pd.concat([frame, *(pd.DataFrame(of, index=frame.index) for of in further)], axis=1), bad


def _column(values: np.ndarray, name: str) -> np.ndarray:
    if values.ndim != 1:
        raise ValueError(f"column {name} must have one number per event, got shape {values.shape}")
    return values


def _of_parts(
    parts: Iterable[_Part], source: str, layout: _Layout, announced: int | None = None
) -> Iterator[Chunk]:
    first = 0
    for frame, bad in parts:
        wanted = [*layout.single, *(name for one in layout.lists for name in single_names(one))]
        values = {name: numbers(frame[name], name, bad) for name in wanted}
        arrays = {
            space: np.stack([values[name] for name in names], 1) for space, names in layout.spaces.items()
        }
        if "x" in arrays:
            arrays["x"] = without_nan(arrays["x"], layout.process)
        weights = values[layout.weight] if layout.weight else None
        yield Chunk(source, first, arrays, np.ones(len(frame), bool), weights, bad, announced)
        first += len(frame)
    if announced is not None and first != announced:
        raise ValueError(f"cut short: it has {first} of its {announced} events")


def numbers(column: pd.Series, name: str, bad: dict[int, str]) -> np.ndarray:
    """A column as float64; values that are no numbers become NaN and are named in `bad`.

    Raises:
        ValueError: if no value is a number.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiu":
        return column.to_numpy("float64")
    types = pd.api.types
    readable = types.is_numeric_dtype(column) or types.is_string_dtype(column) or column.dtype == object
    if not readable or types.is_bool_dtype(column) or types.is_complex_dtype(column):
        raise ValueError(f"column {name} must be real numbers, is {column.dtype}")
    given = column.dropna()
    if strange := [v for v in given if isinstance(v, bool) or not isinstance(v, str | Real | Decimal)]:
        raise ValueError(f"column {name} must be real numbers, has {str(strange[0])[:40]!r}")
    found = pd.to_numeric(column, errors="coerce").to_numpy("float64", na_value=np.nan)
    wrong = np.flatnonzero(np.isnan(found) & column.notna().to_numpy())
    if len(wrong) and len(wrong) == len(given):
        raise ValueError(f"column {name} must be real numbers, has {str(given.iloc[0])[:40]!r}")
    for row in wrong:
        bad.setdefault(int(row), f"{name} is {str(column.iloc[row])[:40]!r}, no number")
    return found
