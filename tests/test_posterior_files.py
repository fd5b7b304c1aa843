"""Several draws per event in files: rows, numbers of events and draws, weights, seeds, resumed draws."""

import json
import tracemalloc
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
import uproot
from interruption import Interrupted, Model, Stopped, names, small_disk
from test_weights import ROOT

from mizoo.datasets import Events, SkippedEvents, read, read_arrays, write
from mizoo.datasets.integrity import sidecar
from mizoo.datasets.write import writer
from mizoo.export.generate import generate
from mizoo.physics.library import ttbar as TTBAR

SUFFIXES = [".parquet", ".h5", ".root", ".csv", ".npz"]


class Smearing:
    """Draws true events of the other space, whichever row it is given: a draw depends on all arguments."""

    name = "smearing"

    def checksum(self):
        return "smearing"

    def decode(self, z, seed):
        factor = np.random.default_rng(seed).uniform(0.5, 1.5, (len(z), 1))
        return (z * factor).astype("float32")

    encode = decode


@pytest.fixture(scope="module")
def events(ttbar):
    few = ttbar.test[:200]
    return Events(few.x, few.z, process=TTBAR, weights=np.linspace(-1.0, 3.0, 200))


@pytest.fixture
def source(events, tmp_path):
    write(tmp_path / "in.parquet", events)
    return tmp_path / "in.parquet"


