"""Writers of event files: one context per format, which yields a function that appends checked arrays.

Each writes the process of its events and the checksums of its format, which are verified on reading, see
`mizoo.datasets.integrity`.
"""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from io import BufferedRandom
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import h5py
import numpy as np
import pandas as pd

from mizoo.core.optional import extra
from mizoo.datasets.readers.numpy_files import PROCESS
from mizoo.datasets.readers.process_metadata import KEY, text
from mizoo.datasets.readers.tables import EVENT, HDF5_NAMES, SAMPLE, TREE, WEIGHT, WEIGHTS, columns
from mizoo.physics.process import Process

_PIECE = 2**20  # bytes copied at once

Arrays = Mapping[str, np.ndarray]  # by name in files
Append = Callable[[Arrays], None]


def _frame(arrays: Arrays, process: Process) -> pd.DataFrame:
    """All components as columns of one table."""
    single = {WEIGHTS: [WEIGHT], EVENT: [EVENT], SAMPLE: [SAMPLE]}
    parts = [
        pd.DataFrame(array, columns=single.get(name) or columns(process, name))
        for name, array in arrays.items()
    ]
    return pd.concat(parts, axis=1)


@contextmanager
def _parquet(path: Path, process: Process) -> Iterator[Append]:
    arrow, parquet = extra("pyarrow"), extra("pyarrow.parquet")
    file = None

    def append(arrays: Arrays) -> None:
        nonlocal file
        table = arrow.Table.from_pandas(_frame(arrays, process), preserve_index=False)
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
                for key, array in arrays.items():
                    if (name := HDF5_NAMES.get(key, key)) not in file:
                        shape = (None, *array.shape[1:])
                        file.create_dataset(name, data=array, maxshape=shape, chunks=True, fletcher32=True)
                        continue
                    file[name].resize(len(file[name]) + len(array), axis=0)
                    file[name][-len(array) :] = array
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
    count = 0
    with ExitStack() as stack:

        def append(arrays: Arrays) -> None:
            nonlocal count
            for key, array in arrays.items():
                if key not in waiting:
                    waiting[key] = stack.enter_context(TemporaryFile(dir=path.parent))
                    headers[key] = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(array))
                waiting[key].write(np.ascontiguousarray(array).data)
            count += len(array)

        yield append
        with zipfile.ZipFile(path, "w") as file:
            for key, content in waiting.items():
                content.seek(0)
                with file.open(f"{key}.npy", "w", force_zip64=True) as member:
                    shape = (count, *headers[key]["shape"][1:])
                    np.lib.format.write_array_header_1_0(member, {**headers[key], "shape": shape})
                    shutil.copyfileobj(content, member, _PIECE)
            with file.open(f"{PROCESS}.npy", "w") as member:
                np.lib.format.write_array(member, np.array(text(process)), version=(1, 0))


@contextmanager
def _root(path: Path, process: Process) -> Iterator[Append]:
    with extra("uproot").recreate(path) as file:
        file[PROCESS] = text(process)

        def append(arrays: Arrays) -> None:
            frame = _frame(arrays, process)
            if TREE not in file:
                file.mktree(TREE, dict(frame.dtypes))
            file[TREE].extend({name: column.to_numpy() for name, column in frame.items()})

        yield append


SILENT = (".csv",)  # formats that cannot store the process
FORMATS: dict[str, Callable[[Path, Process], AbstractContextManager[Append]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".npz": _numpy,
    ".root": _root,
}
