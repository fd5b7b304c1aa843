"""Files that were once read wrongly, or refused without saying why: one row each."""

import re
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import mizoo
from mizoo.datasets import read_arrays
from mizoo.physics.library import ttbar as TTBAR

read = partial(mizoo.datasets.read, process=TTBAR)

CASES = Path(__file__).parent / "data" / "cases"


@dataclass(frozen=True)
class Right:
    """The result of a call: the number of events, and some of their values."""

    events: int
    z: tuple[float, ...] = ()  # px of the partons of the first event
    weights: tuple[float, ...] = ()  # of the first events
    x: tuple[float, ...] = ()  # px py pz E of the first object of the first event


@dataclass(frozen=True)
class Refused:
    """A ValueError of one line that begins with the name of the file and goes on with this text."""

    message: str


PX = (
    9.421079,
    9.740872,
    -26.616361,
    42.641736,
    -26.813460,
    -8.373965,
)  # of the first event of all .lhe files
FIRST = (26.672504, -36.38059, -69.49755, 82.85457)

TABLE = [
    ("extra_u.lhe", read, {}, Right(6, z=PX)),
    ("joined.lhe", read, {}, Right(12, z=PX)),
    ("garbage_in_4.lhe", read, {}, Refused(r", event 4: .*'garbage line")),
    ("garbage_in_4.lhe", read, {"skip_bad": True}, Right(5, z=PX)),
    ("group_without_type.lhe", read, {}, Right(6, z=PX)),
    ("blank_before_pdf.lhe", read, {}, Right(6, z=PX)),
    ("virtual_gone.h5", read, {}, Refused(r": ROL is made of a of gone\.h5, which is missing")),
    ("dangling.h5", read, {}, Refused(r": ROL is a link to /a in gone\.h5")),
    ("weight_singular.h5", read, {}, Right(200, weights=(0.0, 1.0, 2.0, 3.0))),
    ("weights.csv", read, {}, Right(200, weights=(0.0, 1.0, 2.0, 3.0))),
    ("scalar_weight.h5", read, {}, Refused(r": weights must have shape \(n,\)")),
    ("flat_3d.h5", read, {}, Right(200, x=FIRST)),
    ("rec.npy", read, {}, Right(200, x=FIRST)),
    ("rec.npy", read_arrays, {}, Refused(r": could not convert x .* records of x\.px_e-")),
    ("complex.npz", read, {}, Refused(r": x must be real numbers, got complex64")),
    ("complex.npz", read_arrays, {}, Refused(r": could not convert x .* complex64")),
    ("jagged.root", read, {}, Right(200, x=FIRST)),
    ("hist.root", read, {}, Refused(r": 'events' must be a tree of columns, is a TH1D")),
    ("truncated.npz", read, {}, Refused(r": .*cut short")),
    ("truncated.npz", read_arrays, {}, Refused(r": .*cut short")),
]


@pytest.mark.parametrize(("name", "call", "arguments", "outcome"), TABLE)
def test_case(name, call, arguments, outcome):
    with warnings.catch_warnings():
        warnings.simplefilter("error" if not arguments else "ignore")
        if isinstance(outcome, Refused):
            where = re.escape(str(CASES / name))
            with pytest.raises(ValueError, match=rf"^{where}{outcome.message}") as caught:
                call(CASES / name, **arguments)
            assert "\n" not in str(caught.value)
            return
        events = call(CASES / name, **arguments)
    assert len(events) == outcome.events
    if outcome.z:
        np.testing.assert_allclose(events.z[0, ::4], outcome.z, atol=1e-4)
    if outcome.x:
        np.testing.assert_allclose(events.x[0, :4], outcome.x, atol=1e-3)
    if outcome.weights:
        np.testing.assert_array_equal(events.weights[: len(outcome.weights)], outcome.weights)
