"""Files of events: written atomically, by one process at a time, with the given content."""

import multiprocessing
import os
import shutil
import signal
import subprocess

import h5py
import numpy as np
import pandas as pd
import pytest
from interruption import killed_at, names, small_disk

from mizoo.datasets import Events, Samples, read, write
from mizoo.datasets.integrity import sidecar, verify
from mizoo.datasets.write import writer
from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.library import zee as ZEE

SUFFIXES = [".parquet", ".csv", ".h5", ".hdf5", ".npz", ".root"]
WITH_SIDECAR = [".parquet", ".csv", ".root"]
FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def events(ttbar):
    few = ttbar.test[:50]
    return Events(few.x, few.z, process=TTBAR, weights=np.linspace(1.0, 2.0, 50))


def write_parts(path, *parts):
    with writer(path, TTBAR) as append:
        for part in parts:
            append(part)


def equal(events, others):
    found = [(getattr(events, name), getattr(others, name)) for name in ("x", "z", "weights")]
    return all((a is None and b is None) or np.array_equal(a, b) for a, b in found)


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: {"x": e.x[:, :8]}, r"x of ttbar: the shape must be \(n, 24\), .*got \(50, 8\)"),
        (lambda e: {"z": e.z.reshape(50, 6, 4)}, r"z of ttbar: the shape must be .*got \(50, 6, 4\)"),
        (lambda e: {"x": e.x[0]}, r"x of ttbar: the shape must be .*got \(24,\)"),
        (lambda e: {"x": e.x, "z": e.z[:-1]}, "the same events, got 50 x, 49 z"),
        (lambda e: {"x": e.x, "weights": np.ones(51)}, "the same events, got 50 x, 51 weights"),
        (lambda e: {"x": e.x, "weights": np.ones((50, 1))}, r"weights .*must be \(n,\), got \(50, 1\)"),
        (lambda e: {"x": e.x, "weights": 1.0}, r"weights .*must be \(n,\), got \(\)"),
        (lambda e: {"x": e.x, "weights": changed(np.ones(50), 3, np.inf)}, "inf .*event 3"),
        (
            lambda e: {"x": changed(e.x, (7, 4), np.nan)},
            r"x of ttbar: px_met is nan \(not finite\) in event 7",
        ),
        (lambda e: {"x": changed(e.x, (7, 4), -np.inf)}, "px_met is -inf"),
        (lambda e: {}, "no events to write: x, z or both are needed"),
        (lambda e: {"weights": np.ones(50)}, "no events to write: x, z or both are needed"),
        (lambda e: {"x": e.x[:0]}, "no events to write"),
        (lambda e: {"x": e.x, "y": e.x}, "must be named x, z and weights, or event and sample, got y"),
        (lambda e: {"x": e.x.astype("complex64")}, "must be real numbers, got complex64"),
        (lambda e: {"x": e.x.astype(str)}, "must be real numbers"),
        (lambda e: {"x": np.ma.masked_less(e.x, 0.0)}, "x of ttbar: values are masked"),
        (lambda e: {"x": e.frame("x")[TTBAR.columns("x")[::-1]]}, "x of ttbar: columns must be px_e-"),
        (lambda e: {"x": None}, "x of ttbar"),
        (lambda e: None, "got NoneType"),
        (lambda e: e.x, "got ndarray"),
    ],
)
@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_wrong_input_is_told_in_one_line(events, tmp_path, suffix, change, message):
    path = tmp_path / f"out{suffix}"
    with pytest.raises(ValueError, match=message) as error:
        write(path, change(events), process=TTBAR)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert not names(tmp_path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_events_are_no_file(suffix, tmp_path):
    with (
        pytest.raises(ValueError, match=rf"out\{suffix}: no events to write"),
        writer(tmp_path / f"out{suffix}", TTBAR),
    ):
        pass
    assert not names(tmp_path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_numbers_of_any_type_come_back(suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    pt = np.arange(50)[:, None] + np.array([100, 90, 80, 70, 60, 50])
    x = np.stack([pt, 0 * pt, 0 * pt, pt], -1).reshape(50, 24)
    for kind in (">f4", "f8", "f2", "i4", "u2", "g"):
        write(path, {"x": x.astype(kind)}, process=TTBAR)
        np.testing.assert_array_equal(read(path).x, x)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_must_be_alike(events, suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    with writer(path, TTBAR) as append:
        append({"x": events.x, "z": events.z})
        append({"z": events.z, "x": events.x})  # whatever the order
        append({"x": events.x[:0], "z": events.z[:0]})
    np.testing.assert_array_equal(read(path).x, np.concatenate([events.x, events.x]))
    for other in (
        {"x": events.x},
        {"x": events.x, "z": events.z.astype("f8")},
        {"x": events.x, "weights": events.weights},
    ):
        with pytest.raises(ValueError, match="these events have"):
            write_parts(path, events.only("x").arrays() | events.only("z").arrays(), other)
    assert len(read(path)) == 100


def test_the_process_is_that_of_the_events(events, tmp_path):
    z = np.abs(events.z[:, :8])
    electrons = Events(z=z, process=ZEE)
    write(tmp_path / "zee.csv", electrons)
    assert list(pd.read_csv(tmp_path / "zee.csv")) == [f"z.{name}" for name in ZEE.columns("z")]
    write(tmp_path / "plain.csv", Samples(z=z), process=ZEE)
    assert (tmp_path / "plain.csv").read_bytes() == (tmp_path / "zee.csv").read_bytes()
    with pytest.raises(ValueError, match="the events are of zee, not of ttbar"):
        write(tmp_path / "out.csv", electrons, process=TTBAR)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read_and_protected(events, suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    write(path, events)
    assert equal(read(path), events)
    beside = {sidecar(path).name} if suffix in WITH_SIDECAR else set()
    described = {f"{path.name}.process.json"} if suffix == ".csv" else set()
    assert names(tmp_path) == {path.name, *beside, *described}
    if beside and shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", *beside], cwd=tmp_path, check=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_overwriting_is_asked_for(events, suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    write(path, events[:10], overwrite=False)
    with pytest.raises(FileExistsError, match=r"exists: .*--overwrite"):
        write(path, events, overwrite=False)
    with pytest.raises(ValueError, match="NoneType"):
        write_parts(path, events.arrays(), None)
    assert len(read(path)) == 10
    sidecar(path).write_text(f"{'0' * 64}  {path.name}\n")  # of a former one
    write(path, events)
    assert len(read(path)) == 50


@pytest.mark.parametrize("size", [0, 2_000, 30_000, 250_000])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_told_and_nothing_stays(ttbar, suffix, size, tmp_path):
    path = tmp_path / f"out{suffix}"
    opened = h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL)
    with pytest.raises(OSError, match=rf"{path} cannot be written: ") as error, small_disk(size):
        write(path, ttbar.train[:2_000])
    assert "\n" not in str(error.value)
    assert not names(tmp_path)
    # What HDF5 still holds when Python ends, it tries to write once more, and crashes.
    assert h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL) == opened


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_fills_up_leaves_the_former_file(ttbar, events, suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    write(path, events)
    with pytest.raises(OSError, match="cannot be written"), small_disk(300_000):
        write_parts(path, *[ttbar.train[:400].arrays()] * 20)
    assert equal(read(path), events)


def write_slowly(path, events, ready, done):
    with writer(path, TTBAR) as append:
        append(events.arrays())
        ready.set()
        done.wait(30)
        append(events.arrays())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_of_two_processes_writes(events, suffix, tmp_path):
    path = tmp_path / f"out{suffix}"
    ready, done = FORK.Event(), FORK.Event()
    child = FORK.Process(target=write_slowly, args=(path, events, ready, done))
    child.start()
    assert ready.wait(20)
    with pytest.raises(BlockingIOError, match="is being written by another process") as error:
        write(path, events[:3])
    assert "\n" not in str(error.value)
    done.set()
    child.join()
    assert child.exitcode == 0
    assert len(read(path)) == 100
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def test_one_of_two_writers_of_a_process_writes(events, tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "out.csv")
    with writer(tmp_path / "out.csv", TTBAR) as append:
        for other in ("out.csv", "link.csv"):
            with pytest.raises(BlockingIOError):
                write(tmp_path / other, events)
        append(events.arrays())
    assert len(read(tmp_path / "link.csv")) == 50


def test_a_lock_ends_with_its_process(events, tmp_path):
    ready, done = FORK.Event(), FORK.Event()
    child = FORK.Process(target=write_slowly, args=(tmp_path / "out.csv", events, ready, done))
    child.start()
    assert ready.wait(20)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert ".out.csv.lock" in names(tmp_path)
    write(tmp_path / "out.csv", events)
    assert names(tmp_path) == {"out.csv", "out.csv.sha256", "out.csv.process.json"}


@pytest.mark.parametrize("suffix", [".csv", pytest.param(".h5", marks=pytest.mark.ci)])
def test_a_kill_at_any_point_leaves_a_file_or_none(events, suffix, tmp_path):
    path, points = tmp_path / f"out{suffix}", 0
    write(path, events[:10])
    while killed_at(points, tmp_path, lambda: write(path, events)):
        assert len(read(path)) in (10, 50)
        write(path, events[:10])
        assert not [name for name in names(tmp_path) if name.startswith(".")]
        points += 1
    assert points > 4


def test_what_is_beside_a_file_is_checked(events, tmp_path):
    path = tmp_path / "out.csv"
    write(path, events)
    digest = sidecar(path).read_text().split()[0]
    for text in (
        digest,
        f"{digest.upper()} *out.csv\r\n",
        f"{digest}  elsewhere/out.csv\n\n",
        f"{digest}  former-name.csv",
        f"{'0' * 64}  other.csv\n{digest}  out.csv\n",
    ):
        sidecar(path).write_text(text)
        verify(path)
    for text in ("", "nothing", digest[1:], f"{'0' * 64}  a.csv\n{digest}  b.csv", "\x00\xff"):
        sidecar(path).write_text(text)
        with pytest.raises(ValueError, match=r"out\.csv: out\.csv\.sha256 beside it has no SHA-256 of it"):
            read(path)
    write(path, events)
    path.write_text(path.read_text() + "\n")
    with pytest.raises(
        ValueError, match=r"out\.csv is damaged or was changed: .*remove out\.csv\.sha256 if"
    ):
        read(path)
    sidecar(path).unlink()
    assert len(read(path)) == 50
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere.csv")
