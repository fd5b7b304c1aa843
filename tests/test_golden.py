"""Shipped models draw, and presets train, as the committed references say: see `golden.py`."""

import golden
import numpy as np
import pytest
from golden import FOLDER, MODELS

from mizoo.presets import PRESETS

# Of a component's spread: what rounding on another machine may change.
TOLERANCE = 1e-3


# The others are in the nightly run.
FAST = {"gandalf-ttbar", "flow-ttbar", "vae-digits", "vae", "wgan_gp", "gandalf"}


def grid(names):
    """Parameters of which those that are not `FAST` are slow."""
    return [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in names]


def reference(name):
    with np.load(FOLDER / f"{name}.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", grid(MODELS))
def test_shipped_models_draw_what_they_drew(name):
    expected, found = reference(name), golden.draws(name)
    assert found.keys() == expected.keys()
    for key, values in found.items():
        spread = expected[f"spread.{key.partition('.')[2]}"]
        gap = np.abs(values - expected[key]) / spread
        assert gap.max() < TOLERANCE, key


@pytest.mark.parametrize("name", MODELS)
def test_every_form_of_a_model_draws_the_same(name):
    expected = reference(name)
    for endpoint in ("encode", "decode"):
        if f"keras.{endpoint}" in expected:
            gap = np.abs(expected[f"keras.{endpoint}"] - expected[f"onnx.{endpoint}"])
            assert (gap / expected[f"spread.{endpoint}"]).max() < TOLERANCE


@pytest.mark.parametrize("name", grid(PRESETS))
def test_presets_take_the_step_they_took(name):
    expected, found = reference(f"step-{name}"), golden.step(name)
    assert found.keys() == expected.keys()
    for key, values in found.items():
        np.testing.assert_allclose(values, expected[key], rtol=TOLERANCE, atol=TOLERANCE, err_msg=key)
