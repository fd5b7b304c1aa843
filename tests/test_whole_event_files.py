"""Events with any number of jets: files of every format, awkward and ragged arrays, readers, selection."""

from dataclasses import replace

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import uproot
import vector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole_events import PROCESS, made_up

from mizoo.datasets import Events, SkippedEvents, flat_arrays, padded, ragged, read, write
from mizoo.physics.process import Process

SUFFIXES = [".parquet", ".csv", ".h5", ".npz", ".root"]
WITH_FEATURES = Process(
    name="leptons",
    partons=[{"name": "e-", "pdgid": 11}],
    objects=[
        {"name": "jet", "kind": "jet", "count": 2, "features": ["btag"], "massive": True},
        {"name": "e", "kind": "electron", "count": [0, 1], "features": ["charge"]},
        {"name": "mu", "kind": "muon", "count": [0, 3], "features": ["charge"]},
    ],
)
COUNTS = st.lists(st.integers(2, 10), min_size=1, max_size=6)
EASY = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def leptons(counts):
    """Events of two jets, any number of muons and, if this is odd, an electron."""
    random = np.random.default_rng(len(counts))
    x = np.zeros((len(counts), 4 * 6 + 6), "f4")
    for row, count in zip(x, counts, strict=True):
        pt = np.sort(random.uniform(30, 100, 6))[::-1]
        there = [True, True, count % 2 == 1, *(i < count for i in range(3))]
        row[0:24:4] = row[3:24:4] = pt * there
        row[24:26] = random.integers(0, 2, 2)
        row[26:30] = random.choice([-1, 1], 4) * there[2:]
    return Events(x, process=WITH_FEATURES)


def same(found, events):
    for name in ("x", "z", "weights"):
        one, other = getattr(found, name), getattr(events, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)
    assert found.process == events.process


@pytest.mark.ci
@pytest.mark.parametrize("suffix", SUFFIXES)
@EASY
@given(counts=COUNTS, seed=st.integers(0, 99), weighted=st.booleans())
def test_files_give_back_what_was_written(suffix, tmp_path, counts, seed, weighted):
    weights = np.linspace(1.0, 2.0, len(counts)) if weighted and len(counts) > 1 else None
    events = made_up(counts, seed, weights=weights)
    write(tmp_path / f"out{suffix}", events)
    same(read(tmp_path / f"out{suffix}"), events)


