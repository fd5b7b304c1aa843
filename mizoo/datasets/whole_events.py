"""Whole events with any number of jets, from a file that the package does not have."""

from pathlib import Path
from typing import Any

import numpy as np

from mizoo.core.optional import extra
from mizoo.datasets.events import Events
from mizoo.datasets.read import read
from mizoo.datasets.readers.damage import named
from mizoo.datasets.readers.hdf5 import data_set, opened
from mizoo.datasets.readers.limits import MAX_BYTES
from mizoo.datasets.samples import Split
from mizoo.physics import library
from mizoo.physics.process import COMPONENTS

_TRAIN, _VALIDATION = 70_000, 5_000
_OBJECTS = {"electron": ("pt", "eta", "phi"), "met": ("pt", "phi")}
_JETS = ("pt", "eta", "phi", "mass", "btag")
_ONE_ELECTRON = "n_electrons == 1 and n_jets >= 2"  # the file has no other leptons
_CUT_SHORT = "the sum of jet_count is not the number of jets: cut short?"


def ttbar_events(path: str | Path) -> Split:
    """Whole events pp → tt̄ → e⁻ν̄ b b̄ u d̄, of `mizoo.processes.ttbar_events`, from an HDF5 file.

    Its data sets are `FDL` (n, 24), the partons e⁻, ν̄, b, b̄, u, d̄ with px, py, pz, E; `electron` (n, 3)
    with pT, η, φ; `met` (n, 2) with pT, φ; `jet_count` (n,); and `jets` (sum of counts, 5) with pT, η, φ,
    mass and b-tag, event after event; in GeV. The first 70 000 events are for training, the next 5 000 for
    validation, the others for test. A `SurplusObjects` warning gives the number of events that are left out
    as they have more than ten jets.

    Raises:
        ImportError: without awkward.
        OSError: if the file does not exist or cannot be read.
        ValueError: if it is no such file; it names file and data set.
    """
    process = library.get("ttbar_events")
    with named(path):
        table = _table(path)
    partons = {one.name: {c: f"{c}_{one.name}" for c in COMPONENTS} for one in process.z}
    columns = {
        "x": {
            "e-": {field: f"electron_{field}" for field in _OBJECTS["electron"]},
            "met": {field: f"met_{field}" for field in _OBJECTS["met"]},
            "jet": {field: f"jet_{field}" for field in _JETS},
        },
        "z": partons,
    }

    def part(start: int, stop: int | None) -> Events:
        return read(table[start:stop], process=process, columns=columns, select=_ONE_ELECTRON)

    with named(path):
        last = _TRAIN + _VALIDATION
        return Split(part(0, _TRAIN), part(_TRAIN, last), part(last, None))


def _table(path: str | Path) -> Any:
    """The content of the file as an awkward array of columns, lists for jets."""
    ak = extra("awkward", "reading whole events")
    process = library.get("ttbar_events")
    with opened(path) as file:
        there = {name: np.asarray(data_set(file, name, MAX_BYTES)[...]) for name in file}
    widths = {"FDL": len(process.columns("z")), "jets": len(_JETS)}
    widths |= {name: len(fields) for name, fields in _OBJECTS.items()}
    for name in (*widths, "jet_count"):
        if name not in there:
            raise ValueError(f"no data set {name}; there are {', '.join(there) or 'none'}")
        shape = () if name == "jet_count" else (widths[name],)
        if there[name].shape[1:] != shape:
            expected = ", ".join(map(str, ("n", *shape)))
            raise ValueError(f"{name} must have shape ({expected}), got {there[name].shape}")
    lengths = {name: len(there[name]) for name in (*widths, "jet_count") if name != "jets"}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"data sets must be of the same events, got {listed}")
    counts = there["jet_count"].astype("int64")
    if counts.sum() != len(there["jets"]):
        raise ValueError(_CUT_SHORT)
    found = dict(zip(process.columns("z"), there["FDL"].T, strict=True))
    for name, fields in _OBJECTS.items():
        found |= {f"{name}_{field}": there[name][:, i] for i, field in enumerate(fields)}
    lists = {f"jet_{field}": ak.unflatten(there["jets"][:, i], counts) for i, field in enumerate(_JETS)}
    return ak.zip({name: np.ascontiguousarray(of) for name, of in found.items()} | lists, depth_limit=1)
