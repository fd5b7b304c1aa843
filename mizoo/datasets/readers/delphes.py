"""ROOT files of Delphes: detector objects, and partons where the particle record is kept."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mizoo.core.optional import extra
from mizoo.datasets.readers.ancestry import PartonFinder
from mizoo.datasets.readers.angles import check_angles
from mizoo.datasets.readers.chunk import Chunk
from mizoo.datasets.readers.damage import brief
from mizoo.datasets.readers.limits import MAX_BYTES, check_bytes
from mizoo.datasets.readers.record import partons
from mizoo.datasets.weights import weight_name
from mizoo.physics.process import Process

TREE = "Delphes"
# Branches of objects that a selection counts, whether the process has any or not.
COUNTED = ("Electron", "Muon", "Photon", "Jet")
BRANCHES = {"electron": "Electron", "muon": "Muon", "photon": "Photon", "jet": "Jet", "met": "MissingET"}
NUMBER = "Event.Number"
_RECORD = ("PID", "Status", "M1", "Px", "Py", "Pz", "E")

Selection = Callable[..., np.ndarray]


def as_listed(objects, process):
    """The selection of the papers: just as many electrons, muons, photons and jets as the process lists.

    Args:
        objects: awkward arrays by branch, with fields `pt`, `eta`, `phi` and, of leptons, `charge`.
        process: what is wanted.

    Returns:
        Mask of the events, (n,).
    """
    ak = extra("awkward", "reading .root files")
    counts = {branch: sum(BRANCHES[p.kind] == branch for p in process.x) for branch in COUNTED}
    return np.all([ak.num(objects[branch]) == count for branch, count in counts.items()], 0)


def chunks(
    path: str | Path,
    process: Process,
    size: int,
    max_bytes: int = MAX_BYTES,
    select: Selection | None = None,
) -> Iterator[Chunk]:
    """Detector objects x, and partons z if there are any, in chunks of at most `size` events.

    Args:
        select: mask of the events from `objects` and `process`; `as_listed` by default. Events that lack an
            object of the process are never wanted.

    Raises:
        ImportError: without uproot and awkward.
        ValueError: for a file that is none of Delphes's, or cut short; it names tree or branch.
    """
    tree = delphes_tree(path)
    keys = tree.keys(recursive=True)
    groups = {key.rpartition("/")[0] for key in keys}
    there = {key.rpartition("/")[2] for key in keys if key not in groups}
    names = _branches(path, there, process)
    has_record = f"Particle.{_RECORD[0]}" in there
    record = [f"Particle.{name}" for name in _RECORD] if has_record else []
    if missing := [name for name in record if name not in there]:
        raise ValueError(f"{path}, tree {TREE}: no branch {', '.join(missing)}")
    weight = weight_name(sorted(there), str(path))
    read = [*names.values(), *record, *([weight] if weight else [])]
    _check_size(tree, read, size, max_bytes)
    finder = PartonFinder(process)
    first = 0
    try:
        for events in pieces(tree, read, size):
            arrays, wanted, bad = _momenta(str(path), events, names, finder, select or as_listed)
            if has_record:
                arrays["z"] = _partons(events, wanted, bad, finder)
            weights = per_event(events[weight], weight) if weight else None
            yield Chunk(str(path), first, arrays, wanted, weights, bad)
            first += len(events)
    except (OSError, EOFError, extra("uproot").DeserializationError) as error:
        after = f"after event {first - 1}" if first else "before the first event"
        raise ValueError(f"cut short or damaged {after}: {brief(error)}") from error
    if first != tree.num_entries:
        raise ValueError(f"cut short: it has {first} of its {tree.num_entries} events")


def delphes_tree(path: str | Path):
    """The tree of a Delphes file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no ROOT file, or has no such tree.
    """
    uproot = extra("uproot", "reading .root files")
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        file = uproot.open(path)
        there = sorted({key.partition(";")[0] for key in file.iterkeys()})
        found = file.get(TREE)
    except Exception as error:  # of a file that is none, uproot raises whatever it stumbles over
        raise ValueError(f"not a ROOT file, or cut short: {brief(error)}") from error
    if found is None:
        raise ValueError(f"no tree {TREE!r}, only {', '.join(there) or 'nothing'}")
    if not isinstance(found, uproot.TTree | uproot.behaviors.RNTuple.RNTuple):
        raise ValueError(f"{TREE!r} must be a tree of Delphes, is a {found.classname}")
    return found


def pieces(tree, names: list[str], size: int) -> Iterator:
    """Awkward arrays of branches, of at most `size` events each."""
    if isinstance(tree, extra("uproot").TTree):
        return tree.iterate(names, step_size=size)
    # Skims may be RNTuples, of which uproot finds names with a dot by a filter only.
    wanted, starts = set(names).__contains__, range(0, tree.num_entries, size)
    return (tree.arrays(filter_name=wanted, entry_start=i, entry_stop=i + size) for i in starts)


def per_event(values, name: str) -> np.ndarray:
    """Values (n,) of a branch with one value per event, in a list or not.

    Raises:
        ValueError: if an event has none or several; it names branch and event.
    """
    ak = extra("awkward", "reading .root files")
    if values.ndim == 1:
        return ak.to_numpy(values)
    counts = ak.to_numpy(ak.num(values))
    if len(wrong := np.flatnonzero(counts != 1)):
        raise ValueError(
            f"branch {name} must have one value per event, event {wrong[0]} has {counts[wrong[0]]}"
        )
    return ak.to_numpy(ak.flatten(values))


def _branches(path, there, process):
    """Names in the tree, by what they mean."""
    branches = dict.fromkeys([*COUNTED, *(BRANCHES[p.kind] for p in process.x)])
    wanted = {}
    for branch in branches:
        modulus = "MET" if branch == "MissingET" else "PT"
        fields = [("pt", modulus), ("eta", "Eta"), ("phi", "Phi")]
        if any(BRANCHES[p.kind] == branch and p.charge is not None for p in process.x):
            fields.append(("charge", "Charge"))
        wanted |= {(branch, field): f"{branch}.{name}" for field, name in fields}
    if missing := [name for name in wanted.values() if name not in there]:
        raise ValueError(f"{path}, tree {TREE}: no branch {', '.join(missing)}")
    return wanted


def _check_size(tree, names, size, max_bytes):
    """Baskets, the pieces that branches are stored in, are read whole."""
    if not isinstance(tree, extra("uproot").TTree):
        return
    events = max(1, tree.num_entries)
    needed = 0
    for name in names:
        branch = tree[name]
        pieces = max(1, branch.num_baskets)
        needed += branch.uncompressed_bytes * min(1.0, max(1.0 / pieces, size / events))
    check_bytes(int(needed), max_bytes, f"a chunk of {size} events")


def _momenta(source, events, names, finder, select):
    """Array x, which events are wanted, and what is wrong with some."""
    ak, process = extra("awkward", "reading .root files"), finder.process
    for name in names.values():
        if events[name].ndim != 2:
            raise ValueError(f"branch {name} must have a list per event, is {events[name].type}")
    objects = {
        branch: ak.zip({field: events[name] for (b, field), name in names.items() if b == branch})
        for branch in dict.fromkeys(branch for branch, _ in names)
    }
    bad = check_angles(objects, source)
    objects = {branch: o[ak.argsort(o["pt"], ascending=False)] for branch, o in objects.items()}
    wanted = _selected(select, objects, process, len(events))
    rows = np.zeros((len(wanted), len(process.x), 4))
    taken: dict[tuple, int] = {}
    for column, particle in enumerate(process.x):
        of_kind = objects[BRANCHES[particle.kind]]
        if particle.charge is not None:
            of_kind = of_kind[of_kind["charge"] == particle.charge]
        rank = taken.get(kind := (particle.kind, particle.charge), 0)
        taken[kind] = rank + 1
        wanted &= ak.to_numpy(ak.num(of_kind)) > rank
        padded = ak.pad_none(of_kind, rank + 1)[:, rank]
        pt, eta, phi = (ak.to_numpy(ak.fill_none(padded[f], 0.0)) for f in ("pt", "eta", "phi"))
        pt, eta, phi = (values.astype("float64") for values in (pt, eta, phi))
        with np.errstate(all="ignore"):  # what is not finite is named later
            rows[:, column, 0], rows[:, column, 1] = pt * np.cos(phi), pt * np.sin(phi)
            rows[:, column, 2], rows[:, column, 3] = pt * np.sinh(eta), pt * np.cosh(eta)
    return {"x": rows.reshape(len(rows), -1)}, wanted, bad


def _partons(events, wanted, bad, finder):
    """Array z, of the events that are wanted; those without the partons no longer are."""
    ak = extra("awkward", "reading .root files")
    found = np.zeros((len(wanted), 4 * len(finder.process.z)))
    for number in np.flatnonzero(wanted).tolist():
        record = {name: ak.to_numpy(events[f"Particle.{name}"][number]) for name in _RECORD}
        try:
            momenta = partons(record, finder.process, finder)
        except ValueError as error:
            bad.setdefault(number, brief(error))
            continue
        if momenta is None:
            wanted[number] = False
        else:
            found[number] = momenta
    return found


def _selected(select, objects, process, count):
    name = getattr(select, "__name__", "select")
    try:
        mask = np.asarray(select(objects, process))
    except Exception as error:
        raise ValueError(f"the selection {name} fails: {type(error).__name__}: {brief(error)}") from error
    if mask.dtype != bool or mask.shape != (count,):
        raise ValueError(
            f"the selection {name} must give one truth value per event, ({count},), "
            f"got {mask.dtype} {mask.shape}"
        )
    return mask.copy()
