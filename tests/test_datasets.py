import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizoo.datasets import Events, read_hdf5, write_hdf5
from mizoo.datasets.ttbar import read_momenta, write_momenta
from mizoo.physics import TTBAR


def test_splits_and_columns(ttbar):
    assert [len(split) for split in (ttbar.train, ttbar.validation, ttbar.test)] == [50_000, 4_000, 18_770]
    z, x = ttbar.train.frame("z"), ttbar.train.frame("x")
    assert list(z.columns[:4]) == ["px_e-", "py_e-", "pz_e-", "E_e-"]
    assert list(z.columns[8:12]) == ["px_b", "py_b", "pz_b", "E_b"]
    assert list(x.columns[4:12]) == [
        "px_met",
        "py_met",
        "pz_met",
        "E_met",
        "px_jet1",
        "py_jet1",
        "pz_jet1",
        "E_jet1",
    ]
    assert ttbar.train.x.dtype == ttbar.train.z.dtype == np.float32


def test_columns_hold_what_they_say(ttbar):
    """The decay chain fixes which column is which: W- to e- nubar, W+ to u dbar, their tops."""
    z = ttbar.validation.z.reshape(-1, 6, 4).astype("float64")

    def peak(*partons):
        total = z[:, partons].sum(1)
        return np.median(np.sqrt(total[:, 3] ** 2 - np.square(total[:, :3]).sum(-1)))

    assert peak(0, 1) == pytest.approx(80.4, abs=0.5)
    assert peak(4, 5) == pytest.approx(80.4, abs=0.5)
    assert peak(0, 1, 3) == pytest.approx(173.0, abs=0.5)
    assert peak(4, 5, 2) == pytest.approx(173.0, abs=0.5)
    np.testing.assert_allclose(z[..., :2].sum(1), 0.0, atol=1e-4)
    x = ttbar.validation.x.reshape(-1, 6, 4)
    pt = np.hypot(x[..., 0], x[..., 1])
    assert (np.diff(pt[:, 2:], axis=1) <= 0).all()
    # x and z are pairs: the electron is measured well, and recoils against initial-state radiation.
    assert np.median(np.abs(x[:, 0, 0] - z[:, 0, 0])) < 4.0


def test_energies_follow_from_masses_to_float32_rounding(ttbar):
    for space in ("x", "z"):
        events = ttbar.test[space].reshape(-1, 6, 4)
        momenta = events[..., :3].astype("float64")
        energy = np.sqrt(np.square(momenta).sum(-1) + TTBAR.masses(space) ** 2)
        assert np.all(np.abs(events[..., 3] - energy) <= np.spacing(events[..., 3]))


def test_momenta_round_trip(few, tmp_path):
    write_momenta(tmp_path / "m.h5", few.test)
    again = read_momenta(tmp_path / "m.h5", TTBAR)
    np.testing.assert_array_equal(again.x, few.test.x)
    np.testing.assert_array_equal(again.z, few.test.z)


def test_batches_hold_every_event_once(few):
    batches = list(few.train.batches(30))
    assert [len(batch["x"]) for batch in batches] == [30] * 6 + [20]
    np.testing.assert_array_equal(np.concatenate([b["z"] for b in batches]), few.train.z)


def test_epochs_shuffle_keep_pairs_and_depend_on_their_number_alone(few):
    def epoch(first, skip):
        data = few.train.epochs(50, seed=3, first=first).skip(4 * skip).take(4)
        return np.concatenate([batch["x"] for batch in data]), np.concatenate([b["z"] for b in data])

    x, z = epoch(0, 0)
    order = [int(np.flatnonzero((few.train.x == row).all(1))[0]) for row in x]
    assert sorted(order) == list(range(200))
    assert order != list(range(200))
    np.testing.assert_array_equal(z, few.train.z[order])
    np.testing.assert_array_equal(epoch(0, 2)[0], epoch(2, 0)[0])
    assert not np.array_equal(epoch(0, 0)[0], epoch(1, 0)[0])


def test_too_large_a_batch_is_refused(few):
    with pytest.raises(ValueError, match="201"):
        few.train.epochs(201)


def test_hdf5_round_trip(few, tmp_path):
    write_hdf5(tmp_path / "e.h5", few.test.arrays())
    again = read_hdf5(tmp_path / "e.h5")
    np.testing.assert_array_equal(again.x, few.test.x)
    np.testing.assert_array_equal(again.z, few.test.z)
    assert [path.name for path in tmp_path.iterdir()] == ["e.h5"]


def written(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def good(few):
    return few.test.z.copy()


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        read_hdf5(tmp_path / "none.h5")


def test_files_that_are_not_what_they_should_be(few, tmp_path):
    z = good(few)
    cases = {
        "neither FDL": written(tmp_path / "a.h5", other=z),
        r"b\.h5, FDL: z .*\(n, 24\).*\(200, 23\)": written(tmp_path / "b.h5", FDL=z[:, :23]),
        r"c\.h5, FDL: z has no events": written(tmp_path / "c.h5", FDL=z[:0]),
        "pairs, got 5 x and 6 z": written(tmp_path / "d.h5", FDL=z[:6], ROL=few.test.x[:5]),
    }
    for message, path in cases.items():
        with pytest.raises(ValueError, match=message):
            read_hdf5(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_files_cut_short_are_named(few, tmp_path, share):
    whole = written(tmp_path / "whole.h5", FDL=good(few), ROL=few.test.x)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    with pytest.raises(ValueError, match=r"cut\.h5: .*cut short"):
        read_hdf5(cut)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 199), st.integers(0, 23), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_values_not_finite_are_found(few, event, column, value):
    z = good(few)
    z[event, column] = value
    with pytest.raises(ValueError, match=rf"event {event}: {TTBAR.columns('z')[column]} is .*not finite"):
        Events(z=z, process=TTBAR)


def test_negative_energy_is_found(few):
    z = good(few)
    z[7, 11] = -1.0
    with pytest.raises(ValueError, match=r"1 bad events; the first is event 7: E_b is -1\.0"):
        Events(z=z, process=TTBAR)


def test_events_need_a_space():
    with pytest.raises(ValueError, match="x, z or both"):
        Events(process=TTBAR)
    with pytest.raises(ValueError, match="'y'"):
        TTBAR.columns("y")
