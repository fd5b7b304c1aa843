"""Runs that are damaged, resumed twice or with other events, or that fill the disk."""

import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import tensorflow as tf
from conftest import eager, toy
from interruption import small_disk

from mizoo.datasets import Samples, Split
from mizoo.datasets.disk import telling_full
from mizoo.datasets.lock import sole_writer
from mizoo.training import Backup, DamagedBackup, KeepBest
from mizoo.training.recipe import Recipe, train

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
SPLIT = Split(*[Samples(X[i : i + 20]) for i in (0, 20, 40)])
RECIPE = Recipe("ae", {"x": (3,), "latent": 2, "units": 4}, epochs=3, batch_size=10, precision="float32")


def run(folder, split=SPLIT, resume=True, recipe=RECIPE):
    with eager():
        return train(recipe, split, folder, resume=resume, verbose=0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of three epochs, and its model."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    return folder, run(folder)


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of the run, as if it had been killed before its end."""
    path = shutil.copytree(finished[0], tmp_path / "run")
    (path / "model.keras").unlink()
    return path


def backups(folder):
    return sorted(path.name for path in (folder / "backup").glob("*.index"))


def damage(path):
    """Change some bytes in the middle of a file."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(byte ^ 85 for byte in content[middle : middle + 40])
    path.write_bytes(content)


@pytest.fixture
def saved(tmp_path):
    """A folder with two backups of a model, after two and three epochs."""
    backup = Backup(tmp_path / "backup")
    backup.set_model(toy(["L_z_tilde"]))
    backup.on_train_begin()
    for epoch in range(3):
        backup.on_epoch_end(epoch)
    assert backups(tmp_path) == ["ckpt-2.index", "ckpt-3.index"]
    return tmp_path / "backup"


@pytest.mark.ci
@pytest.mark.parametrize("which", ["data", "index"])
@pytest.mark.parametrize("how", ["change", "cut", "take away"])
def test_a_damaged_backup_falls_back_to_the_one_before(saved, how, which):
    (path,) = saved.glob(f"ckpt-3.{which}*")
    if how == "change":
        damage(path)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.unlink()
    with pytest.warns(DamagedBackup, match="ckpt-3 is damaged: "):
        assert Backup(saved).resume(toy(["L_z_tilde"])) == (2, 0)


@pytest.mark.ci
def test_a_run_goes_on_from_the_backup_before(finished, folder):
    (path,) = (folder / "backup").glob("ckpt-3.data*")
    damage(path)
    with pytest.warns(DamagedBackup, match="ckpt-3 is damaged: "):
        again = run(folder)
    for a, b in zip(finished[1].weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len((folder / "metrics.csv").read_text().splitlines()) == 4


@pytest.mark.ci
def test_backups_that_are_all_damaged_are_refused(folder):
    for path in (folder / "backup").glob("*.data*"):
        damage(path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.warns(DamagedBackup), pytest.raises(ValueError, match="has no backup that is intact, of 2"):
        run(folder)
    for path, content in before.items():
        assert path.name in ("log.txt",) or path.read_bytes() == content


@pytest.mark.ci
@pytest.mark.parametrize(
    ("lost", "error", "message"),
    [
        ("backup/checkpoint", FileNotFoundError, "checkpoint is missing or damaged, and there are backups"),
        ("backup", FileNotFoundError, r"backup: no backup of the epochs in metrics\.csv"),
        ("config.json", FileNotFoundError, r"config\.json: no such file, and a backup beside it"),
    ],
)
def test_a_lost_file_does_not_start_the_run_anew(folder, lost, error, message):
    path = folder / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    rows = (folder / "metrics.csv").read_text()
    with pytest.raises(error, match=message) as found:
        run(folder)
    assert "\n" not in str(found.value)
    assert (folder / "metrics.csv").read_text() == rows


@pytest.mark.ci
def test_a_damaged_list_of_backups_is_told(folder):
    (folder / "backup" / "checkpoint").write_text("{")
    with pytest.raises(FileNotFoundError, match="checkpoint is missing or damaged"):
        run(folder)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("split", "message"),
    [
        (Split(Samples(X[:10]), SPLIT.validation, SPLIT.test), "trained on other events: 20, now 10"),
        (Split(Samples(X[1:21]), SPLIT.validation, SPLIT.test), "trained on other events: 20, now 20"),
        (Split(SPLIT.train, Samples(X[:20]), SPLIT.test), "trained on other events"),
        (
            Split(Samples(X[:20], weights=np.arange(1.0, 21.0)), SPLIT.validation, SPLIT.test),
            "trained on other events",
        ),
    ],
)
def test_other_events_or_fewer_are_refused(folder, split, message):
    with pytest.raises(ValueError, match=message):
        run(folder, split)


@pytest.mark.ci
def test_a_run_that_goes_on_is_not_resumed_by_another(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with sole_writer(folder), pytest.raises(BlockingIOError, match="is being written by another process"):
        run(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    run(folder)
    assert not (folder.parent / ".run.lock").exists()


@pytest.mark.ci
def test_a_row_cut_short_is_written_again(finished, folder):
    for path in (folder / "backup").glob("ckpt-3*"):
        path.unlink()
    lines = (folder / "metrics.csv").read_text().splitlines(keepends=True)
    (folder / "metrics.csv").write_text("".join([*lines[:3], "2,1.2e"]))
    with pytest.warns(DamagedBackup):
        again = run(folder)
    for a, b in zip(finished[1].weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len((folder / "metrics.csv").read_text().splitlines()) == 4


def test_a_first_backup_that_was_interrupted_is_none(saved):
    for name in (
        "checkpoint",
        "ckpt-2.index",
        "ckpt-3.index",
        *(f"ckpt-{n}.data-00000-of-00001" for n in (2, 3)),
    ):
        (saved / name).unlink()
    (saved / "ckpt-1.data-00000-of-00001").write_bytes(b"x")
    assert Backup(saved).saved() == []


def test_a_save_never_takes_the_place_of_a_kept_one(tmp_path):
    model = toy(["L_z_tilde"])
    for epochs in (3, 2):  # the second one as after a resume
        backup = Backup(tmp_path)
        backup.set_model(model)
        backup.on_train_begin()
        for epoch in range(epochs):
            backup.on_epoch_end(epoch)
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-4.index", "ckpt-5.index"]


# ---------------------------------------------------------------- full disks


FILL = """
import resource, sys, signal
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_backup import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
try:
    run(Path({folder!r}), resume={resume})
except OSError as error:
    print(repr(str(error)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 3_000, 60_000])
def test_a_full_disk_ends_a_training_in_one_line_and_it_goes_on(finished, tmp_path, request, size):
    folder = tmp_path / "run"
    code = FILL.format(tests=str(request.path.parent), size=size, folder=str(folder), resume=False)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = done.stdout.strip().splitlines()
    assert f"{folder} cannot be written: File too large" in line
    assert "\\n" not in line
    again = run(folder, resume=True)
    for a, b in zip(finished[1].weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_full_disk_leaves_the_backups_before(tmp_path):
    model = toy(["L_z_tilde"])
    backup = Backup(tmp_path)
    backup.set_model(model)
    backup.on_train_begin()
    backup.on_epoch_end(0)
    with (
        pytest.raises(OSError, match=rf"{tmp_path} cannot be written: File too large; wait") as found,
        telling_full(tmp_path, "wait"),
        small_disk(100),
    ):
        backup.on_epoch_end(1)
    assert "\n" not in str(found.value)
    assert Backup(tmp_path).resume(toy(["L_z_tilde"])) == (1, 0)


def test_best_weights_are_replaced_as_a_whole(tmp_path):
    model = toy(["L_z_tilde"])
    best = KeepBest(tmp_path / "best.weights.h5")
    best.set_model(model)
    best.on_epoch_end(0, {"val_ks": 3.0})
    content = best.path.read_bytes()
    model.encoder.weights[0].assign_add(tf.ones_like(model.encoder.weights[0]))
    for worse in (float("nan"), 3.0, 4.0):
        best.on_epoch_end(1, {"val_ks": worse})
    assert best.path.read_bytes() == content
    opened = h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL)
    with small_disk(10_000), pytest.raises(OSError, match="File too large"):
        best.on_epoch_end(2, {"val_ks": 1.0})
    assert h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL) == opened
    assert [path.name for path in tmp_path.iterdir()] == ["best.weights.h5"]
    assert best.path.read_bytes() == content
    best.on_epoch_end(2, {"val_ks": 1.0})
    again = toy(["L_z_tilde"])
    again.load_weights(best.path)
    np.testing.assert_array_equal(again.encoder.weights[0], model.encoder.weights[0])
