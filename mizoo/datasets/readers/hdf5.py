"""Data sets of HDF5 files, checked for values that are missing or were never stored."""

from pathlib import Path

import h5py
import numpy as np

from mizoo.datasets.readers.limits import check_bytes

Values = np.ndarray | h5py.Dataset  # in memory, or in a file


def opened(path: str | Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no HDF5 file, or is truncated.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return h5py.File(path)
    except OSError as error:
        raise ValueError(f"not an HDF5 file, or cut short ({error})") from error


def data_set(file: h5py.File, name: str, max_bytes: int) -> h5py.Dataset:
    """A data set by its name, or the only one in the group of this name.

    Raises:
        ValueError: if it is a link or a view of missing data, has values that were never stored, or is
            stored in pieces of more than `max_bytes`; it names the data set.
    """
    found = _object(file, name)
    if isinstance(found, h5py.Group):
        inner = [_object(found, key) for key in found]
        inner = [value for value in inner if isinstance(value, h5py.Dataset)]
        if len(inner) != 1:
            raise ValueError(f"group {name} must hold one data set, has {len(inner)}")
        found = inner[0]
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise ValueError(f"{name} is not a data set with values")
    if found.is_virtual:
        _check_virtual(file, found, name)
    elif found.external:
        _check_raw(found, name)
    elif found.size:
        _check_stored(found, name)
    if found.chunks:
        check_bytes(_bytes(found.chunks, found), max_bytes, f"a piece that {name} is stored in")
    return found


def _object(group: h5py.Group, name: str) -> h5py.HLObject:
    link = group.get(name, getlink=True)
    try:
        return group[name]
    except (KeyError, OSError, RuntimeError) as error:
        where = "cannot be opened"
        if isinstance(link, h5py.ExternalLink):
            where = f"is a link to {link.path} in {link.filename}, which cannot be opened"
        elif isinstance(link, h5py.SoftLink):
            where = f"is a link to {link.path}, which leads nowhere"
        raise ValueError(f"{name} {where}") from error


def _check_virtual(file: h5py.File, found: h5py.Dataset, name: str) -> None:
    """Check the sources of a virtual data set, as HDF5 silently gives fill values for missing ones."""
    covered = 0
    for source in found.virtual_sources():
        where = f"{source.dset_name} of {source.file_name}"
        if "%" in source.file_name + source.dset_name or source.vspace.get_select_npoints() < 0:
            raise ValueError(
                f"{name} is made of {where} by a pattern, which is not read: copy it to one file"
            )
        covered += source.vspace.get_select_npoints()
        beside = Path(file.filename).parent / source.file_name
        if source.file_name == ".":
            beside = Path(file.filename)
        elif not beside.is_file():
            beside = Path(source.file_name)
        try:
            with h5py.File(beside) as other:
                part = other[source.dset_name]
                _check_source(other, part, source.src_space, source.vspace, where)
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(f"{name} is made of {where}, which is missing or incomplete") from error
    if covered != found.size:
        raise ValueError(f"{name} has {found.size - covered} values that no other data set gives")


def _check_source(
    other: h5py.File, part: h5py.Dataset, used: h5py.h5s.SpaceID, filled: h5py.h5s.SpaceID, where: str
) -> None:
    if used.get_select_type() == h5py.h5s.SEL_ALL:
        whole = part.size == filled.get_select_npoints()
    else:
        _, last = used.get_select_bounds()
        whole = len(last) == part.ndim and all(n < k for n, k in zip(last, part.shape, strict=True))
    if not whole:
        raise ValueError(f"{where} has shape {part.shape}")
    if part.is_virtual:
        _check_virtual(other, part, where)
    elif part.external:
        _check_raw(part, where)
    elif part.size:
        _check_stored(part, where)


def _check_raw(found: h5py.Dataset, name: str) -> None:
    for raw, offset, size in found.external:
        path = Path(raw)  # relative to the current folder, as in HDF5
        if not path.is_file() or (size != h5py.h5f.UNLIMITED and path.stat().st_size < offset + size):
            raise ValueError(f"{name} is stored in {raw}, which is missing or cut short")


def _check_stored(found: h5py.Dataset, name: str) -> None:
    if found.chunks is None:
        if found.id.get_storage_size() == 0:
            raise ValueError(f"{name} has shape {found.shape} and no values: nothing was stored")
        return
    pieces = np.prod([-(-n // k) for n, k in zip(found.shape, found.chunks, strict=True)], dtype=object)
    if (there := found.id.get_num_chunks()) < pieces:
        raise ValueError(
            f"{name} has shape {found.shape}, but only {there} of its {pieces} pieces were stored"
        )


def _bytes(shape: tuple[int, ...], found: h5py.Dataset) -> int:
    each: int = found.dtype.itemsize
    return int(np.prod(shape, dtype=object)) * each
