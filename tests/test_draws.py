"""Interrupted draws: none is lost, none is mixed with those of another job."""

import contextlib
import json
import multiprocessing
import os
import shutil
import signal

import keras
import numpy as np
import pytest
from conftest import toy
from interruption import Interrupted, Model, Stopped, interrupted, killed_at, names, small_disk

from mizoo.datasets import read, write
from mizoo.datasets.integrity import sidecar
from mizoo.datasets.readers.process_metadata import sidecar as process_sidecar
from mizoo.export import generate as module
from mizoo.export.generate import generate
from mizoo.export.identity import model_checksum
from mizoo.export.job import LostDraws
from mizoo.export.pretrained import Pretrained
from mizoo.physics.library import ttbar as TTBAR

FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def model(few):
    return Model(few.train)


@pytest.fixture
def source(few, tmp_path):
    write(tmp_path / "in.parquet", few.test)
    return tmp_path / "in.parquet"


class Unordered(Model):
    """Draws the jets of x in the wrong order."""

    def decode(self, z, seed=None):
        x = np.array(super().decode(z, seed=seed)).reshape(len(z), 6, 4)
        return x[:, [0, 1, 5, 4, 3, 2]].reshape(len(z), 24)


def test_jets_are_written_in_the_order_of_files(few, source, tmp_path):
    for name, kind in (("plain", Model), ("turned", Unordered)):
        generate(kind(few.train), "decode", source, tmp_path / f"{name}.parquet", seed=1)
    plain, turned = (read(tmp_path / f"{name}.parquet").x for name in ("plain", "turned"))
    assert np.array_equal(plain, turned)


def test_an_interrupted_draw_goes_on(model, source, tmp_path):
    whole, out = tmp_path / "whole.h5", tmp_path / "out.h5"
    generate(model, "decode", source, whole, seed=3, chunk=30)
    with pytest.raises(Stopped):
        generate(Interrupted(model, 4), "decode", source, out, seed=3, chunk=30)
    assert not out.exists()
    with pytest.raises(FileExistsError, match="interrupted"):
        generate(model, "decode", source, out, seed=3, chunk=30)
    with pytest.raises(ValueError, match="another seed"):
        generate(model, "decode", source, out, seed=4, chunk=30, resume=True)
    rest = Interrupted(model, 10)
    generate(rest, "decode", source, out, chunk=30, resume=True)
    assert rest.drawn == 200 - 4 * 30
    np.testing.assert_array_equal(read(out).x, read(whole).x)


@pytest.fixture
def whole(model, source, tmp_path):
    """The result of a draw without interruption."""
    generate(model, "decode", source, tmp_path / "whole.h5", seed=3, chunk=30)
    return read(tmp_path / "whole.h5").x


@pytest.mark.ci
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    "damage",
    [
        lambda job: job.unlink(),
        lambda job: job.write_text(""),
        lambda job: job.write_text(job.read_text()[:-40]),
        lambda job: job.write_text(job.read_text().replace('"seed": 3', '"seed": 7')),
        lambda job: job.write_text(json.dumps({"seed": 3, "chunk": 30})),
        lambda job: job.write_text("[]"),
    ],
    ids=["gone", "empty", "cut", "another seed", "of a former version", "no job"],
)
def test_draws_without_their_job_are_not_used(few, model, source, whole, tmp_path, damage, resume):
    other = Model(few.validation)
    draws = interrupted(other, source, out := tmp_path / "out.h5")
    damage(draws / "job.json")
    with pytest.warns(LostDraws, match=r"\.out\.h5\.draws: job\.json is missing or damaged"):
        assert generate(model, "decode", source, out, seed=3, chunk=30, resume=resume) == 200
    np.testing.assert_array_equal(read(out).x, whole)
    assert not draws.exists()


