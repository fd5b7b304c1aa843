"""Draws by workers of Dask are those of a single process, also if workers are lost."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import dask
import distributed
import numpy as np
import pytest
from interruption import Interrupted, Killed, Model, Stopped, interrupted, names
from typer.testing import CliRunner

import mizoo
from mizoo.cli import app
from mizoo.datasets import read, write
from mizoo.export import dask_workers
from mizoo.export.generate import generate


@pytest.fixture(scope="module")
def threads():
    """Two workers in this process, which start in a moment."""
    with distributed.Client(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, set_as_default=False
    ) as client:
        yield client


@pytest.fixture(scope="module")
def model(few):
    return Model(few.train)


@pytest.fixture
def source(few, tmp_path):
    write(tmp_path / "in.h5", few.test)
    return tmp_path / "in.h5"


def same(path, other):
    """Whether two files have the same rows, those of several draws included."""
    a, b = read(path), read(other)
    return np.array_equal(a.x, b.x) and path.stat().st_size == other.stat().st_size


@pytest.mark.parametrize("samples", [None, 3])
def test_rows_are_those_of_a_single_process(model, source, threads, tmp_path, samples):
    arguments = {"seed": 3, "chunk": 15, "samples": samples}
    generate(model, "decode", source, tmp_path / "one.npz", **arguments)
    assert generate(model, "decode", source, tmp_path / "two.npz", dask=threads, **arguments) == 200
    one, two = (np.load(tmp_path / name) for name in ("one.npz", "two.npz"))
    assert one.files == two.files
    assert {"event", "sample"} <= set(two.files) or samples is None
    for name in one.files:
        np.testing.assert_array_equal(one[name], two[name])
    assert names(tmp_path) == {"in.h5", "one.npz", "two.npz"}
    assert threads.status == "running"  # a client that is given stays open


def test_a_job_goes_on_with_workers_and_without_them(model, source, threads, tmp_path):
    generate(model, "decode", source, tmp_path / "one.h5", seed=3, chunk=30)
    draws = interrupted(model, source, out := tmp_path / "two.h5")
    assert len(list(draws.glob("*.npz"))) == 4
    with pytest.raises(Stopped):  # of 3 chunks that are left, none or one
        generate(Interrupted(model, 1), "decode", source, out, chunk=30, resume=True, dask=threads)
    assert 4 <= len(list(draws.glob("*.npz"))) < 7
    assert generate(model, "decode", source, out, chunk=30, resume=True, dask=threads) == 200
    assert same(out, tmp_path / "one.h5")
    draws = interrupted(model, source, out, overwrite=True)
    assert generate(model, "decode", source, out, chunk=30, resume=True, overwrite=True) == 200
    assert same(out, tmp_path / "one.h5")


def test_few_chunks_are_sent_ahead(few, tmp_path, threads):
    """However large the file is, memory has some chunks of it."""
    write(tmp_path / "in.npz", few.test)
    remote = dask_workers.Remote(threads, Model(few.train), "decode")
    assert remote.ahead == 4
    begun, most = 0, 0

    class Counted(dask_workers.Remote):
        def start(self, given, seed, first):
            nonlocal begun, most
            begun, wait = begun + 1, super().start(given, seed, first)
            most = max(most, begun)

            def waited():
                nonlocal begun
                begun -= 1
                return wait()

            return waited

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mizoo.export.generate.Remote", Counted)
        generate(
            Model(few.train), "decode", tmp_path / "in.npz", tmp_path / "out.npz", chunk=5, dask=threads
        )
    assert (begun, most) == (0, 5)


def test_a_model_is_loaded_once_per_worker(few, threads, monkeypatch):
    loaded = []
    monkeypatch.setattr(Model, "__setstate__", lambda self, state: loaded.append(state), raising=False)
    dask_workers._loaded.cache_clear()
    monkeypatch.setattr(Model, "decode", lambda self, z, seed: z)
    remote = dask_workers.Remote(threads, Model(few.train), "decode")
    waits = [remote.start(np.full((2, 2), i), [0, i], 2 * i) for i in range(6)]
    for i, wait in enumerate(waits):
        np.testing.assert_array_equal(wait(), np.full((2, 2), i))
    assert len(loaded) == 1  # both workers are threads of this process


def test_a_scheduler_needs_no_tensorflow():
    """It reads the tasks, and so imports the module with their functions."""
    code = "import sys, mizoo.export.dask_workers; print('tensorflow' in sys.modules)"
    root = Path(mizoo.__file__).parents[1]
    assert subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True) == "False\n"


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "two", "host", ["tcp://host:1"]])
def test_what_are_no_workers_is_told(model, source, tmp_path, wrong):
    with pytest.raises(ValueError, match=r"dask must be a number of processes.*not "):
        generate(model, "decode", source, tmp_path / "out.h5", dask=wrong)
    assert names(tmp_path) == {"in.h5"}


def test_without_dask_it_is_named_with_what_installs_it(model, source, tmp_path, monkeypatch):
    found = importlib.import_module

    def without(name, *arguments):
        if name.partition(".")[0] == "distributed":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *arguments)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(
        ImportError, match=r"^drawing by workers of Dask needs distributed: pip install dist"
    ):
        generate(model, "decode", source, tmp_path / "out.h5", dask=2)


def test_another_version_of_mizoo_is_refused():
    with pytest.raises(ValueError, match=r"a worker of Dask has mizoo .*, and this process 0\.0"):
        dask_workers._draw(b"", "0.0", "decode", np.zeros((1, 24)), [0, 0, 0], 0)


def test_a_scheduler_without_workers_is_told(tmp_path):
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        pytest.warns(dask_workers.NoWorkers, match=r"no workers at .*: start some with `dask worker"),
        dask_workers.client_of(cluster.scheduler_address) as client,
    ):
        assert not client.nthreads()


class Waiting(Model):
    """Draws when it is told to, as late as after a minute."""

    def decode(self, z, seed):
        distributed.Event("go").wait(60)
        return super().decode(z, seed)


@pytest.mark.slow
def test_a_scheduler_that_is_lost_is_told(few, source, tmp_path):
    with (
        distributed.LocalCluster(1, processes=False, dashboard_address=":0") as cluster,
        distributed.Client(cluster.scheduler_address) as client,
    ):
        wait = dask_workers.Remote(client, Waiting(few.train), "decode").start(few.test.z[:9], [0], 0)
        cluster.close()
        with pytest.raises(ConnectionError, match=r"the scheduler of Dask is lost: .*--resume"):
            wait()


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_told(model, source, tmp_path):
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"),
    ):
        generate(model, "decode", source, tmp_path / "out.h5", dask="tcp://127.0.0.1:9")
    assert names(tmp_path) == {"in.h5"}


@pytest.mark.slow
def test_rows_are_the_same_if_a_worker_is_killed(few, source, tmp_path):
    generate(Model(few.train), "decode", source, tmp_path / "one.h5", seed=3, chunk=20)
    model = Killed(few.train, few.test.z[100:120], tmp_path / "killed")
    assert generate(model, "decode", source, tmp_path / "two.h5", seed=3, chunk=20, dask=2) == 200
    assert (tmp_path / "killed").exists()
    assert same(tmp_path / "two.h5", tmp_path / "one.h5")
    assert names(tmp_path) == {"in.h5", "one.h5", "two.h5", "killed"}


@pytest.mark.slow
def test_events_that_kill_every_worker_are_named_and_the_rest_is_kept(few, source, tmp_path):
    model = Killed(few.train, few.test.z[100:120], tmp_path / "killed", again=True)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        pytest.raises(ChildProcessError, match=r"with the events from 100 on.*--resume"),
    ):
        generate(model, "decode", source, tmp_path / "out.h5", seed=3, chunk=20, dask=2)
    draws = tmp_path / ".out.h5.draws"
    assert len(list(draws.glob("*.npz"))) == 5


@pytest.mark.slow
def test_the_command_draws_by_processes_and_by_a_cluster(few, tmp_path, monkeypatch):
    """A shipped model, which workers load from its folder."""
    monkeypatch.chdir(tmp_path)
    write("in.h5", few.test)
    runner = CliRunner()

    def run(out, *options):
        arguments = ["simulate", "otus-ttbar", "in.h5", "--out", out, "--seed", "1", *options]
        return runner.invoke(app, arguments, catch_exceptions=False)

    def started(*words):
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        parts.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment))
        return parts[-1].stderr

    parts = []
    environment = {**os.environ, "PYTHONPATH": str(Path(mizoo.__file__).parents[1])}
    assert run("one.npz").exit_code == 0
    assert "200 events are in two.npz" in run("two.npz", "--dask", "2").output
    np.testing.assert_array_equal(np.load("two.npz")["x"], np.load("one.npz")["x"])
    try:
        log = started("scheduler", "--port", "0", "--host", "127.0.0.1")
        address = next(line.split()[-1] for line in log if "Scheduler at:" in line)
        started("worker", address, "--nthreads", "1")
        assert run("three.npz", "--dask", address).exit_code == 0
        np.testing.assert_array_equal(np.load("three.npz")["x"], np.load("one.npz")["x"])
    finally:
        for part in parts:
            part.kill()
            part.wait()
            part.stderr.close()
