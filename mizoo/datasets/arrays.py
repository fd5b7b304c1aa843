"""Arrays from a user's own files."""

from pathlib import Path

import numpy as np

from mizoo.datasets.images import read_images
from mizoo.datasets.integrity import verify
from mizoo.datasets.plain_tables import is_table, read_table
from mizoo.datasets.readers.damage import named
from mizoo.datasets.readers.limits import MAX_BYTES, check_bytes
from mizoo.datasets.readers.numpy_files import PROCESS, load
from mizoo.datasets.readers.tables import EVENT, SAMPLE
from mizoo.datasets.samples import Samples
from mizoo.datasets.weights import WEIGHTS, weight_name

_Arrays = dict[str, np.ndarray]


def read_arrays(*paths: str | Path, paired: bool = True, max_bytes: int = MAX_BYTES) -> Samples:
    """Read x, z or both, and their condition c, from NumPy files, tables and folders of images.

    NumPy files are `.npz` with arrays of these names, or one array, which is x. An array `weights` or
    `weight` has the weights of the rows. Arrays (n, H, W) are read as images of one channel, (n, H, W, 1).
    Of Parquet and CSV files (`.parquet`, `.csv`, `.csv.gz`), x are all columns of numbers, see
    `mizoo.datasets.plain_tables`. Folders have images as PNG or JPEG, see `mizoo.datasets.images`.

    Files with the same arrays are concatenated; then files with x and files with z are paired row by row.

    Args:
        paired: whether rows of x and z belong together; if not, their numbers may differ.
        max_bytes: largest memory for the arrays, in bytes.

    Raises:
        FileNotFoundError: if a file does not exist.
        ImportError: without pyarrow, for Parquet files.
        ValueError: for files of another format, or arrays that are no samples or do not fit together; it
            names the file.
    """
    if not paths:
        raise ValueError("nothing to read: give a file")
    files = [_arrays(path, paired, max_bytes) for path in paths]
    named_all = " and ".join(map(str, paths))
    check_bytes(
        sum(a.nbytes for arrays in files for a in arrays.values()), max_bytes, f"{named_all}: together"
    )
    groups: dict[tuple[str, ...], list[tuple[str, _Arrays]]] = {}
    for path, arrays in zip(paths, files, strict=True):
        groups.setdefault(tuple(s for s in "xzc" if s in arrays), []).append((str(path), arrays))
    spaces_of = sorted(space for kind in groups for space in kind)
    if len(set(spaces_of)) < len(spaces_of):
        described = " and ".join(
            f"{group[0][0]} has {' and '.join(kind)}" for kind, group in groups.items()
        )
        raise ValueError(f"{described}: give files with the same arrays, or x and z in separate files")
    joined = [_one_after_another(group) for group in groups.values()]
    weights = [arrays.pop(WEIGHTS) for arrays in joined if WEIGHTS in arrays]
    if len(weights) > 1 and not np.array_equal(weights[0], weights[1]):
        raise ValueError(f"{named_all} have different weights: one weight per row is expected")
    with named(named_all):
        spaces = {space: array for arrays in joined for space, array in arrays.items()}
        return Samples(
            spaces.get("x"),
            spaces.get("z"),
            c=spaces.get("c"),
            paired=paired,
            weights=weights[0] if weights else None,
        )


def _content(path: str | Path, max_bytes: int) -> _Arrays | np.ndarray:
    if Path(path).is_dir():
        return read_images(path, max_bytes)
    return read_table(path, max_bytes) if is_table(path) else load(path, max_bytes)


def _arrays(path: str | Path, paired: bool, max_bytes: int) -> _Arrays:
    """Arrays x and z, and weights if there are any, of one file or folder."""
    with named(path):
        content = _content(path, max_bytes)
        verify(path)
        arrays = {"x": content} if isinstance(content, np.ndarray) else content
        weights = arrays.pop(name) if (name := weight_name(arrays, str(path))) else None
        if arrays.keys() & {"x", "z"}:  # other arrays that mizoo writes
            arrays = {key: a for key, a in arrays.items() if key not in (PROCESS, EVENT, SAMPLE)}
        if len(arrays) == 1:
            arrays = {key if key in ("x", "z", "c") else "x": array for key, array in arrays.items()}
        if unknown := set(arrays) - {"x", "z", "c"}:
            raise ValueError(f"arrays must be named x, z and weights, got {', '.join(sorted(unknown))}")
        if not arrays:
            raise ValueError("it has neither x nor z")
        for space, array in arrays.items():
            _check_numbers(array, space, "fiub")
            arrays[space] = array[..., None] if array.ndim == 3 else array
        if paired and "x" in arrays and "z" in arrays and len(arrays["x"]) != len(arrays["z"]):
            raise ValueError(f"x and z must be pairs, got {len(arrays['x'])} x and {len(arrays['z'])} z")
        if weights is not None:
            _check_numbers(weights, WEIGHTS, "fiu")
            rows = len(next(iter(arrays.values())))
            if weights.shape not in ((rows,), (rows, 1)):
                raise ValueError(f"weights must be one per row, ({rows},), got {weights.shape}")
            arrays[WEIGHTS] = weights.reshape(-1)
        return arrays


def _check_numbers(array: np.ndarray, name: str, kinds: str) -> None:
    if array.ndim == 0:
        raise ValueError(f"{name} must have shape (n, …), is a single value")
    if array.dtype.kind not in kinds:
        what = f"records of {', '.join(array.dtype.names)}" if array.dtype.names else str(array.dtype)
        raise ValueError(f"could not convert {name} to real numbers: it has {what[:80]}")


def _one_after_another(group: list[tuple[str, _Arrays]]) -> _Arrays:
    """Concatenate the arrays of files with the same spaces."""
    first, expected = group[0]
    for path, arrays in group:
        if set(arrays) != set(expected):
            having, lacking = (path, first) if WEIGHTS in arrays else (first, path)
            raise ValueError(f"{having} has weights and {lacking} has none: both or neither must")
        for name, array in arrays.items():
            if array.shape[1:] != expected[name].shape[1:]:
                shapes = f"{expected[name].shape[1:]} and {array.shape[1:]}"
                raise ValueError(f"{first} and {path}: rows of {name} have different shapes, {shapes}")
    return {name: np.concatenate([arrays[name] for _, arrays in group]) for name in expected}
