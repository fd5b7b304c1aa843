from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mizoo
from mizoo.datasets import Events, Samples, digits, read_arrays, zee, zh
from mizoo.datasets.packaged import read_momenta, write_momenta
from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.library import zee as ZEE
from mizoo.physics.library import zh as ZH

read = partial(mizoo.datasets.read, process=TTBAR)


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
        energy = np.sqrt(np.square(momenta).sum(-1) + np.square(TTBAR.masses(space)))
        assert np.all(np.abs(events[..., 3] - energy) <= np.spacing(events[..., 3]))


@pytest.mark.parametrize(("load", "process", "sizes", "peaks"), [
    (zee, ZEE, (32_000, 3_000, 6_841), {(0, 1): 91.2}),
    (zh, ZH, (15_000, 1_500, 3_467), {(0, 1): 91.2, (2, 3): 125.0}),
])  # fmt: skip
def test_electron_pairs_and_higgs_bosons_are_packaged(load, process, sizes, peaks):
    split = load()
    assert tuple(map(len, (split.train, split.validation, split.test))) == sizes
    assert split.test.process is process
    z = split.test.z.reshape(sizes[2], -1, 4).astype("float64")
    for places, mass in peaks.items():
        total = z[:, places].sum(1)
        assert np.median(np.sqrt(total[:, 3] ** 2 - np.square(total[:, :3]).sum(-1))) == pytest.approx(
            mass, abs=0.3
        )
    np.testing.assert_allclose(z[..., :2].sum(1), 0.0, atol=1e-3)
    masses = np.sqrt(np.maximum(z[..., 3] ** 2 - np.square(z[..., :3]).sum(-1), 0.0))
    np.testing.assert_allclose(np.median(masses, 0), process.masses("z"), atol=5e-3)
    # Each object is in the acceptance of the process, and x and z are pairs.
    objects = split.test.x.reshape(sizes[2], -1, 4)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    eta = np.arcsinh(objects[..., 2] / pt)
    for i, one in enumerate(process.x):
        assert (pt[:, i] >= one.threshold(np, eta=eta[:, i]) * (1 - 1e-6)).all()
        assert np.abs(eta[:, i]).max() <= one.eta * (1 + 1e-6)
    assert np.median(np.abs(objects[:, 0, 0] - z[:, 0, 0])) < 6.0
    path = Path(__file__).parent / "data"
    events = read(path / f"{process.name}_reco.root", path / f"{process.name}_reco.lhe.gz", process=process)
    for space in "xz":
        np.testing.assert_allclose(events[space].std(0), split.train[space].std(0), rtol=0.5)


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


def written(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def good(few):
    return few.test.z.copy()


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        read(tmp_path / "none.h5")


def test_files_that_are_not_what_they_should_be(few, tmp_path):
    z = good(few)
    cases = {
        "neither FDL": written(tmp_path / "a.h5", other=z),
        r"b\.h5: z .*\(n, 24\).*\(200, 23\)": written(tmp_path / "b.h5", FDL=z[:, :23]),
        r"c\.h5: no events of ttbar": written(tmp_path / "c.h5", FDL=z[:0]),
        "pairs, got 5 x and 6 z": written(tmp_path / "d.h5", FDL=z[:6], ROL=few.test.x[:5]),
    }
    for message, path in cases.items():
        with pytest.raises(ValueError, match=message):
            read(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_files_cut_short_are_named(few, tmp_path, share):
    whole = written(tmp_path / "whole.h5", FDL=good(few), ROL=few.test.x)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    with pytest.raises(ValueError, match=r"cut\.h5: .*cut short"):
        read(cut)


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


def test_unpaired_samples_are_shuffled_apart_and_may_differ_in_number():
    data = Samples(np.arange(10.0)[:, None], np.arange(7.0)[:, None], paired=False)
    assert len(data) == 7
    batches = list(data.epochs(7).take(2))
    for batch in batches:
        assert len(set(batch["x"].numpy().ravel())) == 7
        assert sorted(batch["z"].numpy().ravel()) == list(range(7))
    assert not np.array_equal(batches[0]["x"], batches[0]["z"])
    pairs = data[:5].unpaired()
    assert not pairs.paired
    order = next(iter(pairs.epochs(5)))
    assert not np.array_equal(order["x"], order["z"])
    with pytest.raises(ValueError, match="pairs, got 10 x and 7 z"):
        Samples(data.x, data.z)


def test_one_space_only(few):
    assert list(few.train.only("x").arrays()) == ["x"]
    assert few.train.only("z").x is None
    assert few.train.only("x").process is TTBAR


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(5), r"shape \(n, …\)"),
        (np.zeros((0, 3)), r"shape \(n, …\)"),
        (np.array([[1.0], [np.nan], [np.inf]]), "x has 2 bad events; the first is event 1"),
    ],
)
def test_samples_are_checked(x, message):
    with pytest.raises(ValueError, match=message):
        Samples(x)


def test_digits():
    split = digits()
    assert [len(part) for part in (split.train, split.validation, split.test)] == [1397, 200, 200]
    assert split.train.x.shape[1:] == (8, 8, 1)
    assert (split.train.x.min(), split.train.x.max()) == (0.0, 1.0)
    assert split.train.z is None
    together = np.concatenate([split.train.x, split.validation.x, split.test.x]).reshape(1797, -1)
    assert len(np.unique(together, axis=0)) == 1797
    larger = digits(size=16, reduced=2).test
    assert larger.x.shape == (200, 16, 16, 1)
    assert larger.z.shape == (200, 8, 8, 1)
    np.testing.assert_allclose(larger.z[0, 0, 0], larger.x[0, :2, :2].mean(), rtol=1e-5)


def test_arrays_are_read_by_name_or_as_x(tmp_path):
    x, z = np.ones((4, 5, 6)), np.zeros((4, 2))
    np.savez(tmp_path / "both.npz", x=x, z=z)
    both = read_arrays(tmp_path / "both.npz")
    assert both.x.shape == (4, 5, 6, 1)
    assert both.z.shape == (4, 2)
    np.savez(tmp_path / "one.npz", images=x)
    assert read_arrays(tmp_path / "one.npz").x.shape == (4, 5, 6, 1)
    np.save(tmp_path / "plain.npy", z)
    assert read_arrays(tmp_path / "plain.npy").x.shape == (4, 2)


def test_arrays_that_are_not_what_they_should_be(tmp_path):
    np.savez(tmp_path / "names.npz", x=np.ones((2, 2)), y=np.ones((2, 2)))
    np.savez(tmp_path / "lengths.npz", x=np.ones((2, 2)), z=np.ones((3, 2)))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    (tmp_path / "text.npz").write_text("hello")
    for name, message in (
        ("names.npz", "named x, z and weights, got y"),
        ("lengths.npz", "got 2 x and 3 z"),
        ("objects.npy", "no NumPy file of plain arrays"),
        ("words.npy", "could not convert"),
        ("text.npz", "no NumPy file of plain arrays"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            read_arrays(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_arrays(tmp_path / "nowhere.npz")
