"""Writers of event files: one context per format, which yields a function that appends checked arrays.

Each writes the process of its events and the checksums of its format, which are verified on reading, see
`mizoo.datasets.integrity`.
"""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from io import BufferedRandom
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import h5py
import numpy as np
import pandas as pd

from mizoo.core.optional import extra
from mizoo.datasets.jagged import COUNT, count_name, flat_arrays, is_variable
from mizoo.datasets.padding import with_nan
from mizoo.datasets.readers.list_columns import list_names, listed, single_names
from mizoo.datasets.readers.numpy_files import PROCESS
from mizoo.datasets.readers.process_metadata import KEY, text
from mizoo.datasets.readers.tables import (
    EVENT,
    HDF5_NAMES,
    OF_X,
    SAMPLE,
    TREE,
    WEIGHT,
    WEIGHTS,
    columns,
)
from mizoo.physics.process import Process

_PIECE = 2**20  # bytes copied at once

Arrays = Mapping[str, np.ndarray]  # by name in files
Append = Callable[[Arrays], None]


def _frame(arrays: Arrays, process: Process) -> pd.DataFrame:
    """All components as columns of one table, with NaN for objects that an event lacks."""
    single = {WEIGHTS: [WEIGHT], EVENT: [EVENT], SAMPLE: [SAMPLE]}
    parts = [
        pd.DataFrame(
            with_nan(array, process) if name == "x" else array,
            columns=single.get(name) or columns(process, name),
        )
        for name, array in arrays.items()
    ]
    return pd.concat(parts, axis=1)