def resized(few, tmp_path):
    """Another file of as many bytes."""
    path = tmp_path / "other.npz"
    write(path, few.validation)
    return path


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda few, path: {"model": Model(few.validation)}, "model"),
        (lambda few, path: {"source": resized(few, path)}, "source"),
        (lambda few, path: {"seed": 4}, "seed"),
        (lambda few, path: {"chunk": 60}, "chunk"),
        (lambda few, path: {"skip_bad": True}, "skip_bad"),
        (lambda few, path: {"method": "encode"}, "method"),
        (lambda few, path: {"process": TTBAR.model_copy(update={"label": "other"})}, "process"),
    ],
)
def test_draws_of_another_job_are_refused(few, model, tmp_path, change, what):
    write(source := tmp_path / "in.npz", few.test)
    draws = interrupted(model, source, out := tmp_path / "out.h5")
    before = {path.name: path.read_bytes() for path in draws.iterdir()}
    arguments = {"model": model, "method": "decode", "source": source, "chunk": 30, "seed": 3}
    changed = change(few, tmp_path)
    if what == "source":
        assert changed["source"].stat().st_size == source.stat().st_size
    with pytest.raises(ValueError, match=rf"the draws in .*out\.h5\.draws have another {what}:"):
        generate(**{**arguments, **changed}, out=out, resume=True)
    assert {path.name: path.read_bytes() for path in draws.iterdir()} == before
    source.rename(tmp_path / "moved.npz")
    assert generate(**{**arguments, "source": tmp_path / "moved.npz"}, out=out, resume=True) == 200


def test_draws_of_another_version_are_refused(model, source, tmp_path, monkeypatch):
    interrupted(model, source, out := tmp_path / "out.h5")
    monkeypatch.setattr(module, "__version__", "99")
    with pytest.raises(ValueError, match="another mizoo version"):
        generate(model, "decode", source, out, chunk=30, resume=True)


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def short(path):
    with np.load(path) as content:
        parts = dict(content)
    np.savez(path, **{**parts, "drawn": parts["drawn"][:3]})


def swapped(path):
    neighbour = path.with_name("000001.npz")
    path.rename(third := path.with_name("third"))
    neighbour.rename(path)
    third.rename(neighbour)


def bare(path):
    with np.load(path) as content:
        np.savez(path, drawn=content["drawn"][::-1])


def foreign(path):
    shutil.copy(path.parents[1] / ".foreign.h5.draws" / path.name, path)


@pytest.mark.ci
@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        short,
        swapped,
        bare,
        foreign,
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
    ],
    ids=["flipped", "short", "swapped", "bare", "foreign", "empty", "gone"],
)
def test_draws_that_are_damaged_are_drawn_again(few, model, source, whole, tmp_path, damage):
    interrupted(Model(few.validation), source, tmp_path / "foreign.h5")
    draws = interrupted(model, source, out := tmp_path / "out.h5")
    damage(draws / "000002.npz")
    rest = Interrupted(model, 10)
    generate(rest, "decode", source, out, chunk=30, resume=True)
    np.testing.assert_array_equal(read(out).x, whole)
    assert rest.drawn == 200 - (2 if damage is swapped else 3) * 30


def test_a_model_that_cannot_be_told_from_others_is_not_resumed(model, source, tmp_path):
    class Bare:
        name = "bare"
        decode = model.decode

    class Stopping:
        name = "bare"
        decode = Interrupted(model, 2).decode

    generate(Bare(), "decode", source, tmp_path / "out.h5", seed=3, chunk=30)
    with pytest.raises(Stopped):
        generate(Stopping(), "decode", source, tmp_path / "two.h5", seed=3, chunk=30)
    with pytest.raises(ValueError, match="no method `checksum`"):
        generate(Bare(), "decode", source, tmp_path / "two.h5", chunk=30, resume=True)


@pytest.mark.slow
def test_models_are_told_apart_by_content(tmp_path):
    model = toy()
    model.save(tmp_path / "toy.keras")
    again = keras.saving.load_model(tmp_path / "toy.keras")
    assert model_checksum(again) == model_checksum(model)
    assert model_checksum(toy(stddev=0.2)) != model_checksum(model)
    model.export(tmp_path / "toy", verbose=False)
    exported = Pretrained(tmp_path / "toy")
    first = model_checksum(exported)
    shutil.copytree(tmp_path / "toy", tmp_path / "elsewhere" / "other")
    (tmp_path / "elsewhere" / "other" / "README.md").write_text("a card")
    assert model_checksum(Pretrained(tmp_path / "elsewhere" / "other")) == first
    again.encoder.network.layers[0].bias.assign_add([1.0] * 5)
    assert model_checksum(again) != model_checksum(model)
    weights = next((tmp_path / "toy" / "variables").glob("*.data*"))
    weights.write_bytes(weights.read_bytes()[::-1])
    assert model_checksum(exported) != first


