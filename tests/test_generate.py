"""Draws for files of events, interrupted and not."""

import contextlib
import dataclasses
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys

import keras
import numpy as np
import pytest
from conftest import toy

from mizoo.datasets import Samples, read, write
from mizoo.datasets.integrity import sidecar
from mizoo.datasets.lock import sole_writer
from mizoo.export import generate as module
from mizoo.export.generate import generate
from mizoo.export.identity import model_checksum
from mizoo.export.job import LostDraws
from mizoo.export.pretrained import Pretrained
from mizoo.physics import TTBAR, ZEE

FORK = multiprocessing.get_context("fork")


class Model:
    """Draws true events, whatever is given."""

    name = "true"

    def __init__(self, events):
        self.events = events

    def checksum(self):
        return f"true {len(self.events)} {self.events.x.sum()}"

    def decode(self, z, seed):
        return np.random.default_rng(seed).choice(self.events.x, len(z))

    def encode(self, x, seed):
        return np.random.default_rng(seed).choice(self.events.z, len(x))


@pytest.fixture(scope="module")
def model(few):
    return Model(few.train)


@pytest.fixture
def source(few, tmp_path):
    write(tmp_path / "in.parquet", few.test.arrays())
    return tmp_path / "in.parquet"


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("suffix", [".parquet", ".h5", ".root", ".csv", ".npz"])
def test_draws_are_written_in_every_format(model, few, source, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    assert generate(model, "decode", source, out, seed=1, chunk=70) == len(few.test) == 200
    drawn = read(out)
    assert drawn.z is None
    assert drawn.x.shape == (200, 24)
    beside = {sidecar(out).name} if suffix in (".parquet", ".csv", ".root") else set()
    assert names(tmp_path) == {"in.parquet", "in.parquet.sha256", out.name} | beside


class Stopped(Exception):
    """Of a draw."""


class Interrupted:
    """A model that stops after some chunks."""

    def __init__(self, model, chunks):
        self.name = model.name
        self.model = model
        self.left = chunks
        self.drawn = 0

    def checksum(self):
        return self.model.checksum()

    def decode(self, z, seed):
        if not self.left:
            raise Stopped
        self.left -= 1
        self.drawn += len(z)
        return self.model.decode(z, seed=seed)


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
    write(tmp_path / "x.h5", few.test.only("x").arrays())
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
    """Gives draws that cannot be right for the later events."""

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


def interrupted(model, source, out, chunks=4, **arguments):
    """A draw of chunks of 30 events that stops after some; its folder."""
    with pytest.raises(Stopped):
        generate(Interrupted(model, chunks), "decode", source, out, **{"seed": 3, "chunk": 30, **arguments})
    return out.with_name(f".{out.name}.draws")


@pytest.fixture
def whole(model, source, tmp_path):
    """What an undisturbed draw gives."""
    generate(model, "decode", source, tmp_path / "whole.h5", seed=3, chunk=30)
    return read(tmp_path / "whole.h5").x


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
    write(path, few.validation.arrays())
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
        (lambda few, path: {"process": dataclasses.replace(TTBAR, z=TTBAR.z[::-1], decays=())}, "process"),
    ],
)
def test_draws_of_another_job_are_refused(few, model, tmp_path, change, what):
    write(source := tmp_path / "in.npz", few.test.arrays())
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


@contextlib.contextmanager
def small_disk(size):
    """No file can grow past a size in bytes, as if the disk was full."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def killed_at(number, folder, task):
    """Run a task in a process that ends without any notice before it touches a file for the n-th time.

    Returns:
        Whether it was killed; if not, it came to its end before.
    """

    def hook(event, arguments, left=[number]):  # noqa: B006
        if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"):
            path = arguments[0]
            if isinstance(path, str | os.PathLike) and str(folder) in str(path):
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)

    if not (child := os.fork()):
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        sys.addaudithook(hook)
        try:
            task()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def test_a_kill_at_any_point_loses_and_mixes_nothing(few, model, tmp_path):
    write(source := tmp_path / "in.npz", few.test[:60].arrays())
    generate(model, "decode", source, tmp_path / "whole.csv", seed=3, chunk=30)
    arguments = {"method": "decode", "source": source, "seed": 3, "chunk": 30}
    other = {**arguments, "source": tmp_path / "other.npz"}
    write(other["source"], few.validation[:60].arrays())
    there = {"in.npz", "other.npz", "whole.csv", "whole.csv.sha256", "out.csv", "out.csv.sha256"}
    out, points = tmp_path / "out.csv", 0
    while killed_at(points, tmp_path, lambda: generate(model, **arguments, out=out)):
        # Whoever comes next either finds draws and is told so, or begins anew.
        finished = out.exists()
        if finished:
            np.testing.assert_array_equal(read(out).x, read(tmp_path / "whole.csv").x)
        if points % 2:
            generate(model, **arguments, out=out, resume=True, overwrite=finished)
            np.testing.assert_array_equal(read(out).x, read(tmp_path / "whole.csv").x)
            assert names(tmp_path) == there
        else:
            with contextlib.suppress(FileExistsError):
                generate(Model(few.validation), **other, out=out, overwrite=finished)
                assert not np.isin(read(out).x, few.train.x).any(1).any()
                assert names(tmp_path) == there
            draws = out.with_name(".out.csv.draws")
            shutil.rmtree(draws, ignore_errors=True)
        for path in (out, sidecar(out)):
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
    write(source := folder / "in.h5", few.test.arrays())
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
            write(source, few.validation.arrays())
            return super().decode(z, seed)

    with pytest.raises(ValueError, match=r"in\.parquet was changed while it was read"):
        generate(Meddling(model, 9), "decode", source, tmp_path / "out.h5", seed=3)
    assert not (tmp_path / "out.h5").exists()


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
