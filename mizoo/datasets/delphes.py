"""ROOT files of Delphes: detector objects, and partons where the particle record is kept."""

from pathlib import Path

import numpy as np

from mizoo.datasets.chunk import Chunk
from mizoo.datasets.record import partons
from mizoo.extra import extra

TREE = "Delphes"
# Branches of objects that a selection counts, whether the process has any or not.
COUNTED = ("Electron", "Muon", "Photon", "Jet")
_WEIGHT = "Event.Weight"
_RECORD = ("PID", "Status", "M1", "Px", "Py", "Pz", "E")


def as_listed(objects, process):
    """The selection of the papers: just as many electrons, muons, photons and jets as the process lists.

    Args:
        objects: awkward arrays by branch, with fields `pt`, `eta`, `phi` and, of leptons, `charge`.
        process: what is wanted.

    Returns:
        Mask of the events, (n,).
    """
    ak = extra("awkward")
    counts = {branch: sum(p.branch == branch for p in process.x) for branch in COUNTED}
    return np.all([ak.num(objects[branch]) == count for branch, count in counts.items()], 0)


def chunks(path, process, size, select=None):
    """Detector objects x, and partons z if there are any, in chunks of at most `size` events.

    Args:
        select: mask of the events from `objects` and `process`; `as_listed` by default. Events that lack an
            object of the process are never wanted.

    Raises:
        ImportError: without uproot and awkward.
        ValueError: for a file that is none of Delphes's, or cut short; it names tree or branch.
    """
    tree = _tree(path)
    names = _branches(path, tree, process)
    has_record = "Particle" in tree
    weight = [_WEIGHT] if f"Event/{_WEIGHT}" in tree else []
    record = [f"Particle.{name}" for name in _RECORD] if has_record else []
    first = 0
    try:
        for events in tree.iterate([*names.values(), *record, *weight], step_size=size):
            yield _chunk(path, first, events, names, process, select or as_listed, has_record)
            first += len(events)
    except (OSError, EOFError) as error:
        raise ValueError(f"{path}: cut short or damaged after event {first - 1}: {error}") from error


def _tree(path):
    uproot = extra("uproot")
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        file = uproot.open(path)
        if TREE not in file:
            there = ", ".join(sorted({key.partition(";")[0] for key in file.iterkeys()}))
            raise ValueError(f"{path}: no tree {TREE!r}, only {there or 'nothing'}")
        return file[TREE]
    except (OSError, EOFError, uproot.DeserializationError) as error:
        raise ValueError(f"{path}: not a ROOT file, or cut short: {error}") from error


def _branches(path, tree, process):
    """Names in the tree, by what they mean."""
    branches = dict.fromkeys([*COUNTED, *(p.branch for p in process.x)])
    wanted = {}
    for branch in branches:
        modulus = "MET" if branch == "MissingET" else "PT"
        fields = [("pt", modulus), ("eta", "Eta"), ("phi", "Phi")]
        if any(p.branch == branch and p.charge is not None for p in process.x):
            fields.append(("charge", "Charge"))
        wanted |= {(branch, field): f"{branch}.{name}" for field, name in fields}
    there = {name.rpartition("/")[2] for name in tree.iterkeys()}
    if missing := [name for name in wanted.values() if name not in there]:
        raise ValueError(f"{path}, tree {TREE}: no branch {', '.join(missing)}")
    return wanted


def _chunk(path, first, events, names, process, select, has_record):
    ak = extra("awkward")
    objects = {
        branch: ak.zip({field: events[name] for (b, field), name in names.items() if b == branch})
        for branch in dict.fromkeys(branch for branch, _ in names)
    }
    objects = {branch: o[ak.argsort(o["pt"], ascending=False)] for branch, o in objects.items()}
    wanted = np.asarray(select(objects, process), dtype=bool)
    rows = np.zeros((len(wanted), len(process.x), 4))
    taken: dict[tuple, int] = {}
    for column, particle in enumerate(process.x):
        of_kind = objects[particle.branch]
        if particle.charge is not None:
            of_kind = of_kind[of_kind["charge"] == particle.charge]
        rank = taken.get(kind := (particle.branch, particle.charge), 0)
        taken[kind] = rank + 1
        wanted &= ak.to_numpy(ak.num(of_kind)) > rank
        padded = ak.pad_none(of_kind, rank + 1)[:, rank]
        pt, eta, phi = (ak.to_numpy(ak.fill_none(padded[f], 0.0)) for f in ("pt", "eta", "phi"))
        pt, eta, phi = (values.astype("float64") for values in (pt, eta, phi))
        rows[:, column, 0], rows[:, column, 1] = pt * np.cos(phi), pt * np.sin(phi)
        rows[:, column, 2], rows[:, column, 3] = pt * np.sinh(eta), pt * np.cosh(eta)
    arrays = {"x": rows.reshape(len(rows), -1)}
    if has_record:
        arrays["z"] = np.zeros((len(rows), 4 * len(process.z)))
        for number in np.flatnonzero(wanted):
            columns = {name: ak.to_numpy(events[f"Particle.{name}"][number]) for name in _RECORD}
            found = partons(columns, process)
            wanted[number] = found is not None
            arrays["z"][number] = 0.0 if found is None else found
    weights = ak.to_numpy(ak.firsts(events[_WEIGHT])) if _WEIGHT in events.fields else None
    return Chunk(str(path), first, arrays, wanted, weights)
