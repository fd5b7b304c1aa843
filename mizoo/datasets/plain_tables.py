"""Arrays from Parquet and CSV files of any columns."""

import re
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from mizoo.core.optional import extra
from mizoo.datasets.readers.limits import MAX_BYTES, check_bytes, text_limit
from mizoo.datasets.readers.tables import csv_lines, there
from mizoo.datasets.weights import WEIGHTS, weight_name

SUFFIXES = (".parquet", ".csv", ".csv.gz")
_MOMENTUM = re.compile(r"[xz]\.(px|py|pz|E)_")  # columns of events, see `mizoo.datasets.readers.tables`
_NAMED = 5  # columns named in a message


class UnusedColumns(UserWarning):
    """Warns of columns of a table that are no numbers."""


def is_table(path: str | Path) -> bool:
    """Whether a file is a table by its suffix."""
    return str(path).lower().endswith(SUFFIXES)


def is_plain(path: str | Path) -> bool:
    """Whether a file is a table without columns of momenta, which would be those of events."""
    return is_table(path) and Path(path).is_file() and not any(map(_MOMENTUM.match, _names(path)))


def read_table(path: str | Path, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Arrays x (n, columns), of all columns of numbers in the order of the file, and weights, if any.

    If the names of columns begin with `x.` or `z.`, those are the columns of the two spaces. Columns whose
    names begin with `c.` are the condition.

    Args:
        path: path of a Parquet or CSV file.
        max_bytes: largest memory for the table, in bytes.

    Raises:
        ImportError: without pyarrow, for Parquet files.
        ValueError: if no column has numbers, a value is missing, or the table is too large.

    Warns:
        UnusedColumns: for columns without numbers.
    """
    frame = _frame(path, max_bytes)
    frame.columns = frame.columns.map(str)
    weights = weight_name(frame.columns, str(path))
    numeric = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    if others := [name for name in frame.columns if name not in numeric]:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        warnings.warn(
            f"{path}: columns {', '.join(others[:_NAMED])}{more} are no numbers and not used",
            UnusedColumns,
            2,
        )
    numeric = [name for name in numeric if name != weights]
    groups = {space: [name for name in numeric if name.startswith(f"{space}.")] for space in "xzc"}
    if not groups["x"] and not groups["z"]:
        groups["x"] = [name for name in numeric if name not in groups["c"]]
    if outside := [name for name in numeric if not any(name in group for group in groups.values())]:
        raise ValueError(
            f"column {outside[0]} is of neither space: name it x.{outside[0]} or z.{outside[0]}"
        )
    if not numeric:
        raise ValueError("no column of numbers")
    groups[WEIGHTS] = [] if weights is None else [weights]
    for name in (name for names in groups.values() for name in names):
        if (missing := frame[name].isna().to_numpy()).any():
            raise ValueError(f"column {name} has no number in row {missing.argmax()}")
    return {key: frame[names].to_numpy("float64") for key, names in groups.items() if names}


def _names(path: str | Path) -> Iterable[str]:
    if str(path).lower().endswith(".parquet"):
        names: list[str] = extra("pyarrow.parquet", "reading .parquet files").read_schema(path).names
        return names
    with csv_lines(path, text_limit(MAX_BYTES)) as (header, _):
        return header


def _frame(path: str | Path, max_bytes: int) -> pd.DataFrame:
    if str(path).lower().endswith(".parquet"):
        pq = extra("pyarrow.parquet", "reading .parquet files")
        with pq.ParquetFile(there(path), page_checksum_verification=True) as file:
            size = 8 * file.metadata.num_rows * file.metadata.num_columns
            check_bytes(size, max_bytes, "the table")
            frame: pd.DataFrame = file.read().to_pandas(ignore_metadata=True)
            return frame
    check_bytes(Path(there(path)).stat().st_size, max_bytes, "the table")
    with csv_lines(path, text_limit(max_bytes)) as (_, lines), warnings.catch_warnings():
        # Rows longer than the header are an error; pandas would cut them with a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(lines, index_col=False, low_memory=False)
