"""The process that a file states for its events.

Files that mizoo writes hold the description of the process as JSON, which `Process(**…)` takes: Parquet in
the metadata of the schema and HDF5 as an attribute, both called `mizoo.process`; ROOT as an object string
and `.npz` as an array, both called `process`; CSV, which cannot store it, in `NAME.process.json` beside it.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from mizoo.core.optional import extra
from mizoo.datasets.readers import array_files, tables
from mizoo.datasets.readers.chunk import Reader
from mizoo.datasets.readers.hdf5 import opened
from mizoo.datasets.readers.limits import text_limit
from mizoo.datasets.readers.numpy_files import PROCESS, member
from mizoo.physics.process import Process

KEY = "mizoo.process"
_HOW = "give process=…, such as mizoo.processes.ttbar or mizoo.Process.load('my.yaml')"
_NO_EVENTS = ("label", "observables", "reconstruction", "select")  # without effect on columns or events


def text(process: Process) -> str:
    """The description of a process, for a file."""
    return json.dumps(process.to_dict())


def sidecar(path: str | Path) -> Path:
    """The file with the process of a CSV file, `NAME.process.json` beside it."""
    return Path(path).with_name(f"{Path(path).name}.process.json")


def stated(path: str | Path, reader: Reader, max_bytes: int) -> Process | None:
    """The process that a file states for its events; None if it states none.

    Args:
        path: path of the file.
        reader: reader of its format.
        max_bytes: largest memory that the file may require, in bytes.

    Raises:
        ValueError: for an invalid description of a process.
    """
    find = _FINDERS.get(reader)
    if find is None or (found := find(path, max_bytes)) is None:
        return None
    try:
        return Process(**json.loads(found))
    except (ValueError, TypeError) as error:
        raise ValueError(f"what it says of its process is damaged: {error}") from error


def common(given: Process | None, found: Iterable[tuple[str, Process | None]], what: str) -> Process:
    """The process of several files: the given one, or the one that the files state.

    Args:
        given: process given by the caller.
        found: names of the files, and the processes that they state.
        what: names of all files, for messages.

    Raises:
        ValueError: if the process is neither given nor stated, or a file states another one.
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
    """Check that events to be written have a process, and return it.

    Raises:
        ValueError: if there is none.
    """
    if process is None:
        raise ValueError(f"{path}: which process? {_HOW}")
    return process


def _difference(found: Process, expected: Process, origin: str) -> str:
    """How two processes differ; empty if their columns and events mean the same."""
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


def _essence(process: Process) -> list[tuple[str, object]]:
    """Everything that determines columns and events, by key, in one order for equal numbers of parts."""
    found: list[tuple[str, object]] = []

    def add(key: str, value: object) -> None:
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


def _parquet(path: str | Path, max_bytes: int) -> str | None:
    pq = extra("pyarrow.parquet", "reading .parquet files")
    with pq.ParquetFile(tables.there(path)) as file:
        found: bytes | None = (file.schema_arrow.metadata or {}).get(KEY.encode())
    return None if found is None else found.decode()


def _hdf5(path: str | Path, max_bytes: int) -> str | None:
    with opened(path) as file:
        found: str | None = file.attrs.get(KEY)
        return found


def _root(path: str | Path, max_bytes: int) -> str | None:
    with extra("uproot", "reading .root files").open(tables.there(path)) as file:
        return str(file[PROCESS]) if PROCESS in file else None


def _numpy(path: str | Path, max_bytes: int) -> str | None:
    found = member(path, PROCESS, text_limit(max_bytes))
    return None if found is None else str(found)


def _csv(path: str | Path, max_bytes: int) -> str | None:
    for beside in (sidecar(path), sidecar(Path(path).resolve())):
        if beside.is_file():
            return beside.read_text()
    return None


_FINDERS: dict[Reader, Callable[[str | Path, int], str | None]] = {
    tables.parquet: _parquet,
    tables.csv: _csv,
    tables.root: _root,
    array_files.hdf5: _hdf5,
    array_files.numpy: _numpy,
}
