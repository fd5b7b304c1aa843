"""Events of tables with a user's own columns."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import vector

from mizoo.datasets.readers import own_tables, trees
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.columns import NANOAOD, Columns, Momentum, missing
from mizoo.datasets.readers.limits import MAX_BYTES
from mizoo.datasets.readers.objects import Objects
from mizoo.datasets.readers.selection import Select
from mizoo.datasets.weights import weight_name
from mizoo.physics.momenta import cartesian
from mizoo.physics.process import Process

_GENERATOR = "genWeight"  # of NanoAOD
_DELPHES, _MIZOO = "Delphes", "events"  # trees that have readers of their own
_PIECE = 1_000_000  # events


def chunks(
    source: Any,
    process: Process,
    size: int,
    max_bytes: int = MAX_BYTES,
    select: Select | None = None,
    columns: Columns = Columns(),  # noqa: B008
) -> Iterator[Chunk]:
    """Chunks of at most `size` events of a file, a DataFrame or an awkward array.

    Args:
        select: selection of events; by default that of the process, or events with exactly as many objects
            as it lists of each kind that has columns.
        columns: names and units of columns.

    Raises:
        ImportError: without a library for the format.
        ValueError: for columns that are missing (it suggests similar names) or hold something else.
    """
    with _table(source, columns, max_bytes) as table:
        word = "branch" if table.where else "column"
        name = f"the {type(source).__name__}" if not isinstance(source, str | Path) else str(source)
        objects, partons = _spaces(process, select, columns, table, name)
        weight = _weight(columns, table, name, objects is not None)
        wanted_names = [
            *(objects.names if objects else ()),
            *(c for one in partons.values() for c in one.named().values()),
            *([weight] if weight else ()),
        ]
        first = 0
        for events, bad in table.parts(list(dict.fromkeys(wanted_names)), size):
            arrays, wanted = {}, np.ones(len(events), bool)
            if objects:
                arrays["x"], wanted, of_x = objects.read(events, name, word)
                bad |= of_x
            if partons:
                arrays["z"] = _partons(events, partons, process, columns.gev, word)
            weights = trees.per_event(events[weight], weight, word).astype("float64") if weight else None
            yield Chunk(name, first, arrays, wanted, weights, bad)
            first += len(events)
        if objects:
            objects.finish(name)


def event_numbers(source: Any, columns: Columns, max_bytes: int) -> np.ndarray | None:
    """Values of the column of event numbers, (n,), if there is one."""
    with _table(source, columns, max_bytes) as table:
        if columns.event not in table.names:
            return None
        parts = table.parts([columns.event], _PIECE)
        found = [trees.per_event(events[columns.event], columns.event) for events, _ in parts]
        return np.concatenate(found) if found else np.zeros(0, "int64")


def reads(path: str | Path, suffix: str, columns: Columns) -> bool:
    """Whether a file of this format has a user's own columns, in ROOT files in a tree of its own."""
    if suffix != ".root":
        return suffix in own_tables.OPENERS
    return trees.has(path, columns.tree) or not (trees.has(path, _DELPHES) or trees.has(path, _MIZOO))


def _table(source: Any, columns: Columns, max_bytes: int) -> AbstractContextManager[own_tables.Table]:
    if not isinstance(source, str | Path):
        return own_tables.memory(source, columns.tree, max_bytes)
    suffixes = [suffix.lower() for suffix in Path(source).suffixes]
    suffix = ".csv" if suffixes[-2:] == [".csv", ".gz"] else suffixes[-1]
    return own_tables.OPENERS[suffix](source, columns.tree, max_bytes)


def _spaces(
    process: Process, select: Select | None, columns: Columns, table: own_tables.Table, source: str
) -> tuple[Objects | None, dict[str, Momentum]]:
    """The reader of x and the columns of z, as far as the table has them."""
    objects: Objects | None = None
    partons: dict[str, Momentum] = {}
    absent: list[str] = []
    word = "branch" if table.where else "column"
    if columns.z:
        partons = _of_partons(process, columns)
        names = [name for one in partons.values() for name in one.named().values()]
        lacking = [name for name in names if name not in table.names]
        if lacking and len(lacking) < len(names):
            raise ValueError(f"{source}{table.where}: {missing(lacking, table.names, word)}")
        if lacking:
            absent, partons = lacking, {}
    if columns.x is not None or not columns.z:
        objects = Objects(process, select, columns, NANOAOD, table.names)
        if lacking := objects.missing:
            if set(objects.names) & set(table.names) or not partons:
                raise ValueError(f"{source}{table.where}: {missing(lacking, table.names, word)}")
            objects = None
    if objects is None and not partons:
        raise ValueError(f"{source}{table.where}: {missing(absent, table.names, word)}")
    return objects, partons


def _of_partons(process: Process, columns: Columns) -> dict[str, Momentum]:
    """Columns of the partons, in the order of the process."""
    names = [parton.name for parton in process.z]
    if unknown := [name for name in columns.z if name not in names]:
        raise ValueError(
            f"columns of {unknown[0]!r}, no parton of {process.name}; there are {', '.join(names)}"
        )
    if lacking := [name for name in names if name not in columns.z]:
        raise ValueError(f"columns of the parton {lacking[0]!r} of {process.name} are needed as well")
    for name, one in columns.z.items():
        if not one.longitudinal:
            raise ValueError(f"columns of the parton {name!r}: eta or pz is needed")
    return {name: columns.z[name] for name in names}


def _weight(columns: Columns, table: own_tables.Table, source: str, has_x: bool) -> str | None:
    if columns.weight:
        if columns.weight in table.names:
            return columns.weight
        if has_x:
            raise ValueError(f"{source}{table.where}: {missing([columns.weight], table.names)}")
        return None
    known = [name for name in table.names if name.lower() in ("weight", "weights")]
    return _GENERATOR if not known and _GENERATOR in table.names else weight_name(table.names, source)


def _partons(
    events: Any, columns: Mapping[str, Momentum], process: Process, unit: float, word: str
) -> np.ndarray:
    """z (n, 4 × partons), px py pz E in GeV."""
    rows = []
    for parton, one in zip(process.z, columns.values(), strict=True):
        values = {
            field: trees.per_event(events[name], name, word).astype("float64")
            for field, name in one.named().items()
        }
        values = {f: v if f in ("eta", "phi") else v * unit for f, v in values.items()}
        if "E" in values:
            values.pop("mass", None)
        else:
            values.setdefault("mass", np.full(len(events), parton.gev))
        rows.append(cartesian(vector.MomentumNumpy4D(values)))
    return np.concatenate(rows, -1)
