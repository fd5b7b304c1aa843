"""Readers and writers, on real and on damaged files."""

import gzip
import re
import warnings
from functools import partial
from pathlib import Path

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

import mizoo
from mizoo.datasets.read import SkippedEvents
from mizoo.datasets.readers.record import partons
from mizoo.datasets.readers.selection import as_listed
from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.process import Process

read = partial(mizoo.datasets.read, process=TTBAR)
stream = partial(mizoo.datasets.stream, process=TTBAR)
write = partial(mizoo.datasets.write, process=TTBAR)

DATA = Path(__file__).parent / "data"
ROOT, LHE = DATA / "ttbar_reco.root", DATA / "ttbar_reco.lhe.gz"
SUFFIXES = (".parquet", ".csv", ".npz", ".h5")


@pytest.fixture(scope="module")
def pairs():
    return read(ROOT, LHE)


@pytest.fixture(scope="module")
def few(pairs):
    return pairs[:10]


def test_delphes_and_les_houches_make_pairs(pairs):
    assert 0.12 < len(pairs) / 3000 < 0.15  # 13.5 % of all events pass
    gap = np.arctan2(pairs.x[:, 1], pairs.x[:, 0]) - np.arctan2(pairs.z[:, 1], pairs.z[:, 0])
    assert np.median(np.abs((gap + np.pi) % (2 * np.pi) - np.pi)) < 0.1  # the electron's azimuth
    packaged = mizoo.datasets.ttbar().train
    for space in "xz":
        np.testing.assert_allclose(pairs[space].std(0), packaged[space].std(0), rtol=0.25)


def test_selection_is_that_of_a_plain_loop():
    with uproot.open(ROOT) as file:
        events = file["Delphes"].arrays(
            filter_name=["*.PT", "*.Charge", "Jet.Eta", "Jet.Phi"], library="np"
        )
    x = read(ROOT).x
    kept = 0
    for number in range(3000):
        counts = [len(events[f"{name}.PT"][number]) for name in ("Electron", "Muon", "Photon", "Jet")]
        if counts != [1, 0, 0, 4] or events["Electron.Charge"][number][0] != -1:
            continue
        pt, eta, phi = (events[f"Jet.{name}"][number].astype("float64") for name in ("PT", "Eta", "Phi"))
        order = np.argsort(-pt)
        expected = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], -1)
        np.testing.assert_allclose(x[kept, 8:].reshape(4, 4), expected[order], rtol=1e-5)
        kept += 1
    assert kept == len(x)


def test_partons_of_the_record_are_those_of_the_les_houches_file():
    content = np.load(DATA / "records.npz")
    ends = np.cumsum(content["counts"])
    names = ("PID", "Status", "M1", "Px", "Py", "Pz", "E")
    for start, end, expected in zip(ends - content["counts"], ends, content["partons"], strict=True):
        record = {name: content[name][start:end] for name in names}
        np.testing.assert_allclose(partons(record, TTBAR), expected, atol=2e-4)
        record["PID"] = np.where(record["PID"] == 5, 3, record["PID"])
        assert partons(record, TTBAR) is None


def test_a_selection_of_ones_own():
    def five_jets(objects, process):
        return np.asarray(ak.num(objects["jet"]) == 5)

    x = read(ROOT, select=five_jets).x
    assert len(x) > 100
    assert len(x) != len(read(ROOT))
    both = read(ROOT, select=lambda o, p: as_listed(o, p) | five_jets(o, p))
    assert len(both) == len(x) + len(read(ROOT))


