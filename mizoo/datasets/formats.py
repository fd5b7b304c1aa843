"""Files of events being written: one context per format, with a function that appends checked arrays.

Each says which process its events are of, and writes the checksums that its format has: they are verified
on reading, see `mizoo.datasets.integrity`.
"""

import os
import shutil
import zipfile
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import IO

import h5py
import numpy as np
import pandas as pd

from mizoo.core.optional import extra
from mizoo.datasets.readers.numpy_files import PROCESS
from mizoo.datasets.readers.process_metadata import KEY, text
from mizoo.datasets.readers.tables import EVENT, HDF5_NAMES, SAMPLE, TREE, WEIGHT, WEIGHTS, columns

_PIECE = 2**20  # bytes that are copied at once


def _frame(arrays, process):
    """All components as columns of one table."""
    single = {WEIGHTS: [WEIGHT], EVENT: [EVENT], SAMPLE: [SAMPLE]}
    parts = [
        pd.DataFrame(array, columns=single.get(name) or columns(process, name))
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
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: text(process)})
        file = file or parquet.ParquetWriter(path, table.schema, write_page_checksum=True)
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
    with open(path, "w+b") as opened:
        disk = _Disk(opened)
        # From HDF5 1.10 on metadata have checksums, too, which `fletcher32` gives the data only.
        with h5py.File(disk, "w", libver=("v110", "v110")) as file:
            file.attrs[KEY] = text(process)

            def append(arrays):
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
    """The file below HDF5, which never hears of an error.

    Data that the library cannot write stay in its caches, and closing the file fails as well: the process
    then ends with a segmentation fault. Here the first error is kept for `check`, and from there on nothing
    is written.

    Args:
        file: open for reading and writing, in binary mode.
    """

    def __init__(self, file):
        self._file = file
        self._error = None
        self._place = self._end = 0

    def check(self):
        """Raise the first error there was, if any."""
        if self._error is not None:
            raise self._error

    def seek(self, offset, whence=os.SEEK_SET):
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._end}[whence]
        return self._place

    def tell(self):
        return self._place

    def write(self, data):
        self._try(lambda: (self._file.seek(self._place), self._file.write(data)))
        self._place += len(data)
        self._end = max(self._end, self._place)
        return len(data)

    def readinto(self, buffer):
        self._try(lambda: (self._file.seek(self._place), self._file.readinto(buffer)))
        self._place += len(buffer)
        return len(buffer)

    def read(self, size):
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def truncate(self, size):
        self._try(lambda: self._file.truncate(size))
        self._end = size
        return size

    def flush(self):
        self._try(self._file.flush)

    def _try(self, action):
        if self._error is None:
            try:
                action()
            except OSError as error:
                self._error = error


@contextmanager
def _numpy(path, process):
    # The length of an array stands before it, and is not known yet: until then it has a file of its own.
    waiting: dict[str, IO[bytes]] = {}
    headers: dict[str, dict] = {}
    count = 0
    with ExitStack() as stack:

        def append(arrays):
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
def _root(path, process):
    with extra("uproot").recreate(path) as file:
        file[PROCESS] = text(process)

        def append(arrays):
            frame = _frame(arrays, process)
            if TREE not in file:
                file.mktree(TREE, dict(frame.dtypes))
            file[TREE].extend({name: column.to_numpy() for name, column in frame.items()})

        yield append


SILENT = (".csv",)  # formats that have no place for the process
FORMATS = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".npz": _numpy,
    ".root": _root,
}
