"""Draws for files of events: results and errors."""

import multiprocessing
import os

import numpy as np
import pytest
from interruption import Interrupted, Model, interrupted, names

from mizoo.datasets import Samples, read, write
from mizoo.datasets.integrity import sidecar
from mizoo.datasets.lock import sole_writer
from mizoo.export.generate import generate
from mizoo.physics.library import zee as ZEE

FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def model(few):
    return Model(few.train)


@pytest.fixture
def source(few, tmp_path):
    write(tmp_path / "in.parquet", few.test)
    return tmp_path / "in.parquet"


@pytest.mark.parametrize("suffix", [".parquet", ".h5", ".root", ".csv", ".npz"])
def test_draws_are_written_in_every_format(model, few, source, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    assert generate(model, "decode", source, out, seed=1, chunk=70) == len(few.test) == 200
    drawn = read(out)
    assert drawn.z is None
    assert drawn.x.shape == (200, 24)
    beside = {sidecar(out).name} if suffix in (".parquet", ".csv", ".root") else set()
    beside |= {"out.csv.process.json"} if suffix == ".csv" else set()
    assert names(tmp_path) == {"in.parquet", "in.parquet.sha256", out.name} | beside


def test_seeds_and_new_draws(model, source, tmp_path):
    drawn = []
    for i, seed in enumerate((None, None, 5, 5, 6)):
        out = tmp_path / f"{i}.npz"
        generate(model, "encode", source, out, seed=seed)
        drawn.append(read(out).z)
    same = [[np.array_equal(a, b) for b in drawn] for a in drawn]
    assert same[2][3]
    assert np.sum(same) == len(drawn) + 2


def test_what_cannot_be_drawn_is_told(model, few, source, tmp_path):
    with pytest.raises(ValueError, match="cannot write this format"):
        generate(model, "decode", source, tmp_path / "out.txt")
    write(tmp_path / "x.h5", few.test.only("x"))
    with pytest.raises(ValueError, match=r"x\.h5: decode needs z, and the file has none"):
        generate(model, "decode", tmp_path / "x.h5", tmp_path / "out.h5")
    assert not list(tmp_path.glob("*out*"))
    for wrong, message in (
        ({"method": "draw"}, "not 'draw'"),
        ({"seed": -1}, "-1"),
        ({"chunk": 0}, "got 0"),
    ):
        arguments = {"method": "decode", "source": source, "out": tmp_path / "out.h5", **wrong}
        with pytest.raises(ValueError, match=message):
            generate(model, **arguments)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.h5"):
        generate(model, "decode", tmp_path / "nowhere.h5", tmp_path / "out.h5")


class Failing(Model):
    """Returns invalid draws for the later events."""

    def decode(self, z, seed):
        drawn = super().decode(z, seed)
        if np.array_equal(z, self.wrong):
            return self.spoil(drawn)
        return drawn


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[:-1], "49 draws for 50 events"),
        (lambda x: np.where(np.arange(50)[:, None] == 7, np.nan, x), "not finite in event 57, column 0"),
        (lambda x: x[:, :8], r"x of ttbar: the shape must be \(n, 24\).*got \(50, 8\)"),
    ],
)
def test_draws_that_cannot_be_right_are_told(few, source, tmp_path, spoil, message):
    model = Failing(few.train)
    model.wrong, model.spoil = few.test.z[50:100], spoil
    with pytest.raises(ValueError, match=message):
        generate(model, "decode", source, tmp_path / "out.h5", chunk=50)
    assert not (tmp_path / "out.h5").exists()


def hold(path, ready, done):
    with sole_writer(path):
        ready.set()
        done.wait(30)


def test_the_second_of_two_processes_is_refused(model, source, tmp_path):
    draws = interrupted(model, source, out := tmp_path / "out.h5")
    ready, done = FORK.Event(), FORK.Event()
    child = FORK.Process(target=hold, args=(out, ready, done))
    child.start()
    assert ready.wait(20)
    before = {path: path.stat() for path in (*tmp_path.iterdir(), *draws.iterdir())}
    for resume in (True, False):
        with pytest.raises(BlockingIOError, match=r"out\.h5 is being written by another process"):
            generate(model, "decode", source, out, chunk=30, resume=resume, overwrite=True)
    assert {path: path.stat() for path in (*tmp_path.iterdir(), *draws.iterdir())} == before
    done.set()
    child.join()
    assert generate(model, "decode", source, out, chunk=30, resume=True) == 200