@pytest.mark.ci
def test_another_process_is_a_few_lines():
    pair = Process(
        name="W",
        partons=[{"name": "e-", "pdgid": 11}, {"name": "nubar", "pdgid": -12}],
        objects=[{"name": "e-", "kind": "electron", "charge": -1}, {"name": "j", "kind": "jet"}],
    )
    events = read(ROOT, LHE, process=pair, select=lambda objects, _: np.ones(len(objects["jet"]), bool))
    assert events.x.shape[1] == events.z.shape[1] == 8
    w = events.z.reshape(-1, 2, 4).astype("float64").sum(1)
    assert np.median(np.sqrt(w[:, 3] ** 2 - np.square(w[:, :3]).sum(1))) == pytest.approx(80.4, abs=0.5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read(suffix, few, tmp_path):
    path = tmp_path / f"events{suffix}"
    write(path, few.arrays())
    beside = {f"{path.name}.sha256", f"{path.name}.process.json"}
    assert {p.name for p in tmp_path.iterdir()} - beside == {path.name}
    again = read(path)
    for space in "xz":
        np.testing.assert_allclose(again[space], few[space], rtol=1e-6)
    write(path, few.only("z").arrays())
    assert read(path).x is None


def test_tables_in_memory(few, tmp_path):
    write(tmp_path / "events.parquet", few.arrays())
    frame = pd.read_parquet(tmp_path / "events.parquet")
    array = ak.Array({name: frame[name].to_numpy() for name in frame})
    for table in (frame, array):
        np.testing.assert_array_equal(read(table).z, few.z)


def test_groups_of_hdf5(few, tmp_path):
    import h5py

    with h5py.File(tmp_path / "otus.hdf5", "w") as file:
        file["FDL/data"], file["ROL/data"] = few.z, few.x
    np.testing.assert_array_equal(read(tmp_path / "otus.hdf5").x, few.x)


@pytest.mark.parametrize("chunk", [pytest.param(70, marks=pytest.mark.ci), 1000])
def test_streams_are_what_is_read(chunk, pairs):
    parts = list(stream(ROOT, LHE, chunk=chunk))
    assert all(len(part) <= chunk for part in parts)
    for space in "xz":
        np.testing.assert_array_equal(np.concatenate([part[space] for part in parts]), pairs[space])


def spoilt(tmp_path, name, change, source=None):
    path = tmp_path / name
    path.write_bytes(change((source or (DATA / name)).read_bytes()))
    return path


@settings(max_examples=25, deadline=None)
@given(cut=st.floats(0.001, 0.999))
def test_a_les_houches_file_cut_anywhere_is_refused(cut, tmp_path_factory):
    text = gzip.decompress(LHE.read_bytes())[:60_000]
    path = tmp_path_factory.mktemp("cut") / "cut.lhe"
    path.write_bytes(text[: int(cut * len(text))])
    with pytest.raises(ValueError, match=r"cut\.lhe"):
        read(path)


@settings(max_examples=8, deadline=None)
@given(cut=st.floats(0.0, 0.98))
def test_files_cut_anywhere_are_refused(cut, tmp_path_factory, few):
    directory = tmp_path_factory.mktemp("cut")
    for name in ("few.parquet", "few.npz", "few.h5"):
        write(directory / name, few.arrays())
    (directory / "few.lhe.gz").write_bytes(gzip.compress(gzip.decompress(LHE.read_bytes())[:60_000]))
    (directory / "few.root").write_bytes(ROOT.read_bytes())
    for path in directory.iterdir():
        content = path.read_bytes()
        path.write_bytes(content[: int(cut * len(content))])
        with pytest.raises(ValueError, match=re.escape(str(path))):
            read(path)


@pytest.mark.ci
def test_errors_say_where(few, tmp_path):
    text = gzip.decompress(LHE.read_bytes())
    cases = {
        "other.lhe": (text.replace(b"       11     1", b"       13     1"), "no events of ttbar after"),
        "letters.lhe": (text.replace(b"9.0454222101e+02", b"abc", 1), r"event 0: .*abc"),
        "nothing.root": (b"nothing", "not a ROOT file"),
        "what.txt": (b"", "unknown format"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}.*{message}"):
            read(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"none\.root"):
        read(tmp_path / "none.root")
    with uproot.recreate(tmp_path / "tree.root") as file:
        file["other"] = {"a": np.zeros(3)}
    with pytest.raises(ValueError, match=r"tree\.root: no tree 'Delphes', only other"):
        read(tmp_path / "tree.root")
    with uproot.recreate(tmp_path / "branch.root") as file:
        file["Delphes"] = {"a": np.zeros(3)}
    with pytest.raises(ValueError, match=r"branch\.root, tree Delphes: no branch Electron\.PT"):
        read(tmp_path / "branch.root")
    with pytest.raises(ValueError, match="no events of ttbar after selection"):
        read(ROOT, select=lambda objects, _: np.zeros(len(objects["jet"]), bool))
    write(tmp_path / "few.h5", few.arrays())
    with pytest.raises(ValueError, match=r"numbers of events differ.* 3000.* 10"):
        read(LHE, tmp_path / "few.h5")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("x.px_jet1", np.nan, "not finite"),
        ("z.E_b", -3.0, "a negative energy"),
        ("x.px_jet4", 1e4, "not ordered by falling pT"),
    ],
)
def test_bad_events_are_named_or_counted(column, value, message, few, tmp_path):
    write(tmp_path / "events.parquet", few.arrays())
    frame = pd.read_parquet(tmp_path / "events.parquet")
    frame.loc[[4, 7], column] = value
    frame.to_csv(tmp_path / "bad.csv", index=False)
    where = rf"bad\.csv, event 4: {column[0]}, .*{message}"
    with pytest.raises(ValueError, match=where):
        read(tmp_path / "bad.csv")
    with pytest.warns(SkippedEvents, match=f"2 bad events left out; the first: .*{where}"):
        assert len(read(tmp_path / "bad.csv", skip_bad=True, chunk=3)) == 8
    frame.drop(columns="x.px_jet2").to_csv(tmp_path / "less.csv")
    with pytest.raises(ValueError, match=r"less\.csv: no column x\.px_jet2"):
        read(tmp_path / "less.csv")


def test_good_files_raise_no_warning(few, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write(tmp_path / "few.csv", few.arrays())
        read(tmp_path / "few.csv", skip_bad=True)
    with pytest.raises(ValueError, match="cannot write this format"):
        write(tmp_path / "few.xls", few.arrays())
