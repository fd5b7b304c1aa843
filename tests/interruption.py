"""Draws, and processes, that end too early."""

import contextlib
import os
import resource
import signal
import sys

import numpy as np
import pytest

from mizoo.export.generate import generate


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


def names(folder):
    return {path.name for path in folder.iterdir()}


def interrupted(model, source, out, chunks=4, **arguments):
    """Interrupt a draw of chunks of 30 events after some chunks, and return its folder."""
    with pytest.raises(Stopped):
        generate(Interrupted(model, chunks), "decode", source, out, **{"seed": 3, "chunk": 30, **arguments})
    return out.with_name(f".{out.name}.draws")


@contextlib.contextmanager
def small_disk(size):
    """Context in which no file can grow past a size in bytes, as on a full disk."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def killed_at(number, folder, task):
    """Run a task in a process that is killed before it touches a file for the n-th time.

    Returns:
        Whether it was killed; if not, it finished before.
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


class Killed(Model):
    """Kills its process when it has drawn for the given events for the first time, or each time."""

    def __init__(self, events, given, flag, again=False):
        super().__init__(events)
        self.given = given
        self.flag = flag
        self.again = again

    def decode(self, z, seed):
        drawn = super().decode(z, seed)
        if np.array_equal(z, self.given) and (self.again or not self.flag.exists()):
            self.flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return drawn
