"""Writing of events to files of any supported format."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from mizoo.datasets.disk import naming, settle
from mizoo.datasets.events import Events
from mizoo.datasets.formats import FORMATS, SILENT, Append, Arrays
from mizoo.datasets.integrity import line, sidecar
from mizoo.datasets.lock import sole_writer
from mizoo.datasets.padding import padding_faults, without_nan
from mizoo.datasets.readers.process_metadata import needed, text
from mizoo.datasets.readers.process_metadata import sidecar as process_sidecar
from mizoo.datasets.readers.tables import EVENT, SAMPLE, WEIGHTS
from mizoo.datasets.samples import Samples
from mizoo.physics.process import Process

_UNPROTECTED = (".parquet", ".csv", ".root")  # formats without checksums of all their content


def write(
    path: str | Path,
    events: Samples | Arrays,
    process: Process | None = None,
    overwrite: bool = True,
) -> None:
    """Write events for `mizoo.datasets.read`, atomically and in the format of the suffix.

    Formats are Parquet, CSV, HDF5 (`.h5`, `.hdf5`), NumPy (`.npz`) and ROOT (a tree `events`). Reading
    verifies the checksums of the format, and those in `NAME.sha256` beside Parquet, CSV and ROOT files, see
    `mizoo.datasets.integrity`. Files state the process of their events, CSV files in `NAME.process.json`
    beside them, see `mizoo.datasets.readers.process_metadata`.

    Args:
        path: path of the file.
        events: `Events`, or a dictionary of arrays (n, columns) in GeV by space, and `weights` (n,) if any;
            `event` and `sample` (n,), integers, are the indices of the event and of its draw.
        process: process of the events; not needed for `Events`.
        overwrite: whether to replace an existing file.

    Raises:
        ValueError: for another suffix; for no events; for arrays of a wrong shape, of different lengths,
            not of real numbers or with a value that is not finite; for objects of a variable number that
            are out of order or have wrong features; for `Events` of another process; for arrays without a
            process.
        ImportError: if the format needs the extra `hep`.
        OSError: if the file cannot be written, such as `FileExistsError`, or `BlockingIOError` while
            another process writes it; it names the file, and leaves nothing behind.
    """
    own = events.process if isinstance(events, Events) else None
    if own is not None and process is not None and own != process:
        raise ValueError(f"{path}: the events are of {own.name}, not of {process.name}")
    arrays = events.arrays() | weights(events) if isinstance(events, Samples) else events
    with writer(path, needed(own or process, path), overwrite) as append:
        append(arrays)


def weights(events: Samples) -> dict[str, np.ndarray]:
    """The weights of events by their name in files; empty if there are none."""
    return {} if events.weights is None else {WEIGHTS: events.weights}


def write_arrays(path: str | Path, arrays: Arrays) -> None:
    """Write plain arrays by name to an `.npz`, atomically."""
    path, content = Path(path), cast("dict[str, Any]", dict(arrays))
    unfinished = path.with_name(f".{path.stem}.part.npz")
    try:
        with naming(path):
            np.savez(unfinished, **content)
            settle(unfinished)
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def writer(path: str | Path, process: Process, overwrite: bool = True) -> Iterator[Append]:
    """Context that yields a function to append events to a file, which appears at the end; see `write`."""
    check_target(path, overwrite)
    with sole_writer(path), appending(path, process, overwrite) as append:
        yield append


def check_target(path: str | Path, overwrite: bool) -> None:
    """Check that a file can be written.

    Raises:
        ValueError: for an unknown suffix.
        OSError: `FileExistsError`, unless it may be overwritten; `IsADirectoryError`; `FileNotFoundError`
            or `NotADirectoryError`, for its folder.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: cannot write this format; known are {', '.join(FORMATS)}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file")
    folder = path.resolve().parent
    if not folder.exists():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {folder} is no folder")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{path} exists: choose another name, or replace it with --overwrite (overwrite=True)"
        )


def scratch(path: str | Path) -> list[Path]:
    """All files that writing a file touches: the file, its sidecars, and their unfinished versions."""
    target = Path(path).resolve()
    unfinished = target.with_name(f".{target.stem}.part{target.suffix}")
    return [place(one) for one in (target, unfinished) for place in (Path, sidecar, process_sidecar)]


