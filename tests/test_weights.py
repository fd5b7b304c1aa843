"""Event weights, from files through training to tables."""

import gzip
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import uproot

from mizoo import Turbo
from mizoo.datasets import Events, Samples, batches, read, read_arrays, stream, write
from mizoo.export.generate import generate
from mizoo.mappers import Gaussian
from mizoo.networks import mlp
from mizoo.objectives import terms
from mizoo.physics.library import ttbar as TTBAR
from mizoo.representations import Identity

DATA = Path(__file__).parent / "data"
ROOT, LHE = DATA / "ttbar_reco.root", DATA / "ttbar_reco.lhe.gz"


@pytest.fixture(scope="module")
def weighted(ttbar):
    few = ttbar.train[:60]
    return Events(few.x, few.z, process=TTBAR, weights=np.linspace(0.0, 2.0, 60))


@pytest.mark.ci
def test_weights_of_a_les_houches_file_have_the_last_word(tmp_path):
    assert read(ROOT, LHE, process=TTBAR).weights is None  # all are the same
    text = gzip.decompress(LHE.read_bytes()).decode().splitlines(keepends=True)
    heads = [i + 1 for i, line in enumerate(text) if line.startswith("<event")]
    for number, i in enumerate(heads):
        words = text[i].split()
        words[2] = f"{0.5 + number % 3:.10e}"
        text[i] = " ".join(words) + "\n"
    (tmp_path / "w.lhe").write_text("".join(text))
    events = read(ROOT, tmp_path / "w.lhe", process=TTBAR)
    assert set(events.weights) == {0.5, 1.5, 2.5}
    parts = list(stream(ROOT, tmp_path / "w.lhe", process=TTBAR, chunk=500))
    np.testing.assert_array_equal(np.concatenate([part.weights for part in parts]), events.weights)


def test_weights_of_delphes(tmp_path):
    with uproot.open(ROOT) as file:
        tree = file["Delphes"]
        names = [k for k in tree.keys(recursive=True) if k.rpartition("/")[2] == "Event.Weight"]
        assert names  # the real branch, of which all values are 1
        assert np.all(tree[names[0]].array(entry_stop=10) == 1)
    assert all(part.weights is not None for part in stream(ROOT, process=TTBAR))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".npz", ".h5", ".root"])
def test_weights_are_written_and_read(suffix, weighted, tmp_path):
    write(tmp_path / f"events{suffix}", weighted)
    np.testing.assert_allclose(read(tmp_path / f"events{suffix}").weights, weighted.weights)
    if suffix == ".npz":
        np.testing.assert_allclose(read_arrays(tmp_path / "events.npz").weights, weighted.weights)


def test_weights_go_along_where_events_go(weighted, tmp_path):
    assert len(weighted[10:20].weights) == 10
    assert weighted.only("x").weights is weighted.weights

    class Copy:
        name = "copy"

        def decode(self, z, seed=None):
            return z

    write(tmp_path / "z.parquet", weighted.only("z"))
    generate(Copy(), "decode", tmp_path / "z.parquet", tmp_path / "x.parquet", seed=0)
    frame = pd.read_parquet(tmp_path / "x.parquet")
    np.testing.assert_allclose(frame["weight"], weighted.weights)


def test_batches_have_events_as_often_as_their_weights_say():
    x = np.arange(50.0)[:, None]
    data = Samples(x, weights=np.arange(50.0))
    seen = np.zeros(50)
    for batch in data.epochs(50).take(400):
        seen += np.bincount(batch["x"].numpy()[:, 0].astype(int), minlength=50)
    np.testing.assert_allclose(seen / 400, data.weights / data.weights.mean(), atol=0.06)
    once = np.concatenate([batch["x"].numpy() for batch in data.batches(20)])[:, 0]
    assert len(once) == 50
    assert np.abs(np.bincount(once.astype(int), minlength=50) - data.weights / 24.5).max() < 1.0
    even = Samples(x, weights=np.full(50, 3.0))
    for batch in even.epochs(50).take(3):
        np.testing.assert_array_equal(np.sort(batch["x"], 0), x)


@pytest.mark.ci
def test_a_training_with_weights_finds_the_weighted_distribution():
    """Two values of x with weights 3 and 1: the mean given z, which says nothing, is a quarter."""
    x = np.repeat([0.0, 1.0], 64)[:, None]
    data = Samples(x, np.zeros((128, 1)), weights=np.repeat([3.0, 1.0], 64))
    model = Turbo(
        None, Gaussian(mlp([], 2), (1,)), terms({"L_x_tilde": 1.0}), Identity((1,)), Identity((1,))
    )
    model.compile(keras.optimizers.Adam(0.05))
    model.fit(data, batch_size=128, epochs=200, verbose=0)
    drawn = model.decode(np.zeros((20_000, 1)))
    assert np.mean(drawn) == pytest.approx(0.25, abs=0.02)
    assert np.std(drawn) == pytest.approx(np.sqrt(3.0) / 4.0, abs=0.02)


@pytest.mark.ci
def test_files_stream_into_batches(weighted, tmp_path):
    write(tmp_path / "events.parquet", weighted)
    source = tmp_path / "events.parquet"
    seen, count = np.zeros(60), 0
    for batch in batches(source, batch_size=7, chunk=25).repeat(40):
        assert batch["x"].shape == batch["z"].shape == (7, 24)
        rows = (np.abs(weighted.x[:, None] - batch["x"].numpy()[None]).max(-1) == 0.0).argmax(0)
        seen, count = seen + np.bincount(rows, minlength=60), count + 7
    # Measured in the mean of the first 25 events.
    mean = weighted.weights[:25].mean()
    assert count / 40 == pytest.approx(weighted.weights.sum() / mean, rel=0.05)
    assert np.corrcoef(seen, weighted.weights)[0, 1] > 0.98
    with pytest.raises(tf.errors.InvalidArgumentError, match="a batch of 500 needs as many events"):
        next(iter(batches(source, batch_size=500)))


def test_a_model_trains_on_a_stream(weighted, tmp_path):
    write(tmp_path / "events.h5", weighted)
    model = Turbo(
        None, Gaussian(mlp([], 48), (24,)), terms({"L_x_tilde": 1.0}), Identity((24,)), Identity((24,))
    )
    model.compile("adam")
    data = batches(tmp_path / "events.h5", batch_size=20).repeat()
    history = model.fit(data, epochs=2, steps_per_epoch=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_weights_that_make_no_sense_are_refused(weighted, tmp_path):
    x = np.zeros((3, 1))
    for weights, message in (
        ([1.0, 2.0], "one a row"),
        ([1.0, np.nan, 1.0], "finite"),
        ([1.0, -2.0, 1.0], "positive sum"),
    ):
        with pytest.raises(ValueError, match=message):
            Samples(x, weights=np.array(weights))
    negative = Samples(x, weights=np.array([1.0, -0.5, 1.0]))  # as of generators at next-to-leading order
    with pytest.raises(ValueError, match=r"1 of 3 are negative: .*positive_resampling makes them"):
        negative.epochs(1)
    with pytest.raises(ValueError, match=r"1 of 3 are negative: .*positive_resampling makes them"):
        negative.batches(1)
    write(tmp_path / "events.parquet", weighted)
    frame = pd.read_parquet(tmp_path / "events.parquet")
    frame.loc[4, "weight"] = np.nan
    frame.to_csv(tmp_path / "bad.csv")
    with pytest.raises(ValueError, match=r"bad\.csv, event 4: its weight is nan"):
        read(tmp_path / "bad.csv", process=TTBAR)
