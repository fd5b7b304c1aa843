"""Arrays of NumPy files, `.npz` and `.npy`, with headers checked against the size of the file."""

import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from mizoo.datasets.readers.damage import named
from mizoo.datasets.readers.limits import MAX_BYTES, check_bytes

PROCESS = "process"  # array of an `.npz` with the description of a process
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def load(path: str | Path, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray] | np.ndarray:
    """Load all arrays of an `.npz` by name, or the array of an `.npy`, which is memory-mapped.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no NumPy file, is damaged, has objects, or takes more than `max_bytes`; it
            names the file.
    """
    with named(path):
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: no such file")
        if zipfile.is_zipfile(path):
            return _members(path, max_bytes)
        with open(path, "rb") as file:
            if file.read(6) != b"\x93NUMPY":
                raise ValueError("no NumPy file of plain arrays, or cut short")
            file.seek(0)
            _header(file, "the array")
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return array


def member(path: str | Path, name: str, max_bytes: int = MAX_BYTES) -> np.ndarray | None:
    """One array of an `.npz`; None if there is none of this name, or the file is no `.npz`.

    Raises:
        ValueError: if the file is damaged, or the array has objects or more than `max_bytes`.
    """
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as file:
        if f"{name}.npy" not in file.namelist():
            return None
        check_bytes(file.getinfo(f"{name}.npy").file_size, max_bytes, f"array {name}")
    with np.load(path, allow_pickle=False) as content:
        return np.asarray(content[name])


def _members(path: str | Path, max_bytes: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as file:
        infos = file.infolist()
        check_bytes(sum(info.file_size for info in infos), max_bytes, "what it holds")
        names = [info.filename.removesuffix(".npy") for info in infos]
        if len(set(names)) < len(names):
            raise ValueError("it has two arrays of one name")
        for name, info in zip(names, infos, strict=True):
            with file.open(info) as member:
                shape, dtype = _header(member, f"array {name}")
                needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
                if needed != info.file_size - member.tell():
                    raise ValueError(f"array {name} is damaged: {dtype} {shape} is not what it holds")
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def _header(file: IO[bytes], what: str) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    if version not in _READERS:
        raise ValueError(f"{what} has names or a format that is not of plain arrays")
    shape, _, dtype = _READERS[version](file)
    if dtype.hasobject:
        raise ValueError(f"{what} holds Python objects: no NumPy file of plain arrays")
    return shape, dtype
