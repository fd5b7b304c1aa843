"""Tables of events with named columns: Parquet, ROOT, CSV, and tables in memory.

They have a column for every component, `x.px_e-` … and `z.px_e-` …. Either space may be missing. Weights,
if any, are a column `weight` or `weights`; a column `event` has the numbers by which the events of two
tables are matched. Other columns are not read.
"""

import gzip
import warnings
from collections.abc import Iterable, Iterator
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
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.limits import MAX_BYTES, LimitedLines, text_limit
from mizoo.datasets.weights import WEIGHT, WEIGHTS, weight_name
from mizoo.physics.process import Process

if TYPE_CHECKING:
    from pandas._typing import ReadCsvBuffer

__all__ = ["EVENT", "HDF5_NAMES", "SAMPLE", "TREE", "WEIGHT", "WEIGHTS", "columns"]

HDF5_NAMES = {"x": "ROL", "z": "FDL"}
TREE = "events"  # of ROOT files with these columns
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
        frames = (batch.to_pandas(ignore_metadata=True) for batch in batches)
        yield from _of_frames(frames, str(path), layout, file.metadata.num_rows)


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
        frames = (_flat(part, layout.names) for part in parts)
        yield from _of_frames(frames, str(path), layout, tree.num_entries)


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
            yield from _of_frames(frames, str(path), layout)


def memory(table: Any, process: Process, size: int, max_bytes: int = MAX_BYTES) -> Iterator[Chunk]:
    """Chunks of at most `size` events of a DataFrame, or an awkward array with fields as columns.

    Raises:
        ValueError: if it is neither, or a column is missing or not numeric.
    """
    frame, source = in_memory(table), f"the {type(table).__name__}"
    layout = _layout(frame.columns, process, source)
    yield from _of_frames((frame[i : i + size] for i in range(0, len(frame), size)), source, layout)


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
    yield from _of_frames(frames, source, layout, len(records))


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


def in_memory(table: Any) -> pd.DataFrame:
    """A DataFrame, or an awkward array as one.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(table, pd.DataFrame):
        return table
    if type(table).__module__.partition(".")[0] != "awkward":
        raise ValueError(f"events come from a path, a DataFrame or an awkward array, not a {type(table)}")
    return pd.DataFrame({name: _column(table[name].to_numpy(), name) for name in table.fields})


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

    spaces: dict[str, list[str]]
    weight: str | None

    @property
    def names(self) -> list[str]:
        return [name for names in self.spaces.values() for name in names] + (
            [self.weight] if self.weight else []
        )


def _layout(given: Iterable[object], process: Process, source: str) -> _Layout:
    names = [str(name) for name in given]
    spaces = {}
    for space in "xz":
        wanted = columns(process, space)
        if missing := [name for name in wanted if name not in names]:
            if len(missing) < len(wanted):
                raise ValueError(f"no column {', '.join(missing)}")
            continue
        spaces[space] = wanted
    if not spaces:
        raise ValueError(f"no columns of {process.name}, such as {columns(process, 'x')[0]!r}")
    layout = _Layout(spaces, weight_name(names, source))
    if twice := [name for name in layout.names if names.count(name) > 1]:
        raise ValueError(f"two columns {twice[0]}")
    return layout


def _flat(part: Any, names: list[str]) -> pd.DataFrame:
    """Columns of a tree as a DataFrame."""
    for name in names:
        if part[name].ndim != 1:
            raise ValueError(f"column {name} must have one number per event, is {part[name].type}")
    return pd.DataFrame({name: _column(part[name].to_numpy(), name) for name in names})


def _column(values: np.ndarray, name: str) -> np.ndarray:
    if values.ndim != 1:
        raise ValueError(f"column {name} must have one number per event, got shape {values.shape}")
    return values


def _of_frames(
    frames: Iterable[pd.DataFrame], source: str, layout: _Layout, announced: int | None = None
) -> Iterator[Chunk]:
    first = 0
    for frame in frames:
        bad: dict[int, str] = {}
        values = {name: numbers(frame[name], name, bad) for name in layout.names}
        arrays = {
            space: np.stack([values[name] for name in names], 1) for space, names in layout.spaces.items()
        }
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
