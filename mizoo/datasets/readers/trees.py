"""Trees of ROOT files, in parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mizoo.core.optional import extra
from mizoo.datasets.readers.damage import brief
from mizoo.datasets.readers.limits import check_bytes


def opened(path: str | Path, name: str) -> Any:
    """Open a tree of a ROOT file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no ROOT file or has no such tree.
    """
    uproot = extra("uproot", "reading .root files")
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        file = uproot.open(path)
        there = sorted({key.partition(";")[0] for key in file.iterkeys()})
        found = file.get(name)
    except Exception as error:  # uproot raises arbitrary errors for other files
        raise ValueError(f"not a ROOT file, or cut short: {brief(error)}") from error
    if found is None:
        raise ValueError(f"no tree {name!r}, only {', '.join(there) or 'nothing'}")
    if not isinstance(found, uproot.TTree | uproot.behaviors.RNTuple.RNTuple):
        raise ValueError(f"{name!r} must be a tree of columns, is a {found.classname}")
    return found


def has(path: str | Path, name: str) -> bool:
    """Whether a ROOT file has an object of a name; False if that cannot be determined."""
    try:
        with extra("uproot", "reading .root files").open(path) as file:
            return name in file
    except ImportError:
        raise
    except Exception:  # uproot raises arbitrary errors for other files; readers say more
        return False


def branches(tree: Any) -> list[str]:
    """Names of the branches that hold values."""
    keys = tree.keys(recursive=True)
    groups = {key.rpartition("/")[0] for key in keys}
    return sorted({key.rpartition("/")[2] for key in keys if key not in groups})


def arrays(tree: Any, names: list[str], size: int, max_bytes: int) -> Iterator[Any]:
    """Awkward arrays of all events, at most `size` events each.

    Raises:
        ValueError: if a tree is truncated or damaged (it names the last good event), or if `size` events
            take more than `max_bytes`.
    """
    _check_size(tree, names, size, max_bytes)
    first = 0
    try:
        for events in pieces(tree, names, size):
            yield events
            first += len(events)
    except (OSError, EOFError, extra("uproot").DeserializationError) as error:
        after = f"after event {first - 1}" if first else "before the first event"
        raise ValueError(f"cut short or damaged {after}: {brief(error)}") from error
    if first != tree.num_entries:
        raise ValueError(f"cut short: it has {first} of its {tree.num_entries} events")


def pieces(tree: Any, names: list[str], size: int) -> Iterator[Any]:
    """Awkward arrays of branches, at most `size` events each."""
    if isinstance(tree, extra("uproot").TTree):
        return iter(tree.iterate(names, step_size=size))
    # Skims may be RNTuples, in which uproot finds names with a dot only by a filter.
    wanted, starts = set(names).__contains__, range(0, tree.num_entries, size)
    return (tree.arrays(filter_name=wanted, entry_start=i, entry_stop=i + size) for i in starts)


def per_event(values: Any, name: str, word: str = "branch") -> np.ndarray:
    """Values (n,) of a branch with one value per event, in a list or not.

    Raises:
        ValueError: if an event has none or several; it names branch and event.
    """
    ak = extra("awkward", "reading .root files")
    if values.ndim == 1:
        return np.asarray(ak.to_numpy(ak.fill_none(values, np.nan)))
    counts = ak.to_numpy(ak.num(values))
    if len(wrong := np.flatnonzero(counts != 1)):
        raise ValueError(
            f"{word} {name} must have one value per event, event {wrong[0]} has {counts[wrong[0]]}"
        )
    return np.asarray(ak.to_numpy(ak.flatten(values)))


def _check_size(tree: Any, names: list[str], size: int, max_bytes: int) -> None:
    """Check the memory of a chunk, for which whole baskets (the pieces of stored branches) are read."""
    if not isinstance(tree, extra("uproot").TTree):
        return
    events = max(1, tree.num_entries)
    needed = 0
    for name in names:
        branch = tree[name]
        count = max(1, branch.num_baskets)
        needed += branch.uncompressed_bytes * min(1.0, max(1.0 / count, size / events))
    check_bytes(int(needed), max_bytes, f"a chunk of {size} events")