def test_the_input_is_never_the_output(few, model, tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    write(source := folder / "in.h5", few.test)
    (folder / "symbolic.h5").symlink_to(source)
    os.link(source, folder / "hard.h5")
    monkeypatch.chdir(folder)
    content, there = source.read_bytes(), names(folder)
    for out in (source, "in.h5", "../folder/in.h5", folder / "symbolic.h5", "hard.h5"):
        for given in (source, folder / "symbolic.h5"):
            with pytest.raises(ValueError, match="is the file that is read"):
                generate(model, "decode", given, out, overwrite=True)
    os.link(source, folder / ".out.part.h5")
    with pytest.raises(ValueError, match=r"out\.h5 is the file that is read, or would overwrite it"):
        generate(model, "decode", folder / ".out.part.h5", folder / "out.h5")
    assert source.read_bytes() == content
    assert names(folder) == there | {".out.part.h5"}


def test_nothing_is_overwritten_without_a_word(model, source, tmp_path):
    out = tmp_path / "out.h5"
    generate(model, "decode", source, out, seed=1)
    content = out.read_bytes()
    for resume in (False, True):
        with pytest.raises(FileExistsError, match=r"out\.h5 exists: .*--overwrite"):
            generate(model, "decode", source, out, seed=2, resume=resume)
    assert out.read_bytes() == content
    generate(model, "decode", source, out, seed=2, overwrite=True)
    assert out.read_bytes() != content
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.h5 is a folder"):
        generate(model, "decode", source, tmp_path / "folder.h5", overwrite=True)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        generate(model, "decode", source, tmp_path / "nowhere" / "out.h5")
    with pytest.raises(NotADirectoryError, match=r"out\.h5 is no folder"):
        generate(model, "decode", source, out / "in.h5")


def test_an_output_that_appears_meanwhile_stays(model, source, tmp_path):
    out = tmp_path / "out.h5"

    class Meddling(Interrupted):
        def decode(self, z, seed):
            out.write_text("somebody's")
            return super().decode(z, seed)

    with pytest.raises(FileExistsError):
        generate(Meddling(model, 9), "decode", source, out, seed=3, chunk=30)
    assert out.read_text() == "somebody's"
    rest = Interrupted(model, 0)
    assert generate(rest, "decode", source, out, chunk=30, resume=True, overwrite=True) == 200


def test_a_source_that_changes_meanwhile_is_told(few, model, source, tmp_path):
    class Meddling(Interrupted):
        def decode(self, z, seed):
            write(source, few.validation)
            return super().decode(z, seed)

    with pytest.raises(ValueError, match=r"in\.parquet was changed while it was read"):
        generate(Meddling(model, 9), "decode", source, tmp_path / "out.h5", seed=3)
    assert not (tmp_path / "out.h5").exists()


def test_a_link_to_another_place_is_followed(model, source, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "out.h5").symlink_to(tmp_path / "data" / "real.h5")
    generate(model, "decode", source, tmp_path / "out.h5")
    assert (tmp_path / "out.h5").is_symlink()
    assert names(tmp_path / "data") == {"real.h5"}


def test_another_process_is_drawn(tmp_path):
    class Electrons:
        name = "electrons"

        def decode(self, z, seed):
            return z

    momenta = np.random.default_rng(0).normal(0.0, 20.0, (50, 2, 3))
    energies = np.linalg.norm(momenta, axis=-1, keepdims=True)
    z = np.concatenate([momenta, energies], -1).reshape(50, 8)
    write(tmp_path / "in.npz", Samples(z=z), process=ZEE)
    assert generate(Electrons(), "decode", tmp_path / "in.npz", tmp_path / "out.csv", process=ZEE) == 50
    assert read(tmp_path / "out.csv", process=ZEE).x.shape == (50, 8)
