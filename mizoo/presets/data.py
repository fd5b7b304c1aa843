"""The data of a run, from the user's files or a demonstration, and their split.

The last tenth of the events of files is for tests, and the tenth before it for validation. The
`config.json` of a run records its data under `data`: names, paths and checksums of the files or the name of
the demonstration, the number of events and their shapes. The same split can thus be made again.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mizoo.datasets import Events, Samples, Split, read, read_arrays
from mizoo.datasets.integrity import checksum
from mizoo.datasets.plain_tables import is_plain, is_table
from mizoo.datasets.readers.columns import Columns
from mizoo.datasets.readers.limits import MAX_BYTES
from mizoo.datasets.readers.sources import opened
from mizoo.physics import library
from mizoo.physics.process import Process
from mizoo.presets import PRESETS
from mizoo.presets.registry import DEMONSTRATIONS, Preset

_ARRAYS = (".npz", ".npy")
_NO_BAD_ROWS = "skip_bad leaves out bad events of files, no rows of arrays"


class UnusedData(UserWarning):
    """Warns of arrays of a file that a model does not use."""


def are_arrays(paths: Sequence[str | Path]) -> bool:
    """Whether files hold plain arrays: NumPy files, tables without momenta, and folders of images.

    Otherwise they hold events. NumPy files and tables may be read as events, too.

    Raises:
        ValueError: for files of both kinds, with the first of each, or for a repeated file.
    """
    places = [Path(path).resolve() for path in paths]
    if twice := [str(path) for path, place in zip(paths, places, strict=True) if places.count(place) > 1]:
        raise ValueError(f"{twice[-1]} is given twice: its events would count twice")
    kinds: dict[bool, str] = {}
    for path in paths:
        arrays = Path(path).suffix.lower() in _ARRAYS or Path(path).is_dir() or is_plain(path)
        kinds.setdefault(arrays, str(path))
    if len(kinds) > 1:
        raise ValueError(
            f"{kinds[True]} has arrays and {kinds[False]} has events: give files of one kind, not of both"
        )
    return True in kinds


def read_data(
    paths: Sequence[str | Path],
    process: Process | None = None,
    columns: Columns | Mapping[str, Any] | str | Path | None = None,
    arrays: bool | None = None,
    skip_bad: bool = False,
    paired: bool = True,
) -> Samples:
    """Read all files of one kind: plain arrays, or events of a process.

    Args:
        paths: paths of the files.
        process: the process of the events; by default the one that the files name.
        columns: names of columns, see `mizoo.datasets.read`.
        arrays: whether they are plain arrays. If None, NumPy files, folders, and tables without momenta
            are, unless they name their process, or it or `columns` are given.
        skip_bad: whether to leave out bad events.
        paired: whether rows of plain arrays x and z belong together.

    Raises:
        FileNotFoundError, ValueError: as `read` and `read_arrays` raise, for a mixture of kinds, and for
            `skip_bad` with arrays.
    """
    plain = are_arrays(paths)
    if arrays and not plain:
        raise ValueError(f"{paths[0]} is no file of arrays, which this model takes: give them as .npz")
    named = process is not None or (columns is not None and is_table(paths[0]))
    if plain and (arrays or (arrays is None and not named and _says(paths[0]) is None)):
        if skip_bad:
            raise ValueError(f"{paths[0]}: {_NO_BAD_ROWS}")
        if columns is not None:
            raise ValueError(f"{paths[0]}: columns are of files of events, and these are arrays")
        return read_arrays(*paths, paired=paired)
    return read(*paths, process=process, columns=columns, skip_bad=skip_bad)


def read_to_compare(
    truth: str | Path, made: str | Path, process: Process | None = None, skip_bad: bool = False
) -> tuple[Samples, Samples]:
    """Read two files to compare: of events of one process, or of plain arrays.

    Args:
        truth, made: paths of the files.
        process: the process of the events; by default the one that one of the files names.
        skip_bad: whether to leave out bad events.

    Raises:
        FileNotFoundError, ValueError: as `read_data` raises.
    """
    if process is None:
        process = next((found for path in (truth, made) if (found := _says(path))), None)
    true, other = (read_data([path], process, skip_bad=skip_bad) for path in (truth, made))
    return true, other


def _says(path: str | Path) -> Process | None:
    """The process that a file names, if it does."""
    return None if Path(path).is_dir() else opened(path, None, MAX_BYTES).process


def split_of(samples: Samples) -> Split:
    """Data for training, validation and tests, in this order: the last two are a tenth each.

    Raises:
        ValueError: if there are fewer than 10 events.
    """
    if len(samples) < 10:
        raise ValueError(f"training needs at least 10 events, got {len(samples)}")

    def cut(array: np.ndarray, first: int, last: int) -> np.ndarray:
        """Rows from one tenth to another, counted from the end; unpaired spaces differ in their tenths."""
        tenth = len(array) // 10
        return array[len(array) - first * tenth if first else 0 : len(array) - last * tenth]

    def part(first: int, last: int) -> Samples:
        parts: dict[str, Any] = {
            space: cut(array, first, last) for space, array in samples.arrays().items()
        }
        weights = None if samples.weights is None else cut(samples.weights, first, last)
        return replace(samples, **parts, weights=weights)

    return Split(part(0, 2), part(2, 1), part(1, 0))


def training_data(
    name: str,
    paths: Sequence[str | Path] = (),
    process: Process | None = None,
    columns: Columns | Mapping[str, Any] | str | Path | None = None,
    skip_bad: bool = False,
) -> tuple[Split, dict[str, Any], dict[str, Any]]:
    """Data for a preset, from files or packaged.

    Args:
        name: name of the preset.
        paths: paths of files of one kind: of plain arrays, see `mizoo.datasets.read_arrays`, or of events.
        process: the process of the events; by default the one that the files name.
        columns: names of columns of the files, see `mizoo.datasets.read`.
        skip_bad: whether to leave out bad events.

    Returns:
        The data, the arguments of the preset that describe them, and the record of the data for
            `config.json`.

    Raises:
        FileNotFoundError, ValueError: as `read_data` does, for fewer than 10 events, for data that the
            preset cannot take, or for a process without events.
    """
    preset = PRESETS[name]
    if not paths:
        for option, given in (("skip_bad (--skip-bad)", skip_bad), ("columns (--columns)", columns)):
            if given:
                raise ValueError(f"{option} needs files of events as data (--data)")
        return _packaged(preset, process)
    paired = preset.data != "unpaired"
    samples = read_data(paths, process, columns, skip_bad=skip_bad, paired=paired)
    if not preset.takes_shapes and not isinstance(samples, Events):
        raise ValueError(f"{paths[0]}: {name} takes events: say of which process (--process)")
    try:
        split = preset.prepare(split_of(samples))
    except ValueError as error:
        raise ValueError(f"{' and '.join(map(str, paths))}: {error}") from error
    tell_unused(name, samples, split.train, paths)
    own = split.train.arrays()
    files = [
        {"name": Path(path).name, "path": str(Path(path).resolve()), "sha256": checksum(path)}
        for path in paths
    ]
    of = samples.process.to_dict() if isinstance(samples, Events) else None
    content = {"files": files, "skip_bad": skip_bad, "process": of, "columns": _plain(columns)}
    content |= {} if samples.paired else {"paired": False}
    options: dict[str, Any]  # a flow of x alone knows no process
    if of and preset.takes_process and not (preset.data == "x or pairs" and "z" not in own):
        options = {"process": of}
    else:
        options = {space: [*array.shape[1:]] for space, array in own.items() if space != "c"}
    if "c" in own:
        options["condition"] = _condition(own["c"])
    return split, options, {**content, **_sizes(split.train, len(samples))}


def _condition(c: np.ndarray) -> int | list[int]:
    """Argument `condition` of a preset: a number of classes, if c has all of 0, 1, …; else a shape."""
    labels = np.unique(c)
    if c.shape[1:] == (1,) and len(labels) > 1 and np.array_equal(labels, np.arange(len(labels))):
        return len(labels)
    return [*c.shape[1:]]


def _packaged(preset: Preset, process: Process | None) -> tuple[Split, dict[str, Any], dict[str, Any]]:
    """Data, arguments and record of a packaged data set: that of the process, or the demonstration."""
    options: dict[str, Any] = {}
    dataset = preset.dataset
    if process is not None:
        if not preset.takes_process:
            raise ValueError(f"{preset.name} takes no process (--process)")
        packaged = process.name in DEMONSTRATIONS and process.name in library.names()
        if not packaged or process != library.get(process.name):
            raise ValueError(f"{process.name} has no packaged events: give files of them as data (--data)")
        options, dataset = {"process": process.name}, process.name
    split = preset.prepare(DEMONSTRATIONS[dataset]())
    return split, options, {"demonstration": dataset, **_sizes(split.train, _count(split))}


def _plain(columns: Columns | Mapping[str, Any] | str | Path | None) -> dict[str, Any] | None:
    """A mapping of columns as plain data for the record, without the path of a file."""
    return None if columns is None else Columns.of(columns).model_dump(mode="json", exclude_defaults=True)


def tell_unused(name: str, samples: Samples, used: Samples, paths: Iterable[str | Path]) -> None:
    """Warn of arrays that a model does not use."""
    for space in samples.arrays().keys() - used.arrays().keys():
        files = " and ".join(map(str, paths))
        warnings.warn(f"{files}: {space} is not used, {name} takes x alone", UnusedData, 3)


def same_files(record: dict[str, Any], paths: Sequence[str | Path]) -> bool:
    """Whether files are those of a record, wherever they are now.

    Raises:
        FileNotFoundError: if a file does not exist.
        ValueError: if only some are, as a model has seen most of their events; or for a mixture of kinds.
    """
    are_arrays(paths)
    for path in paths:
        if not Path(path).exists():
            raise FileNotFoundError(f"{path}: no such file")
    known = [file["sha256"] for file in record.get("files", ())]
    found = {str(path): checksum(path) for path in paths}
    seen = [path for path, digest in found.items() if digest in known]
    if seen and list(found.values()) != known:
        raise ValueError(
            f"{seen[0]} is one of the {len(known)} files that the model was trained on: give all of them "
            "and no others, in the same order, for the events that it has not seen"
        )
    return bool(seen)


def held_out(
    record: dict[str, Any],
    split: Literal["train", "validation", "test"] = "test",
    paths: Sequence[str | Path] = (),
) -> Samples:
    """Read again the events of a record's files that a run has not trained on.

    Args:
        record: `data` of a run's `config.json`.
        split: `"train"`, `"validation"` or `"test"`.
        paths: present paths of the files, if they have been moved.

    Raises:
        FileNotFoundError: if a file does not exist, with its name.
        ValueError: if a file has changed.
    """
    paths = paths or [Path(file.get("path", file["name"])) for file in record["files"]]
    for path, file in zip(paths, record["files"], strict=True):
        if not Path(path).exists():
            raise FileNotFoundError(f"{path}: no such file; the model was trained on it: give it as --data")
        if checksum(path) != file["sha256"]:
            raise ValueError(f"{path} is not the file that the model was trained on: it was changed")
    process = record["process"]
    samples = read_data(
        paths,
        None if process is None else library.find(process),
        record.get("columns"),
        arrays=process is None,
        skip_bad=record["skip_bad"],
        paired=record.get("paired", True),
    )
    return getattr(split_of(samples), split)


def differs(former: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether two records are of other data; files may have been moved."""

    def essence(record: dict[str, Any]) -> list[Any]:
        sums = [file["sha256"] for file in record.get("files", ())]
        return [sums, *(record.get(key) for key in ("demonstration", "skip_bad", "process", "columns"))]

    return essence(former) != essence(record)


def described(record: dict[str, Any]) -> str:
    """The data of a record in words."""
    if "demonstration" in record:
        return f"the demonstration {record['demonstration']}"
    return " and ".join(file["name"] for file in record["files"])


def _sizes(samples: Samples, count: int) -> dict[str, Any]:
    return {"events": count, "shapes": {s: list(a.shape[1:]) for s, a in samples.arrays().items()}}


def _count(split: Split) -> int:
    return sum(len(samples) for samples in (split.train, split.validation, split.test))
