"""The process that a file says its events are of.

Files that mizoo writes hold the description of the process as JSON, which `Process(**…)` takes: Parquet in
the metadata of the schema and HDF5 as an attribute, both called `mizoo.process`; ROOT as an object string
and `.npz` as an array, both called `process`; CSV, which has no place for it, in `NAME.process.json`.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mizoo.core.optional import extra
from mizoo.datasets.readers import array_files, tables
from mizoo.datasets.readers.hdf5 import opened
from mizoo.datasets.readers.limits import text_limit
from mizoo.datasets.readers.numpy_files import PROCESS, member
from mizoo.physics.process import Process

KEY = "mizoo.process"
_HOW = "give process=…, such as mizoo.processes.ttbar or mizoo.Process.load('my.yaml')"
_NO_EVENTS = ("label", "observables", "reconstruction", "select")  # what says nothing of columns or events


def text(process: Process) -> str:
    """The description of a process, for a file."""
    return json.dumps(process.to_dict())


def sidecar(path: str | Path) -> Path:
    """The file with the process of a CSV file, `NAME.process.json` beside it."""
    return Path(path).with_name(f"{Path(path).name}.process.json")


def stated(path: str | Path, reader: Callable[..., Any], max_bytes: int) -> Process | None:
    """The process that a file says its events are of; None if it says nothing.

    Args:
        path: of the file.
        reader: of its format.
        max_bytes: most memory that the file may ask for.

    Raises:
        ValueError: for what is no description of a process.
    """
    find = _FINDERS.get(reader)
    if find is None or (found := find(path, max_bytes)) is None:
        return None
    try:
        return Process(**json.loads(found))
    except (ValueError, TypeError) as error:
        raise ValueError(f"what it says of its process is damaged: {error}") from error


def common(given: Process | None, found: Iterable[tuple[str, Process | None]], what: str) -> Process:
    """The process of several files: the one that is given, or what the files say.

    Args:
        given: by whoever reads the files.
        found: names of the files, and what they say.
        what: names of all files, for messages.

    Raises:
        ValueError: if nobody says, or a file says another one.
    """
    process, origin = given, ""
    for name, one in found:
        if one is None:
            continue
        if process is None:
            process, origin = one, f" of {name}"
        elif difference := _difference(one, process, origin):
            raise ValueError(f"{name}: {difference}")
    if process is None:
        raise ValueError(f"{what}: which process? {_HOW}")
    return process


def needed(process: Process | None, path: str | Path) -> Process:
    """The process of events that are written.

    Raises:
        ValueError: if there is none.
    """
    if process is None:
        raise ValueError(f"{path}: which process? {_HOW}")
    return process


def _difference(found, expected, origin):
    """How a process is another one; empty if its columns and events mean the same."""
    if found.name != expected.name:
        return f"its events are of {found.name}, not of the process {expected.name}{origin}"
    pairs = zip(_essence(found), _essence(expected), strict=False)
    differing = next(((key, one, other) for (key, one), (_, other) in pairs if one != other), None)
    if differing is None:
        return ""
    key, one, other = differing
    return (
        f"its events are of another process {found.name}: {key} is {one!r} there, and {other!r} in the "
        f"one{origin or ' that is given'}"
    )


def _essence(process):
    """All that columns and events follow from, by key; in the same order for the same numbers of parts."""
    found: list[tuple[str, Any]] = []

    def add(key, value):
        if isinstance(value, dict):
            for name in value:
                if name not in _NO_EVENTS:
                    add(f"{key}.{name}" if key else name, value[name])
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            found.append((f"len({key})", len(value)))
            for i, one in enumerate(value):
                add(f"{key}[{i}]", one)
        else:
            found.append((key, value))

    add("", process.model_dump(mode="json"))
    return found


def _parquet(path, max_bytes):
    pq = extra("pyarrow.parquet", "reading .parquet files")
    with pq.ParquetFile(tables.there(path)) as file:
        found = (file.schema_arrow.metadata or {}).get(KEY.encode())
    return None if found is None else found.decode()


def _hdf5(path, max_bytes):
    with opened(path) as file:
        return file.attrs.get(KEY)


def _root(path, max_bytes):
    with extra("uproot", "reading .root files").open(tables.there(path)) as file:
        return str(file[PROCESS]) if PROCESS in file else None


def _numpy(path, max_bytes):
    found = member(path, PROCESS, text_limit(max_bytes))
    return None if found is None else str(found)


def _csv(path, max_bytes):
    for beside in (sidecar(path), sidecar(Path(path).resolve())):
        if beside.is_file():
            return beside.read_text()
    return None


_FINDERS: dict[Callable[..., Any], Callable[..., str | None]] = {
    tables.parquet: _parquet,
    tables.csv: _csv,
    tables.root: _root,
    array_files.hdf5: _hdf5,
    array_files.numpy: _numpy,
}