def table(path):
    """All columns of a file that was written, by another library than ours."""
    match path.suffix:
        case ".parquet":
            return pd.read_parquet(path)
        case ".csv":
            return pd.read_csv(path)
        case ".root":
            with uproot.open(path) as file:
                return file["events"].arrays(library="pd")
        case ".npz":
            with np.load(path) as file:
                arrays = {name: file[name] for name in file.files if name != "process"}
        case ".h5":
            with h5py.File(path) as file:
                arrays = {name: file[name][...] for name in file}
    drawn = next(array for array in arrays.values() if array.ndim == 2)
    single = {name: array for name, array in arrays.items() if array.ndim == 1}
    single["weight"] = single.pop("weights")
    return pd.DataFrame({**single, "z.px_e-": drawn[:, 0]})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_has_a_row_per_draw(events, source, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    assert generate(Smearing(), "encode", source, out, seed=1, chunk=70, samples=3) == 200
    rows = table(out)
    np.testing.assert_array_equal(rows["event"], np.repeat(np.arange(200), 3))
    np.testing.assert_array_equal(rows["sample"], np.tile([0, 1, 2], 200))
    assert all(pd.api.types.is_integer_dtype(rows[name]) for name in ("event", "sample"))
    np.testing.assert_allclose(rows["weight"], np.repeat(events.weights, 3))
    again = read(out)
    assert again.x is None
    assert again.process == TTBAR
    np.testing.assert_allclose(again.weights, np.repeat(events.weights, 3))
    np.testing.assert_allclose(again.z[:, 0], rows["z.px_e-"], rtol=1e-6)
    per_event = again.z.reshape(200, 3, 24)
    ratio = per_event / events.x[:, None]
    assert ((ratio[..., 0] > 0.5) & (ratio[..., 0] < 1.5)).all()  # of its own event
    assert len(np.unique(per_event[:, :, 0])) == 600  # no draw twice


def test_draws_do_not_depend_on_how_many_or_on_the_file(events, source, tmp_path):
    found = {}
    write(tmp_path / "in.h5", events)
    for name, given, samples in (
        ("one", source, None),
        ("single", source, 1),
        ("three", source, 3),
        ("seven", source, 7),
        ("other", tmp_path / "in.h5", 7),
    ):
        out = tmp_path / f"{name}.npz"
        generate(Smearing(), "encode", given, out, seed=5, chunk=60, samples=samples)
        found[name] = read(out).z.reshape(200, -1, 24)
    assert [array.shape[1] for array in found.values()] == [1, 1, 3, 7, 7]
    for name in ("one", "single", "three"):
        np.testing.assert_array_equal(found["seven"][:, : found[name].shape[1]], found[name])
    np.testing.assert_array_equal(found["other"], found["seven"])


def test_readers_cut_files_as_they_like(events, tmp_path, monkeypatch):
    """Row groups of a Parquet file do not affect the draws."""
    pieces = events.frame("x").add_prefix("x.")
    pieces.to_parquet(tmp_path / "whole.parquet")
    pieces.to_parquet(tmp_path / "cut.parquet", row_group_size=7)
    drawn = []
    for name in ("whole", "cut"):
        arguments = {"process": TTBAR, "seed": 2, "chunk": 30, "samples": 2}
        generate(Smearing(), "encode", tmp_path / f"{name}.parquet", tmp_path / f"{name}.h5", **arguments)
        drawn.append(read(tmp_path / f"{name}.h5").z)
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("suffix", [".parquet", ".h5"])
@pytest.mark.parametrize("calls", [1, 4, 11])
def test_an_interrupted_draw_of_several_goes_on(few, source, tmp_path, suffix, calls):
    """After any number of draws, in the middle of the samples of a chunk as well."""
    model, arguments = Model(few.train), {"seed": 3, "chunk": 70, "samples": 5}
    generate(model, "decode", source, whole := tmp_path / f"whole{suffix}", **arguments)
    out = tmp_path / f"out{suffix}"
    with pytest.raises(Stopped):
        generate(Interrupted(model, calls), "decode", source, out, **arguments)
    assert not out.exists()
    for wrong in (4, 6, None):
        with pytest.raises(ValueError, match="another samples"):
            generate(model, "decode", source, out, **{**arguments, "samples": wrong}, resume=True)
    rest = Interrupted(model, 99)
    generate(rest, "decode", source, out, **arguments, resume=True)
    done = sum([70, 70, 60][i // 5] for i in range(calls))
    assert rest.drawn == 200 * 5 - done
    pd.testing.assert_frame_equal(table(out), table(whole))
    np.testing.assert_array_equal(read(out).x, read(whole).x)


def test_events_that_are_left_out_are_counted(events, tmp_path):
    frame = pd.concat([events.frame(s).add_prefix(f"{s}.") for s in "xz"], axis=1)
    frame.loc[[7, 80], "x.px_e-"] = np.nan
    frame.to_parquet(tmp_path / "in.parquet")
    out, arguments = (
        tmp_path / "out.parquet",
        {"process": TTBAR, "skip_bad": True, "samples": 2, "chunk": 30},
    )
    with pytest.warns(SkippedEvents, match="2 bad events left out"):
        assert generate(Smearing(), "encode", tmp_path / "in.parquet", out, **arguments) == 198
    there = np.delete(np.arange(200), [7, 80])
    np.testing.assert_array_equal(pd.read_parquet(out)["event"], np.repeat(there, 2))


def test_numbers_are_entries_of_a_selected_delphes_file(tmp_path):
    out = tmp_path / "out.csv"
    generate(Smearing(), "encode", ROOT, out, process=TTBAR, samples=2, seed=0)
    rows = pd.read_csv(out)
    with uproot.open(ROOT) as file:
        pt = file["Delphes/Electron.PT"].array()
    first = rows[rows["sample"] == 0]
    assert 100 < len(first) < len(pt)
    drawn = np.hypot(first["z.px_e-"], first["z.py_e-"]) / np.array(pt[first["event"], 0])
    assert ((drawn > 0.499) & (drawn < 1.501)).all()


@pytest.mark.parametrize("samples", [0, -3, 2.5, "3", True, 1.0])
def test_what_is_no_number_of_samples_is_refused(source, tmp_path, samples):
    with pytest.raises(ValueError, match="samples must be a whole number of 1 or more, got") as error:
        generate(Smearing(), "encode", source, tmp_path / "out.h5", samples=samples)
    assert "\n" not in str(error.value)
    assert names(tmp_path) == {"in.parquet", "in.parquet.sha256"}


def test_several_draws_are_not_paired_with_events(events, source, tmp_path):
    """A column `event` usually pairs events by number; here it has positions, unlike in other tables."""
    frame = events.frame("x").add_prefix("x.").assign(event=np.arange(200)[::-1])
    frame.to_parquet(tmp_path / "x.parquet")
    for suffix in (".parquet", ".h5", ".root", ".csv"):
        out = tmp_path / f"z{suffix}"
        generate(Smearing(), "encode", source, out, samples=1)
        with pytest.raises(ValueError, match=rf"z\{suffix}: columns event and sample are those of several"):
            read(tmp_path / "x.parquet", out, process=TTBAR)


def test_numpy_files_are_written_in_pieces(events, tmp_path):
    """They equal those of `numpy.savez`, and no part of them is kept in memory."""

    part = {"x": events.x.astype("float64"), "weights": events.weights}
    peaks = []
    for count in (10, 200):
        tracemalloc.start()
        with writer(tmp_path / f"{count}.npz", TTBAR) as append:
            for _ in range(count):
                append(part)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + part["x"].nbytes * 20  # of 190 more
    with np.load(tmp_path / "200.npz", allow_pickle=False) as content:
        np.testing.assert_array_equal(content["x"], np.tile(part["x"], (200, 1)))
        np.testing.assert_array_equal(content["weights"], np.tile(events.weights, 200))
        assert json.loads(str(content["process"])) == json.loads(json.dumps(TTBAR.to_dict()))
    with zipfile.ZipFile(tmp_path / "200.npz") as file:
        assert file.testzip() is None
    assert names(tmp_path) == {"10.npz", "200.npz"}


def test_a_full_disk_is_told_while_a_numpy_file_waits(events, source, tmp_path):
    before = names(tmp_path)
    generate(Smearing(), "encode", source, tmp_path / "whole.npz", seed=1, samples=9, chunk=50)
    size = (tmp_path / "whole.npz").stat().st_size
    with pytest.raises(OSError, match=r"out\.npz cannot be written: ") as error, small_disk(size // 2):
        generate(Smearing(), "encode", source, tmp_path / "out.npz", seed=1, samples=9, chunk=50)
    assert "\n" not in str(error.value)
    assert names(tmp_path) == before | {"whole.npz", ".out.npz.draws"}
    generate(Smearing(), "encode", source, tmp_path / "out.npz", samples=9, chunk=50, resume=True)
    np.testing.assert_array_equal(read(tmp_path / "out.npz").z, read(tmp_path / "whole.npz").z)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"event": np.arange(200.0)}, r"event of ttbar: \(n,\) whole numbers .* got float64"),
        ({"sample": np.full(200, -1)}, r"sample of ttbar: \(n,\) whole numbers of 0 or more"),
        ({"event": np.zeros((200, 1), int)}, r"of shape \(200, 1\)"),
        ({"event": np.arange(199)}, "same events, got 199 event, 200 x"),
    ],
)
def test_numbers_of_events_are_whole(events, tmp_path, extra, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "out.h5", {"x": events.x, **extra}, process=TTBAR)


def test_arrays_beside_events_are_no_data(source, tmp_path):
    generate(Smearing(), "encode", source, out := tmp_path / "out.npz", samples=2)
    np.testing.assert_array_equal(read_arrays(out).z, read(out).z)
    assert not sidecar(out).exists()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".h5", ".root", ".npz"])  # text takes minutes here
def test_memory_does_not_grow_with_events(events, tmp_path, suffix):
    """Readers hold some 10 000 events, writers some draws; more events need no more memory."""
    arguments, peaks = {"seed": 1, "chunk": 1000, "samples": 3}, []
    for times in (1, 120, 240):  # the first one loads libraries
        write(tmp_path / "in.h5", {"x": np.tile(events.x, (times, 1))}, process=TTBAR)
        tracemalloc.start()
        generate(Smearing(), "encode", tmp_path / "in.h5", tmp_path / f"{times}{suffix}", **arguments)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + 1e6  # the draws of 24 000 more events are 6.9 MB