@pytest.mark.ci
@pytest.mark.parametrize("suffix", SUFFIXES)
@EASY
@given(counts=st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_files_of_features_and_of_objects_that_may_lack_altogether(suffix, tmp_path, counts):
    events = leptons(counts)
    write(tmp_path / f"out{suffix}", events)
    same(read(tmp_path / f"out{suffix}"), events)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_are_read_and_written_as_a_whole(suffix, tmp_path):
    from mizoo.datasets import stream
    from mizoo.datasets.write import writer

    events = made_up([2, 10, 5, 4, 3, 7, 2])
    path = tmp_path / f"out{suffix}"
    with writer(path, PROCESS) as append:
        for rows in (slice(0, 3), slice(3, 4), slice(4, 7)):
            append(events[rows].arrays())
    same(read(path), events)
    parts = list(stream(path, chunk=2))
    assert [len(part) for part in parts] == [2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate([part.x for part in parts]), events.x)


def test_files_have_the_layout_of_their_format(tmp_path):
    counts = [2, 10, 5]
    events = made_up(counts)
    for suffix in SUFFIXES:
        write(tmp_path / f"out{suffix}", events)
    jets = events.x[:, 8:48].reshape(3, 10, 4)
    pt = [jets[i, :n, 0].tolist() for i, n in enumerate(counts)]
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["x.px_jet"].to_pylist() == pt
    assert {"x.px_e-", "x.px_met", "x.btag_jet", "z.px_b"} <= set(table.column_names)
    assert "x.px_jet1" not in table.column_names
    with uproot.open(tmp_path / "out.root") as file:
        assert file["events"]["x.jet_count"].array().tolist() == counts
        assert file["events"]["x.px_jet"].array().tolist() == pt
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["ROL/jet_count"][...].tolist() == counts
        assert file["ROL/jet"].shape == (17, 5)
        assert file["ROL/e-"].shape == (3, 4)
    with np.load(tmp_path / "out.npz") as file:
        assert file["x.jet_count"].tolist() == counts
        np.testing.assert_array_equal(file["x.jet"][:2, :4], jets[0, :2])
    frame = pd.read_csv(tmp_path / "out.csv")
    assert frame["x.px_jet3"].isna().tolist() == [True, False, False]
    assert frame["x.btag_jet10"].isna().tolist() == [True, False, True]


def _change(name, value):
    def change(arrays):
        arrays[name] = value(arrays[name])

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _change("x.jet_count", lambda c: c + np.array([1, 0, 0])),
            "the sum of jet_count is 18, and there are 17 jet",
        ),
        (_change("x.jet_count", lambda c: c[:2]), "the sum of jet_count is 12, and there are 17 jet"),
        (_change("x.jet_count", lambda c: c - [0, 9, -9]), "event 1: jet_count is 1, 2 to 10 expected"),
        (
            _change("x.jet_count", lambda c: c + np.array([-1, 1, 0])),
            "event 0: jet_count is 1, 2 to 10 expected",
        ),
        (_change("x.jet_count", lambda c: c + 0.5), r"jet_count must be whole numbers \(n,\)"),
        (
            _change("x.jet", lambda jets: jets[:, :4]),
            r"jet must be numbers \(n, 5\), px py pz E btag, got",
        ),
        (_change("x.jet", lambda jets: jets[::-1]), "is not ordered by falling pT"),
        (_change("x.jet", lambda jets: np.where(jets == 1.0, 0.5, jets)), "is 0.5, 0 or 1 expected"),
        (
            _change("x.met", lambda met: met[:2]),
            "objects must be of the same events, got 3 e-, 2 met, 3 jet",
        ),
        (
            lambda arrays: arrays.pop("x.jet_count"),
            "objects of ttbar_events are e-, met, jet, jet_count",
        ),
        (lambda arrays: arrays.update(x=np.zeros((3, 58))), "x and x.e-: one of the two is expected"),
        (
            lambda arrays: arrays.update({"x.tau": np.zeros((3, 4))}),
            "must be named x, z and weights, got x.tau",
        ),
    ],
)
def test_wrong_flat_arrays_are_told_in_one_line(change, message, tmp_path):
    write(tmp_path / "good.npz", made_up([2, 10, 5]))
    arrays = dict(np.load(tmp_path / "good.npz"))
    change(arrays)
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path / "bad.npz")
    assert str(caught.value).startswith(str(tmp_path / "bad.npz"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_holes_are_not_written(suffix, tmp_path):
    x = made_up([2, 10, 5]).x.copy()
    x[1, 4 * 5 : 4 * 6] = 0.0
    with pytest.raises(ValueError, match=r"E_jet4 is 0, but E_jet5 is .* in event 1"):
        write(tmp_path / f"out{suffix}", {"x": x}, process=PROCESS)


def test_bad_lists_are_bad_events(tmp_path):
    events = made_up([2, 10, 5, 3])
    write(tmp_path / "good.parquet", events)
    table = pq.read_table(tmp_path / "good.parquet").to_pandas()
    lists = [f"x.{c}_jet" for c in ("px", "py", "pz", "E", "btag")]
    for name in lists:
        first, *others = table[name]
        table[name] = [first[:1], *others]
    table.to_parquet(tmp_path / "few.parquet")
    with pytest.raises(ValueError, match=r"few\.parquet, event 0: jet_count is 1, 2 to 10 expected"):
        read(tmp_path / "few.parquet", process=PROCESS)
    with pytest.warns(SkippedEvents, match="1 bad events left out"):
        found = read(tmp_path / "few.parquet", process=PROCESS, skip_bad=True)
    np.testing.assert_array_equal(found.x, events.x[1:])
    table["x.btag_jet"] = table["x.btag_jet"].map(lambda tags: tags[1:])
    table.to_parquet(tmp_path / "uneven.parquet")
    with pytest.raises(
        ValueError, match=r"columns x\.px_jet and x\.btag_jet have 1 and 0 objects in event 0"
    ):
        read(tmp_path / "uneven.parquet", process=PROCESS)
    table.drop(columns="x.btag_jet").to_parquet(tmp_path / "lacking.parquet")
    with pytest.raises(ValueError, match=r"no column x\.btag_jet"):
        read(tmp_path / "lacking.parquet", process=PROCESS)


def test_cells_of_an_object_are_empty_together(tmp_path):
    events = made_up([2, 10, 5])
    write(tmp_path / "good.csv", events)
    table = pd.read_csv(tmp_path / "good.csv")
    table.loc[1, "x.btag_jet7"] = np.nan
    table.to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(ValueError, match=r"event 1: x, btag_jet7 is nan \(not finite\)"):
        read(tmp_path / "bad.csv", process=PROCESS)


@EASY
@given(counts=COUNTS, seed=st.integers(0, 99))
def test_awkward_and_flat_arrays_give_back_the_events(counts, seed):
    events = made_up(counts, seed)
    same(read(events.to_awkward(), process=PROCESS), events)
    np.testing.assert_array_equal(padded(flat_arrays(events.x, PROCESS), PROCESS), events.x)
    jets = ragged(events.x, PROCESS)["jet"]
    assert jets.row_lengths().numpy().tolist() == counts
    assert jets.shape.as_list() == [len(counts), None, 5]
    np.testing.assert_array_equal(jets.flat_values, flat_arrays(events.x, PROCESS)["jet"])


def test_awkward_arrays_are_those_of_vector():
    events = replace(made_up([2, 10, 5]), weights=np.array([1.0, 2.0, 3.0]))
    array = events.to_awkward()
    assert array.fields == ["x", "z", "weights"]
    assert array.x.fields == ["e-", "met", "jet"]
    assert ak.num(array.x.jet).tolist() == [2, 10, 5]
    vector.register_awkward()
    pt = np.hypot(events.x[1, 8:48:4], events.x[1, 9:48:4])
    np.testing.assert_allclose(array.x.jet.pt[1].to_numpy(), pt, rtol=1e-6)
    assert ak.sum(array.x.jet.btag) == events.x[:, 48:].sum()
    same(read(array, process=PROCESS), events)
    few = leptons([0, 1, 3])
    assert few.to_awkward().x.e.charge.tolist() == [[], [few.x[1, 26]], [few.x[2, 26]]]


def test_frames_have_no_numbers_for_absent_objects(tmp_path):
    events = made_up([2, 10, 5])
    frame = events.frame("x")
    assert frame["btag_jet3"].isna().tolist() == [True, False, False]
    assert not frame[PROCESS.columns("x")[:16]].isna().any(axis=None)
    write(tmp_path / "out.h5", {"x": frame}, process=PROCESS)
    np.testing.assert_array_equal(read(tmp_path / "out.h5").x, events.x)
    same(read(frame.add_prefix("x."), process=PROCESS), events.only("x"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"jet_count": [3, 10, 5]}, "the sum of jet_count is 18, and there are 17 jet"),
        ({"jet_count": [1, 11, 5]}, "jet_count is 1, 2 to 10 expected in event 0"),
        ({"jet": np.zeros((17, 4))}, r"jet must be numbers \(n, 5\), .*got float64 \(17, 4\)"),
        ({"met": np.zeros((3, 1, 4))}, r"met must be numbers \(n, 4\)"),
        ({"met": np.zeros((2, 4))}, "must be of the same events"),
        ({"tau": np.zeros((3, 4))}, "objects of ttbar_events are e-, met, jet, jet_count, got"),
    ],
)
def test_wrong_flat_arrays_in_memory(change, message):
    arrays = flat_arrays(made_up([2, 10, 5]).x, PROCESS)
    with pytest.raises(ValueError, match=message) as caught:
        padded({**arrays, **change}, PROCESS)
    assert "\n" not in str(caught.value)