@contextmanager
def appending(path: str | Path, process: Process, overwrite: bool) -> Iterator[Append]:
    """`writer` for callers that already hold the lock of the file."""
    target, beside, described, unfinished, beside_unfinished, described_unfinished = scratch(path)
    count = 0
    former: dict[str, np.dtype] = {}

    def checked(arrays: Arrays) -> None:
        nonlocal count, former
        arrays = _checked(arrays, process, path)
        types = {name: array.dtype for name, array in arrays.items()}
        if former and types != former:
            what, before = (", ".join(f"{t} {n}" for n, t in parts.items()) for parts in (types, former))
            raise ValueError(f"{path}: these events have {what}, those before them {before}")
        length = len(next(iter(arrays.values())))
        if length:
            former = types
            count += length
            with naming(path):
                append(arrays)

    try:
        with ExitStack() as stack:
            with naming(path):
                append = stack.enter_context(FORMATS[target.suffix](unfinished, process))
            try:
                yield checked
                if not count:
                    raise ValueError(f"{path}: no events to write")
            except BaseException as error:
                with suppress(Exception):  # the file is discarded
                    stack.__exit__(type(error), error, error.__traceback__)
                raise
            with naming(path):
                stack.close()
        check_target(path, overwrite)  # again, as drawing the events may have taken hours
        with naming(path):
            settle(unfinished)
            renewed = target.suffix in _UNPROTECTED or beside.exists()
            if renewed:
                beside_unfinished.write_text(line(unfinished, target.name))
                settle(beside_unfinished)
            if target.suffix in SILENT:
                described_unfinished.write_text(text(process))
                settle(described_unfinished)
            # In this order, an interruption never leaves a sidecar of another file.
            others = ((beside_unfinished, beside), (described_unfinished, described))
            for new, former_one in others:
                if not (
                    new.exists() and former_one.exists() and new.read_bytes() == former_one.read_bytes()
                ):
                    former_one.unlink(missing_ok=True)
            unfinished.replace(target)
            for new, former_one in others:
                if new.exists():
                    new.replace(former_one)
    finally:
        for rest in (unfinished, beside_unfinished, described_unfinished):
            rest.unlink(missing_ok=True)


def _checked(arrays: Arrays, process: Process, path: str | Path) -> dict[str, np.ndarray]:
    """Arrays in the order of files, checked by the process and converted to float32 or float64."""
    if not isinstance(arrays, Mapping):
        raise ValueError(f"{path}: events or arrays by space are needed, got {type(arrays).__name__}")
    if unknown := set(arrays) - {EVENT, SAMPLE, "x", "z", WEIGHTS}:
        known = f"x, z and weights, or {EVENT} and {SAMPLE}"
        raise ValueError(f"{path}: arrays must be named {known}, got {', '.join(sorted(unknown))}")
    checked = {}
    for name in (EVENT, SAMPLE, "x", "z", WEIGHTS):
        if name in arrays:
            try:
                if name in (EVENT, SAMPLE):
                    checked[name] = _numbers(arrays[name])
                elif name == WEIGHTS:
                    checked[name] = _array(arrays[name], None)
                else:
                    checked[name] = _space(arrays[name], process, name)
            except ValueError as error:
                raise ValueError(f"{path}: {name} of {process.name}: {error}") from None
    if not checked.keys() & {"x", "z"}:
        raise ValueError(f"{path}: no events to write: x, z or both are needed")
    if len({len(array) for array in checked.values()}) > 1:
        lengths = ", ".join(f"{len(array)} {name}" for name, array in checked.items())
        raise ValueError(f"{path}: arrays must be of the same events, got {lengths}")
    return checked


def _space(given: np.ndarray | pd.DataFrame, process: Process, space: str) -> np.ndarray:
    """An array (n, columns) of events; a DataFrame may have NaN for objects that an event lacks."""
    names = process.columns(space)
    if isinstance(given, pd.DataFrame) and list(given) == names and space == "x" and process.optional:
        given = pd.DataFrame(without_nan(given.to_numpy(), process), columns=names)
    array = _array(given, names)
    # Written without the objects that they lack, wrong events would come back as others.
    if space == "x" and (found := padding_faults(array, process)):
        raise ValueError(f"{found[min(found)]} in event {min(found)}")
    return array


def _numbers(given: np.ndarray) -> np.ndarray:
    """An array (n,) of integers of 0 or more."""
    array = np.asarray(given)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.astype("int64") < 0).any():
        raise ValueError(
            f"(n,) whole numbers of 0 or more are needed, got {array.dtype} of shape {array.shape}"
        )
    return array.astype("int64", copy=False)


def _array(given: np.ndarray | pd.DataFrame, names: list[str] | None) -> np.ndarray:
    """An array (n, names), or (n,) without names, of finite floating-point numbers."""
    if names is not None and isinstance(given, pd.DataFrame) and list(given) != names:
        raise ValueError(f"columns must be {', '.join(names)}, got {', '.join(map(str, given))}")
    if np.ma.is_masked(given):
        raise ValueError("values are masked")
    array = np.asarray(given)
    expected = "(n,)" if names is None else f"(n, {len(names)}), px py pz E of each object"
    if array.ndim != (1 if names is None else 2) or (names is not None and array.shape[1] != len(names)):
        raise ValueError(f"the shape must be {expected}, got {array.shape}")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"values must be real numbers, got {array.dtype}")
    array = array.astype("float32" if array.dtype == np.float32 else "float64", copy=False)
    if not np.isfinite(array).all():
        event, *column = np.argwhere(~np.isfinite(array))[0]
        what = names[column[0]] if names else "it"
        raise ValueError(f"{what} is {array[event, *column]} (not finite) in event {event}")
    return array