@pytest.mark.slow
def test_a_kill_at_any_point_loses_and_mixes_nothing(few, model, tmp_path):
    write(source := tmp_path / "in.npz", few.test[:60])
    generate(model, "decode", source, tmp_path / "whole.csv", seed=3, chunk=30)
    arguments = {"method": "decode", "source": source, "seed": 3, "chunk": 30}
    other = {**arguments, "source": tmp_path / "other.npz"}
    write(other["source"], few.validation[:60])
    tables = {f"{name}.csv{end}" for name in ("whole", "out") for end in ("", ".sha256", ".process.json")}
    there = {"in.npz", "other.npz"} | tables
    out, points = tmp_path / "out.csv", 0
    while killed_at(points, tmp_path, lambda: generate(model, **arguments, out=out)):
        # The next job either reports the existing draws, or begins anew.
        finished = out.exists()
        if finished:
            np.testing.assert_array_equal(read(out, process=TTBAR).x, read(tmp_path / "whole.csv").x)
        if points % 2:
            generate(model, **arguments, out=out, resume=True, overwrite=finished)
            np.testing.assert_array_equal(read(out, process=TTBAR).x, read(tmp_path / "whole.csv").x)
            assert names(tmp_path) == there
        else:
            with contextlib.suppress(FileExistsError):
                generate(Model(few.validation), **other, out=out, overwrite=finished)
                assert not np.isin(read(out, process=TTBAR).x, few.train.x).any(1).any()
                assert names(tmp_path) == there
            draws = out.with_name(".out.csv.draws")
            shutil.rmtree(draws, ignore_errors=True)
        for path in (out, sidecar(out), process_sidecar(out)):
            path.unlink(missing_ok=True)
        points += 1
    assert points > 15


def test_a_process_killed_in_the_middle_leaves_no_lock(model, source, whole, tmp_path):
    out, ready = tmp_path / "out.h5", FORK.Event()

    class Slow(Interrupted):
        def decode(self, z, seed):
            if not self.left:
                ready.set()
                signal.pause()
            return super().decode(z, seed)

    child = FORK.Process(
        target=generate, args=(Slow(model, 2), "decode", source, out), kwargs={"seed": 3, "chunk": 30}
    )
    child.start()
    assert ready.wait(20)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    rest = Interrupted(model, 10)
    generate(rest, "decode", source, out, chunk=30, resume=True)
    assert rest.drawn == 200 - 2 * 30
    np.testing.assert_array_equal(read(out).x, whole)
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def test_what_is_left_of_a_deletion_goes(model, source, tmp_path):
    draws = interrupted(model, source, tmp_path / "old.h5")
    draws.rename(tmp_path / ".out.h5.draws.old")
    generate(model, "decode", source, tmp_path / "out.h5")
    assert names(tmp_path) == {"in.parquet", "in.parquet.sha256", "out.h5"}


def test_a_full_disk_is_told_and_draws_go_on(model, few, whole, source, tmp_path):
    before = names(tmp_path)
    for chunk, size, place in ((200, 8_000, "000000.npz"), (30, 10_000, "out.h5")):
        with pytest.raises(OSError, match=rf"{place} cannot be written: ") as error, small_disk(size):
            generate(model, "decode", source, tmp_path / "out.h5", seed=3, chunk=chunk)
        assert "\n" not in str(error.value)
        left = {".out.h5.draws"} if place == "out.h5" else set()
        assert names(tmp_path) == before | left
    generate(Interrupted(model, 7), "decode", source, tmp_path / "out.h5", chunk=30, resume=True)
    np.testing.assert_array_equal(read(tmp_path / "out.h5").x, whole)
