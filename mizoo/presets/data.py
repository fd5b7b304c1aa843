"""The data of a run: files of a user's own or a demonstration, and which of them it does not see.

Of files, the last tenth of the events is for tests and the tenth before it for validation. What a run was
trained on stands in its `config.json`, under `data`: names, paths and checksums of the files or the name of
the demonstration, the number of events and their shapes; so the same tenth can be found again.
"""

import re
import warnings
from contextlib import contextmanager
from pathlib import Path

from mizoo.datasets import Events, Samples, Split, read, read_arrays
from mizoo.datasets.integrity import checksum
from mizoo.physics.library import ttbar as TTBAR
from mizoo.presets import PRESETS

_ARRAYS = (".npz", ".npy")
_COLUMNS = re.compile(rf"\b{TTBAR.name}\b|\bcolumns?\b|\bFDL\b")
_NO_BAD_ROWS = "skip_bad leaves out bad events of files, no rows of arrays"


class UnusedData(UserWarning):
    """Says which arrays of a file a model does not use."""


def are_arrays(paths) -> bool:
    """Whether files are NumPy's; else they are files of events.

    Raises:
        ValueError: if some are and some are not, with the first of each; or if one is given twice.
    """
    places = [Path(path).resolve() for path in paths]
    if twice := [str(path) for path, place in zip(paths, places, strict=True) if places.count(place) > 1]:
        raise ValueError(f"{twice[-1]} is given twice: its events would count twice")
    kinds: dict[bool, str] = {}
    for path in paths:
        kinds.setdefault(Path(path).suffix.lower() in _ARRAYS, str(path))
    if len(kinds) > 1:
        raise ValueError(
            f"{kinds[True]} has arrays and {kinds[False]} has events: give files of one kind, not of both"
        )
    return True in kinds


def read_data(paths, arrays: bool | None = None, skip_bad=False) -> Samples:
    """Read all files of one kind: plain arrays, or events of the process ttbar.

    Args:
        paths: of the files.
        arrays: whether they are plain arrays. NumPy files may be either; if None, they are.
        skip_bad: leave bad events out.

    Raises:
        FileNotFoundError, ValueError: as `read` and `read_arrays` raise, for a mixture of kinds, and for
            `skip_bad` with arrays.
    """
    plain = are_arrays(paths)
    if arrays and not plain:
        raise ValueError(f"{paths[0]} is no file of arrays, which this model takes: give them as .npz")
    if plain and arrays is not False:
        if skip_bad:
            raise ValueError(f"{paths[0]}: {_NO_BAD_ROWS}")
        return read_arrays(*paths)
    with as_ttbar(plain):
        return read(*paths, skip_bad=skip_bad)


@contextmanager
def as_ttbar(plain=False):
    """Context that says, where columns or shapes are wrong, that files are read as events of ttbar.

    Args:
        plain: whether these are arrays of a model that takes nothing else.
    """
    try:
        yield
    except ValueError as error:
        if not _COLUMNS.search(str(error)):
            raise
        hint = "event files are read as the process ttbar for now; give other data as .npz with arrays x, z"
        if plain:
            hint = "arrays are read as events of ttbar, which is all that this model takes"
        raise ValueError(f"{error}; {hint}") from error


def read_to_compare(truth, made, skip_bad=False) -> tuple[Samples, Samples]:
    """Two files to compare: of events, or of plain arrays, if both are NumPy's and have no tt̄ columns.

    Raises:
        FileNotFoundError, ValueError: as `read_data` raises.
    """
    paths = (truth, made)
    if all(Path(path).suffix.lower() in _ARRAYS for path in paths):
        found = [read_data([path]) for path in paths]
        widths = {space: (len(TTBAR.columns(space)),) for space in "xz"}
        if any(a.shape[1:] != widths[s] for samples in found for s, a in samples.arrays().items()):
            if skip_bad:
                raise ValueError(f"{truth}: {_NO_BAD_ROWS}")
            return found[0], found[1]
    true, other = (read_data([path], False, skip_bad) for path in paths)
    return true, other


