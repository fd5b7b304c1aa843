"""Training over replicas and over real processes on loopback, some of which are killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import keras
import numpy as np
import pytest
from spread import EPOCHS, MODELS

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
# Distances of whole batches, half precision, and who sees which events; `.ci/nightly` has the others.
USUAL = ("swae", "vae in bfloat16", "seen")


def free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


class Processes:
    """Processes that end with the test."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []

    def start(self, *words, cluster=None):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if cluster:
            environment["TF_CONFIG"] = json.dumps(cluster)
        log = open(self.folder / f"{len(self.running)}.log", "w+")  # noqa: SIM115
        command = [sys.executable, *map(str, words)]
        process = subprocess.Popen(command, cwd=HERE, env=environment, stdout=log, stderr=log, text=True)
        process.log = log
        self.running.append(process)
        return process

    def code(self, process, timeout=400):
        """Exit code of a process that ends by itself; the time-out is for those that hang."""
        return process.wait(timeout)

    def text(self, process):
        process.log.seek(0)
        return process.log.read()

    def done(self, *processes):
        for process in processes:
            assert self.code(process) == 0, self.text(process)[-3000:]

    def end(self):
        for process in self.running:
            process.kill()
            process.wait()
            process.log.close()


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    made = Processes(tmp_path_factory.mktemp("processes"))
    yield made
    made.end()


def cluster(count=2):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    return [
        {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}} for i in range(count)
    ]


@pytest.fixture(
    scope="module",
    params=[USUAL, pytest.param(sorted({*MODELS} - {*USUAL}), marks=pytest.mark.slow)],
    ids=["usual", "others"],
)
def spread(request, processes, tmp_path_factory):
    """Results of the same trainings with one replica, two of one machine, and two workers."""
    folder = tmp_path_factory.mktemp("spread")

    def start(how, task=None):
        return processes.start("spread.py", how, folder / f"{how}.json", *request.param, cluster=task)

    started = {how: start(how) for how in ("one", "two")}
    started |= {f"worker {i}": start(f"worker {i}", task) for i, task in enumerate(cluster())}
    processes.done(*started.values())
    return {how: json.loads((folder / f"{how}.json").read_text()) for how in started}


def test_strategies_have_the_replicas_asked_for(spread):
    found = {how: (values["replicas"], values["chief"]) for how, values in spread.items()}
    assert found == {"one": (1, True), "two": (2, True), "worker 0": (2, True), "worker 1": (2, False)}


@pytest.mark.parametrize("how", ["two", "worker 0", "worker 1"])
def test_many_train_as_one(how, spread):
    names = spread["one"].keys() - {"replicas", "chief", "seen"}
    assert names
    for name in names:
        one, many = spread["one"][name], spread[how][name]
        off = 200.0 if name.endswith("bfloat16") else 1.0  # eight bits instead of 24
        assert len(one["history"]["loss"]) == (3 if name == "uneven" else EPOCHS)
        for term, values in one["history"].items():
            np.testing.assert_allclose(
                many["history"][term],
                values,
                rtol=2e-4 * off,
                atol=1e-5 * off,
                err_msg=f"{name} {term}",
            )
        for a, b in zip(one["weights"], many["weights"], strict=True):
            np.testing.assert_allclose(b, a, atol=5e-4 * off, err_msg=name)


@pytest.mark.parametrize("spread", [USUAL], ids=["usual"], indirect=True)
def test_replicas_see_every_event_once(spread):
    one = spread["one"]["seen"]
    assert one["validation"] == sorted(one["files"]) == list(range(37))
    for which, expected in one.items():
        both = spread["worker 0"]["seen"][which] + spread["worker 1"]["seen"][which]
        assert sorted(both) == sorted(expected) == sorted(spread["two"]["seen"][which])
        assert len(set(both)) == len(both)
    assert len(one["training"]) == 48


@pytest.mark.slow
def test_keras_still_needs_the_remedy(processes, tmp_path):
    """Once this fails, that part of `mizoo.distribute.workers` can be removed."""
    both = [processes.start("spread.py", "without", tmp_path / "out", cluster=task) for task in cluster()]
    codes = [processes.code(process) for process in both]
    if codes == [0, 0]:
        pytest.fail("keras #20585 is mended: workers do without mizoo/distribute/workers.py")
    errors = "".join(map(processes.text, both))
    assert "Attempt to convert a value" in errors or "axis" in errors


