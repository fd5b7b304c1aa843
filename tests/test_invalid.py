"""Events that cannot exist, and arguments that make no sense, give no plausible draws."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import toy

import mizoo
from mizoo.datasets import Events, read, write
from mizoo.physics.library import ttbar as TTBAR

SHIPPED = Path(__file__).parents[1] / "saved_models" / "pix2pix-ttbar"


@pytest.fixture(scope="module", params=["SavedModel", "Turbo", "ONNX"])
def model(request, few):
    """The same model of tt̄ in the three kinds that `mizoo.load` returns."""
    if request.param == "Turbo":
        keras.utils.set_random_seed(0)
        made = mizoo.presets.pix2pix()
        made.adapt(few.train)
        return made
    return mizoo.load(SHIPPED / "model.onnx" if request.param == "ONNX" else SHIPPED)


@pytest.fixture(scope="module")
def z(ttbar):
    return ttbar.validation.z[:6]


def changed(z, event, column, value):
    z = np.array(z, "float64")
    z[event, column] = value
    return z


WRONG = [
    (4, np.nan, r"z, event 2: px_\S+ is nan \(not finite\)"),
    (6, np.inf, r"z, event 2: pz_\S+ is inf \(not finite\)"),
    (4, 1e39, r"z, event 2: px_\S+ is inf \(not finite\)"),  # in single precision
    (3, 0.0, r"z, event 2: E_\S+ is 0, less than the momentum \|p\|"),
    (3, -5.0, r"z, event 2: E_\S+ is -5\.0 \(a negative energy\)"),
    (0, 2e4, r"z, event 2: the momentum \|p\| of \S+ is 2e\+04 GeV, above 10000 GeV|E_\S+ is .*less than"),
]


@pytest.mark.parametrize(("column", "value", "message"), WRONG)
def test_events_that_cannot_exist_are_refused_with_their_number(model, z, column, value, message):
    assert model.process == TTBAR
    with pytest.raises(ValueError, match=message) as found:
        model.decode(changed(z, 2, column, value))
    assert "\n" not in str(found.value)
    assert "of 6 events 1 cannot exist" in str(found.value)


@pytest.mark.ci
@pytest.mark.parametrize(("column", "value", "message"), WRONG)
def test_their_draws_are_not_a_number_if_asked_for(model, z, column, value, message):
    expected = np.asarray(model.decode(z, seed=1))
    drawn = model.decode(changed(z, 2, column, value), seed=1, on_invalid="nan")
    assert type(drawn) is type(model.decode(z, seed=1))
    drawn = np.asarray(drawn)
    assert np.isnan(drawn[2]).all()
    others = np.arange(6) != 2
    np.testing.assert_allclose(drawn[others], expected[others], rtol=1e-5, atol=1e-4)
    several = np.asarray(model.decode(changed(z, 2, column, value), num_samples=3, on_invalid="nan"))
    assert several.shape == (6, 3, 24)
    assert (np.isnan(several).all((1, 2)) == ~others).all()


def test_no_event_at_all_can_exist(model, z):
    drawn = np.asarray(model.decode(np.full_like(z, np.nan), on_invalid="nan"))
    assert drawn.shape == (6, 24)
    assert np.isnan(drawn).all()
    assert model.decode(z[:0]).shape == (0, 24)


def test_a_fast_particle_of_its_energy_is_above_a_beam(model, z):
    fast = changed(z, 4, slice(0, 4), [0.0, 0.0, 2e4, 2e4])
    with pytest.raises(
        ValueError, match=r"event 4: the momentum \|p\| of \S+ is 2e\+04 GeV, above 10000 GeV"
    ):
        model.decode(fast)
    assert np.isfinite(model.decode(fast, on_invalid="ignore")).all()
    with pytest.raises(ValueError, match=r"event 4: .*not finite"):
        model.decode(changed(z, 4, 0, np.nan), on_invalid="ignore")


def test_other_spaces_and_paths_are_checked_as_well():
    model = toy()
    x = np.ones((3, 3))
    x[1, 2] = np.nan
    for ask in (model.encode, model.reconstruct):
        with pytest.raises(ValueError, match=r"x, event 1: column 2 is nan \(not finite\)"):
            ask(x)
    assert np.isnan(model.reconstruct(x, on_invalid="nan")).all(1).tolist() == [False, True, False]
    with pytest.raises(ValueError, match="z, event 0: column 1 is inf"):
        model.reconstruct(z=[[1.0, np.inf]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_samples": 0}, "num_samples must be a whole number of 1 or more, got 0"),
        ({"num_samples": -3}, "num_samples must be a whole number of 1 or more, got -3"),
        ({"num_samples": "ten"}, "num_samples must be a whole number of 1 or more, got 'ten'"),
        ({"num_samples": 2.0}, r"num_samples must be a whole number of 1 or more, got 2\.0"),
        ({"num_samples": True}, "num_samples must be a whole number of 1 or more, got True"),
        ({"seed": "one"}, "seed must be a whole number of 0 or more, got 'one'"),
        ({"seed": -1}, "seed must be a whole number of 0 or more, got -1"),
        ({"seed": 1.5}, r"seed must be a whole number of 0 or more, got 1\.5"),
        ({"seed": [1, 2]}, r"seed must be a whole number of 0 or more, got \[1, 2\]"),
        ({"seed": 2**63}, r"seed must be below 2\*\*63, got 9223372036854775808"),
        ({"on_invalid": "drop"}, "on_invalid must be one of 'raise', 'nan', 'ignore', got 'drop'"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(model, z, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        model.decode(z, **arguments)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([["a"] * 24], "z must be an array of real numbers, got list"),
        ("events.h5", "z must be an array of real numbers, got str"),
        (None, "z must be an array of real numbers, got NoneType"),
        (np.zeros((2, 24), complex), "z must be an array of real numbers, got complex128"),
        (np.zeros((2, 23)), r"z must have shape \(n, 24\), got \(2, 23\)"),
        (np.float32(3.0), r"z must have shape \(n, 24\), got \(\)"),
    ],
)
def test_other_things_than_arrays_are_told_in_one_line(model, events, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        model.decode(events)


def test_files_and_events_in_memory_know_beams(ttbar, tmp_path):
    few = ttbar.test[:20]
    fast = np.array(few.x)
    fast[7, :4] = [0.0, 0.0, 2e4, 2e4]
    with pytest.raises(ValueError, match="x has 1 bad events; the first is event 7: the momentum"):
        Events(fast, few.z, process=TTBAR)
    write(tmp_path / "a.h5", {"x": fast, "z": few.z}, process=TTBAR)
    with pytest.raises(ValueError, match=r"a\.h5, event 7: x, the momentum \|p\| of \S+ is 2e\+04 GeV"):
        read(tmp_path / "a.h5")
    with pytest.warns(mizoo.datasets.SkippedEvents):
        assert len(read(tmp_path / "a.h5", skip_bad=True)) == 19


def test_a_model_without_record_still_knows_what_is_finite(z, tmp_path):
    folder = shutil.copytree(SHIPPED, tmp_path / "bare")
    for name in ("config.json", "sha256.json"):
        (folder / name).unlink()
    with pytest.warns(UserWarning, match="unverified"):
        model = mizoo.load(folder)
    assert model.process is None
    with pytest.raises(ValueError, match=r"z, event 2: column 0 is nan"):
        model.decode(changed(z, 2, 0, np.nan))