def split_of(samples: Samples) -> Split:
    """Data for training, validation and tests, in this order: the last two are a tenth each.

    Raises:
        ValueError: if there are fewer than 10 events.
    """
    if not (tenth := len(samples) // 10):
        raise ValueError(f"training needs at least 10 events, got {len(samples)}")
    return Split(samples[: -2 * tenth], samples[-2 * tenth : -tenth], samples[-tenth:])


def training_data(name, paths=(), skip_bad=False) -> tuple[Split, dict, dict]:
    """Data for a preset: those of files, or its demonstration.

    Args:
        name: of the preset.
        paths: of files, all of one kind: NumPy's with arrays x and z, or files of events.
        skip_bad: leave bad events out.

    Returns:
        The data, the arguments of the preset that tell their shapes where it would not expect them, and
        the record of the data for `config.json`.

    Raises:
        FileNotFoundError, ValueError: as `read_data` does, for fewer than 10 events, or for data that the
            preset cannot take.
    """
    preset = PRESETS[name]
    if not paths:
        if skip_bad:
            raise ValueError("skip_bad (--skip-bad) needs files of events as data (--data)")
        split = preset.load_dataset()
        return split, {}, {"demonstration": preset.dataset, **_sizes(split.train, _count(split))}
    # A preset that has one process only reads NumPy files as its events.
    samples = read_data(paths, None if preset.takes_shapes else False, skip_bad)
    try:
        split = preset.prepare(split_of(samples))
    except ValueError as error:
        raise ValueError(f"{' and '.join(map(str, paths))}: {error}") from error
    tell_unused(name, samples, split.train, paths)
    own = split.train.arrays()
    # Presets demonstrated on tt̄ events know these spaces, but for a flow of x alone.
    known = isinstance(samples, Events) and preset.dataset == "ttbar"
    if known and not (preset.data == "x or pairs" and "z" not in own):
        shapes = {}
    else:
        shapes = {space: list(array.shape[1:]) for space, array in own.items()}
    files = [
        {"name": Path(path).name, "path": str(Path(path).resolve()), "sha256": checksum(path)}
        for path in paths
    ]
    process = samples.process.name if isinstance(samples, Events) else None
    content = {"files": files, "skip_bad": skip_bad, "process": process}
    return split, shapes, {**content, **_sizes(split.train, len(samples))}


def tell_unused(name, samples: Samples, used: Samples, paths) -> None:
    """Warn of arrays that a model does not take."""
    for space in samples.arrays().keys() - used.arrays().keys():
        files = " and ".join(map(str, paths))
        warnings.warn(f"{files}: {space} is not used, {name} takes x alone", UnusedData, 3)


def same_files(record: dict, paths) -> bool:
    """Whether files are those of a record, wherever they are now.

    Raises:
        FileNotFoundError: if a file is not there.
        ValueError: if only some are, as a model has seen most of their events; or for a mixture of kinds.
    """
    are_arrays(paths)
    for path in paths:
        if not Path(path).is_file():
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


def held_out(record: dict, split="test", paths=()) -> Samples:
    """Events of the files of a record that a run has not trained on, read again.

    Args:
        record: `data` of a run's `config.json`.
        split: `"train"`, `"validation"` or `"test"`.
        paths: of the files, if they are elsewhere now.

    Raises:
        FileNotFoundError: if a file is not there, with its name.
        ValueError: if a file is another one now.
    """
    paths = paths or [Path(file.get("path", file["name"])) for file in record["files"]]
    for path, file in zip(paths, record["files"], strict=True):
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: no such file; the model was trained on it: give it as --data")
        if checksum(path) != file["sha256"]:
            raise ValueError(f"{path} is not the file that the model was trained on: it was changed")
    samples = read_data(paths, record["process"] is None, record["skip_bad"])
    return getattr(split_of(samples), split)


def differs(former: dict, record: dict) -> bool:
    """Whether two records are of other data; files may have been moved."""

    def essence(record):
        sums = [file["sha256"] for file in record.get("files", ())]
        return sums, record.get("demonstration"), record.get("skip_bad"), record.get("process")

    return essence(former) != essence(record)


def described(record: dict) -> str:
    """The data of a record in words."""
    if "demonstration" in record:
        return f"the demonstration {record['demonstration']}"
    return " and ".join(file["name"] for file in record["files"])


def _sizes(samples, count):
    return {"events": count, "shapes": {s: list(a.shape[1:]) for s, a in samples.arrays().items()}}


def _count(split):
    return sum(len(samples) for samples in (split.train, split.validation, split.test))