@pytest.mark.slow
def test_a_worker_that_does_not_come_is_named(processes, tmp_path):
    here, there = free_ports(2)
    addresses = f"127.0.0.1:{here},127.0.0.1:{there}"
    options = ("--workers", addresses, "--index", 0, "--timeout", 1)
    process = processes.start("-m", "mizoo", "train", "vae", "--out", tmp_path / "run", *options)
    assert processes.code(process) == 1
    assert f"worker 127.0.0.1:{there} has not come within 1 s" in processes.text(process)
    assert not (tmp_path / "run").exists()


OPTIONS = {"epochs": 2, "batch-size": 32, "backup-every": 5}
TRAIN = ("train", "vae", "--deterministic", "--resume", *(f"--{k}={v}" for k, v in OPTIONS.items()))


@pytest.fixture(scope="module")
def start(processes, tmp_path_factory):
    """Starts a worker of a run of two; the folder of runs is its attribute."""
    folder = tmp_path_factory.mktemp("runs")

    def start(name, task):
        return processes.start("-m", "mizoo", *TRAIN, "--out", folder / name, cluster=task)

    start.folder = folder
    return start


@pytest.fixture(scope="module")
def undisturbed(processes, start):
    """A run without interruption."""
    processes.done(*[start("undisturbed", task) for task in cluster()])
    return start.folder / "undisturbed"


def killed(victim, processes, start):
    """A run of two workers, one of which is killed during an epoch and restarted."""
    run, tasks, index = start.folder / victim, cluster(), ["chief", "worker"].index(victim)
    both = [start(victim, task) for task in tasks]
    deadline = time.monotonic() + 240
    while backups(run) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    both[index].send_signal(signal.SIGKILL)
    assert processes.code(both[index]) == -signal.SIGKILL
    both[index] = start(victim, tasks[index])
    processes.done(*both)
    return run


@pytest.mark.slow
def test_only_the_chief_writes(undisturbed):
    there = {path.name for path in undisturbed.iterdir()}
    assert there == {
        "backup", "config.json", "log.txt", "metrics.csv", "model.keras", "tensorboard", "best.weights.h5"
    }  # fmt: skip
    assert len((undisturbed / "metrics.csv").read_text().splitlines()) == 3
    assert (undisturbed / "log.txt").read_text().count("from step") == 1
    for part in ("train", "validation"):
        written = (undisturbed / "tensorboard" / part).glob("events.*.v2")
        assert len({path.name.split(".")[-3] for path in written}) == 1  # numbers of processes


def weights(run):
    return keras.saving.load_model(run / "model.keras").get_weights()


def backups(run):
    """Number of the last backup."""
    state = run / "backup" / "checkpoint"
    return int(state.read_text().split('"')[1].rpartition("-")[2]) if state.is_file() else 0


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "chief"])
def test_a_killed_worker_comes_back(victim, undisturbed, processes, start):
    run = killed(victim, processes, start)
    lines = (run / "log.txt").read_text().splitlines()
    begun = [line for line in lines if "from step" in line]
    steps = [int(line.partition("from step ")[2].split()[0]) for line in begun]
    assert steps[0] == 0
    assert steps[-1] >= 15  # what had been saved is not done again
    for a, b in zip(weights(undisturbed), weights(run), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len((run / "metrics.csv").read_text().splitlines()) == 3


SAVING = """
import sys
import keras
from conftest import toy
from mizoo.training import Backup

keras.utils.set_random_seed(1)
model, backup = toy(), Backup(sys.argv[1])
backup.set_model(model)
backup.on_train_begin()
for epoch in range(10**6):
    backup.on_epoch_end(epoch)
    if epoch == 1:
        print("ready", flush=True)
"""


@pytest.mark.slow
def test_a_backup_cut_short_leaves_the_former_one(processes, tmp_path):
    from conftest import toy

    from mizoo.training import Backup

    done = 0
    for pause in (0.05, 0.021):
        process = processes.start("-c", SAVING, tmp_path)
        while "ready" not in processes.text(process):
            assert process.poll() is None, processes.text(process)
            time.sleep(0.05)
        time.sleep(pause)
        process.kill()
        process.wait()
        epochs, steps = Backup(tmp_path).resume(toy())
        assert epochs > 0
        assert steps == 0
        done += epochs
    assert done > 2
