"""Draws for files of events, interrupted and not."""

import numpy as np
import pytest

from mizoo.datasets import read, write
from mizoo.export.generate import generate


class Model:
    """Draws true events, whatever is given."""

    name = "true"

    def __init__(self, events):
        self.events = events

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


@pytest.mark.parametrize("suffix", [".parquet", ".h5", ".root", ".csv", ".npz"])
def test_draws_are_written_in_every_format(model, few, source, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    assert generate(model, "decode", source, out, seed=1, chunk=70) == len(few.test) == 200
    drawn = read(out)
    assert drawn.z is None
    assert drawn.x.shape == (200, 24)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.parquet", out.name])


class Stopped(Exception):
    """Of a draw."""


class Interrupted:
    """A model that stops after some chunks."""

    def __init__(self, model, chunks):
        self.name = model.name
        self.model = model
        self.left = chunks
        self.drawn = 0

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
