"""Shipped models draw, and presets train, as in the committed references, see `golden.py`."""

import json

import golden
import numpy as np
import pytest
from golden import FOLDER, MODELS, SHIPPED

from mizoo.presets import PRESETS

# Fraction of a component's spread that rounding on another machine may change.
TOLERANCE = 1e-3


FAST = {"vae-digits", "vae", "wgan_gp"}
# `.ci/nightly` has the others.
USUAL = {"cyclegan-ttbar", "turbosim-original-ttbar", "gandalf", "cyclegan", "bibae"}


def grid(names):
    """Parameters, of which those that are not `FAST` belong to the suites that take longer."""
    marks = {name: pytest.mark.ci if name in USUAL else pytest.mark.slow for name in names}
    return [name if name in FAST else pytest.param(name, marks=marks[name]) for name in names]


def reference(name):
    with np.load(FOLDER / f"{name}.npz") as file:
        return dict(file)


@pytest.mark.ci
@pytest.mark.parametrize("name", grid(MODELS))
def test_shipped_models_draw_what_they_drew(name):
    expected, found = reference(name), golden.draws(name)
    assert found.keys() == expected.keys()
    for key, values in found.items():
        spread = expected[f"spread.{key.partition('.')[2]}"]
        gap = np.abs(values - expected[key]) / spread
        assert gap.max() < TOLERANCE, key


@pytest.mark.ci
@pytest.mark.parametrize("name", MODELS)
def test_shipped_onnx_files_draw_what_tensorflow_draws(name):
    """ONNX Runtime, given the noise of the references, draws what `model.keras` drew."""
    folder, expected = SHIPPED / name, reference(name)
    config = json.loads((folder / "config.json").read_text())
    for found in config["onnx"]["deviations"].values():
        assert found["usual"] < 1e-4
        assert found["largest"] < max(1e-3, 2.0 * found["last_bit"])
    session = golden.session(folder)
    inputs = [*session.get_inputs(), *session.get_overridable_initializers()]
    shapes = {tensor.name: tensor.shape[1:] for tensor in inputs}
    compared = 0
    for endpoint, source, target in (("encode", "x", "z"), ("decode", "z", "x")):
        if f"keras.{endpoint}" not in expected:
            assert f"{target}_tilde" not in {output.name for output in session.get_outputs()}
            continue
        given = golden.feeds(
            golden.truth(config), source, shapes[source], shapes.get(f"{target}_noise", ())
        )
        (drawn,) = session.run([f"{target}_tilde"], given)
        gap = np.abs(drawn - expected[f"keras.{endpoint}"]) / expected[f"spread.{endpoint}"]
        assert gap.max() < TOLERANCE, endpoint
        compared += 1
    assert compared


@pytest.mark.ci
@pytest.mark.parametrize("name", grid(PRESETS))
def test_presets_take_the_step_they_took(name):
    expected, found = reference(f"step-{name}"), golden.step(name)
    assert found.keys() == expected.keys()
    for key, values in found.items():
        np.testing.assert_allclose(values, expected[key], rtol=TOLERANCE, atol=TOLERANCE, err_msg=key)
