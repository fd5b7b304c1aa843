"""Damaged files of every format: events, or one line that names the file.

`MIZOO_FUZZ` is the number of damaged files per format, 30 by default.
"""

import gzip
import os
import random
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import uproot

import mizoo
from mizoo.datasets import read_arrays, write
from mizoo.physics.library import ttbar as TTBAR

read = partial(mizoo.datasets.read, process=TTBAR)

DATA = Path(__file__).parent / "data"
COUNT = int(os.environ.get("MIZOO_FUZZ", "30"))
NAMES = ("a.lhe", "a.lhe.gz", "delphes.root", "table.root", "a.parquet", "a.csv", "a.npz", "a.npy", "a.h5")


def mutated(content: bytes, seed: int) -> bytes:
    """Content with some bits flipped, a part cut off, a part inserted, or a part duplicated."""
    rng = random.Random(seed)
    changed = bytearray(content)
    where = rng.randrange(len(changed))
    length = rng.choice((1, 4, 16, 100, 2000))
    match seed % 4:
        case 0:
            for _ in range(rng.choice((1, 3, 10, 100))):
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        case 1:
            changed = changed[:where] if rng.random() < 0.5 else changed[:where] + changed[where + length :]
        case 2:
            changed[where:where] = rng.randbytes(length) if rng.random() < 0.5 else b"\x00" * length
        case 3:
            changed[where:where] = changed[where : where + length]
    return bytes(changed)


@pytest.fixture(scope="module")
def originals(tmp_path_factory, ttbar):
    folder = tmp_path_factory.mktemp("originals")
    few = ttbar.train[:60]
    for name in ("table.root", "a.parquet", "a.csv", "a.npz", "a.h5"):
        write(folder / name, few, process=TTBAR)
    np.save(folder / "a.npy", few.x)
    text = gzip.decompress((DATA / "ttbar_reco.lhe.gz").read_bytes()).partition(b"</event>")
    body = (text[0] + text[1] + text[2])[:40_000].rpartition(b"<event>")[0] + b"</LesHouchesEvents>\n"
    (folder / "a.lhe").write_bytes(body)
    (folder / "a.lhe.gz").write_bytes(gzip.compress(body))
    with uproot.open(DATA / "ttbar_reco.root") as file:
        tree = file["Delphes"]
        names = ("Electron", "Muon", "Photon", "Jet", "MissingET")
        fields = {
            n: [f"{n}.{f}" for f in ("MET" if n == "MissingET" else "PT", "Eta", "Phi")] for n in names
        }
        fields["Electron"].append("Electron.Charge")
        branches = [branch for of_kind in fields.values() for branch in of_kind] + ["Event.Weight"]
        arrays = tree.arrays(branches, entry_stop=200)
    with uproot.recreate(folder / "delphes.root") as file:
        file.mktree("Delphes", {branch: arrays[branch].type.content for branch in branches})
        file["Delphes"].extend({branch: arrays[branch] for branch in branches})
    return folder


@pytest.mark.ci
@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_give_events_or_one_line(name, originals, tmp_path, record_property):
    content = (originals / name).read_bytes()
    assert len(read(originals / name))
    path = tmp_path / name
    readers = (read, read_arrays) if path.suffix in (".npz", ".npy") else (read,)
    refused = 0
    for seed in range(COUNT):
        path.write_bytes(mutated(content, seed))
        for reader in readers:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    found = reader(path)
                except (ValueError, OSError) as error:
                    text = str(error)
                    assert str(path) in text, (seed, text)
                    assert "\n" not in text, (seed, text)
                    assert len(text) < len(str(path)) + 400, (seed, text)
                    refused += reader is read
                else:
                    assert len(found), seed
    record_property("damaged files", COUNT)
    record_property("of them refused", refused)