def _lists(arrays: Arrays, process: Process) -> dict[str, tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Objects of a variable number, by name: their counts (n,), and the values of all lists by column."""
    if "x" not in arrays:
        return {}
    flat = flat_arrays(arrays["x"], process)
    return {
        name: (flat[count_name(one)], dict(zip(list_names(one), flat[name].T, strict=True)))
        for name, one in listed(process).items()
        if is_variable(one)
    }


def _without(frame: pd.DataFrame, names: Iterable[str], process: Process) -> pd.DataFrame:
    """A table without the columns of single objects of these names."""
    return frame.drop(columns=[column for name in names for column in single_names(listed(process)[name])])


def _by_objects(arrays: Arrays, process: Process) -> Arrays:
    """Arrays with x as one array per kind of objects, if the number of objects is variable."""
    if "x" not in arrays or process.has_fixed_counts:
        return arrays
    flat = {f"{OF_X}{name}": array for name, array in flat_arrays(arrays["x"], process).items()}
    return {**{name: array for name, array in arrays.items() if name != "x"}, **flat}


@contextmanager
def _parquet(path: Path, process: Process) -> Iterator[Append]:
    arrow, parquet = extra("pyarrow"), extra("pyarrow.parquet")
    file = None

    def append(arrays: Arrays) -> None:
        nonlocal file
        lists = _lists(arrays, process)
        frame = _without(_frame(arrays, process), lists, process)
        table = arrow.Table.from_pandas(frame, preserve_index=False)
        for counts, values in lists.values():
            ends = np.concatenate([[0], np.cumsum(counts)]).astype("int32")
            for name, column in values.items():
                of_name = arrow.ListArray.from_arrays(ends, np.ascontiguousarray(column))
                table = table.append_column(name, of_name)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: text(process)})
        file = file or parquet.ParquetWriter(path, table.schema, write_page_checksum=True)
        file.write_table(table)

    try:
        yield append
    finally:
        if file:
            file.close()


@contextmanager
def _csv(path: Path, process: Process) -> Iterator[Append]:
    with open(path, "w") as file:
        yield lambda arrays: _frame(arrays, process).to_csv(file, index=False, header=file.tell() == 0)


@contextmanager
def _hdf5(path: Path, process: Process) -> Iterator[Append]:
    with open(path, "w+b") as opened:
        disk = _Disk(opened)
        # Since HDF5 1.10 metadata have checksums as well; `fletcher32` covers only the data.
        with h5py.File(disk, "w", libver=("v110", "v110")) as file:
            file.attrs[KEY] = text(process)

            def append(arrays: Arrays) -> None:
                for key, array in _by_objects(arrays, process).items():
                    space, _, objects = key.partition(".")
                    name = HDF5_NAMES.get(space, space) + (f"/{objects}" if objects else "")
                    if name not in file:
                        shape = (None, *array.shape[1:])
                        file.create_dataset(name, data=array, maxshape=shape, chunks=True, fletcher32=True)
                        continue
                    before = len(file[name])
                    file[name].resize(before + len(array), axis=0)
                    file[name][before:] = array
                disk.check()

            yield append
        disk.flush()
        disk.check()


class _Disk:
    """File object for HDF5 that hides write errors from the library.

    HDF5 keeps data that it cannot write in its caches, fails to close the file, and ends the process with a
    segmentation fault. This object keeps the first error for `check`, and writes nothing after it.

    Args:
        file: file open for reading and writing, in binary mode.
    """

    def __init__(self, file: BufferedRandom) -> None:
        self._file = file
        self._error: OSError | None = None
        self._place = self._end = 0

    def check(self) -> None:
        """Raise the first error, if any."""
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._end}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def write(self, data: bytes | memoryview) -> int:
        self._try(lambda: (self._file.seek(self._place), self._file.write(data)))
        self._place += len(data)
        self._end = max(self._end, self._place)
        return len(data)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        self._try(lambda: (self._file.seek(self._place), self._file.readinto(buffer)))
        self._place += len(buffer)
        return len(buffer)

    def read(self, size: int) -> bytes:
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def truncate(self, size: int) -> int:
        self._try(lambda: self._file.truncate(size))
        self._end = size
        return size

    def flush(self) -> None:
        self._try(self._file.flush)

    def _try(self, action: Callable[[], object]) -> None:
        if self._error is None:
            try:
                action()
            except OSError as error:
                self._error = error


@contextmanager
def _numpy(path: Path, process: Process) -> Iterator[Append]:
    # The header of an array holds its length, which is known at the end: data go to temporary files first.
    waiting: dict[str, IO[bytes]] = {}
    headers: dict[str, dict[str, Any]] = {}
    lengths: dict[str, int] = {}
    with ExitStack() as stack:

        def append(arrays: Arrays) -> None:
            for key, array in _by_objects(arrays, process).items():
                if key not in waiting:
                    waiting[key] = stack.enter_context(TemporaryFile(dir=path.parent))
                    headers[key] = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(array))
                waiting[key].write(np.ascontiguousarray(array).data)
                lengths[key] = lengths.get(key, 0) + len(array)

        yield append
        with zipfile.ZipFile(path, "w") as file:
            for key, content in waiting.items():
                content.seek(0)
                with file.open(f"{key}.npy", "w", force_zip64=True) as member:
                    shape = (lengths[key], *headers[key]["shape"][1:])
                    np.lib.format.write_array_header_1_0(member, {**headers[key], "shape": shape})
                    shutil.copyfileobj(content, member, _PIECE)
            with file.open(f"{PROCESS}.npy", "w") as member:
                np.lib.format.write_array(member, np.array(text(process)), version=(1, 0))


@contextmanager
def _root(path: Path, process: Process) -> Iterator[Append]:
    with extra("uproot").recreate(path) as file:
        file[PROCESS] = text(process)

        def append(arrays: Arrays) -> None:
            lists = _lists(arrays, process)
            frame = _without(_frame(arrays, process), lists, process)
            records = {name: _records(*of) for name, of in lists.items()}
            if TREE not in file:
                types = {name: of.type.content for name, of in records.items()}
                file.mktree(
                    TREE,
                    {**dict(frame.dtypes), **types},
                    counter_name=lambda name: f"{OF_X}{name}_{COUNT}",
                    field_name=lambda name, field: field,
                )
            file[TREE].extend({name: column.to_numpy() for name, column in frame.items()} | records)

        yield append


def _records(counts: np.ndarray, values: Mapping[str, np.ndarray]) -> Any:
    """Objects as lists of records, which have one branch of counts in a tree."""
    ak = extra("awkward")
    return ak.unflatten(ak.zip({name: np.ascontiguousarray(of) for name, of in values.items()}), counts)


SILENT = (".csv",)  # formats that cannot store the process
FORMATS: dict[str, Callable[[Path, Process], AbstractContextManager[Append]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".npz": _numpy,
    ".root": _root,
}
