"""One contract for every preset in the registry, new ones included."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import eager

import mizoo
from mizoo.presets import PRESETS

# Presets that take minutes to compile for tt̄ events are tested on them elsewhere.
SMALL = {name: {"x": (3,), "z": (2,), "units": 8, "couplings": 1} for name in ("flow", "turbosim")}
SMALL["gandalf"] = {"latent": 8, "width": 8, "units": 16, "blocks": 1, "evaluations": 4}
EPOCHS = 5  # the last stages of `bibae_desy` and `otus` are a fifth of a training

# Presets that are soon trained.
FAST = {"vae", "gan"}
# One of each family; `.ci/nightly` has the others.
USUAL = {"infogan", "aae", "pix2pix", "cyclegan", "flow"}


def grid(names):
    """Parameters, of which those that are not `FAST` belong to the suites that take longer."""
    marks = {name: pytest.mark.ci if name in USUAL else pytest.mark.slow for name in names}
    return [name if name in FAST else pytest.param(name, marks=marks[name]) for name in names]


def data(name):
    if "x" in SMALL.get(name, {}):
        rng = np.random.default_rng(0)
        return mizoo.datasets.Samples(rng.normal(size=(32, 3)), rng.normal(size=(32, 2)))
    return PRESETS[name].load_dataset().train[:32]


@functools.cache
def trained(name):
    """A model after a short recipe, with its preset and its logs."""
    keras.utils.set_random_seed(1)
    model = PRESETS[name].factory(**SMALL.get(name, {}))
    before = [variable.numpy() for variable in model.trainable_variables]
    with eager():
        logs = model.fit(data(name), batch_size=16, epochs=EPOCHS, verbose=0).history
    return model, before, logs


def drawn(model, name):
    """Output of a model for a few events, with the same noise for all models."""
    results = {}
    for role, space, method in (("encoder", "x", model.encode), ("decoder", "z", model.decode)):
        if model.mappers[role] is None:
            continue
        shape = model.representations[space].physical_shape
        events = data(name)[space]
        events = np.full((5, *shape), 0.5, "float32") if events is None else events[:5]
        noise = model.noise_shape(role)
        noise = None if noise is None else np.full((5, *noise), 0.3, "float32")
        results[role] = method(events, noise=noise).numpy()
    return results


def assert_same(results, expected):
    assert results.keys() == expected.keys()
    for role, array in expected.items():
        assert np.isfinite(array).all()
        np.testing.assert_array_equal(results[role], array)


@pytest.fixture(params=grid(PRESETS))
def name(request):
    return request.param


def test_every_row_of_the_design_is_a_preset():
    rows = """ae vae beta_vae infovae wae swae aae vaegan bibae bibae_desy gan lsgan wgan_gp infogan alae
        pix2pix srgan cyclegan flow otus turbosim gandalf"""
    assert set(rows.split()) <= set(PRESETS)
    for row in rows.split():
        assert getattr(mizoo.presets, row) is PRESETS[row].factory


@pytest.mark.slow
def test_trains_and_every_weight_moves(name):
    model, before, logs = trained(name)
    assert {objective.term for objective in model.active} < set(logs)
    assert np.isfinite([value for values in logs.values() for value in values]).all()
    pairs = zip(before, model.trainable_variables, strict=True)
    unmoved = [v.path for value, v in pairs if np.array_equal(value, v)]
    # A constant added by the critic cancels in the difference of means, and between x and x.
    assert [path for path in unmoved if not path.endswith("bias")] == []
    assert len(unmoved) <= 3


@pytest.mark.ci
def test_file_holds_the_whole_model(name, tmp_path):
    model, *_ = trained(name)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert repr(again) == repr(model)
    assert len(again.variables) == len(model.variables)
    assert_same(drawn(again, name), drawn(model, name))
    for mine, its in ((model.optimizer, again.optimizer), (model.critic_optimizer, again.critic_optimizer)):
        for a, b in zip(mine.variables, its.variables, strict=True):
            np.testing.assert_array_equal(a, b)


def test_configuration_survives_json(name):
    model, *_ = trained(name)
    config = json.dumps(keras.saving.serialize_keras_object(model))
    again = keras.saving.deserialize_keras_object(json.loads(config))
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]
    assert json.loads(json.dumps(again.get_config())) == json.loads(config)["config"]


@pytest.mark.slow
def test_exported_model_runs_without_mizoo(name, tmp_path):
    model, *_ = trained(name)
    model.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(tmp_path / "saved")
    live = drawn(model, name)
    for role, endpoint, space in (("encoder", "encode", "x"), ("decoder", "decode", "z")):
        assert hasattr(saved, endpoint) == (model.mappers[role] is not None)
        if role in live:
            shape = model.representations[space].physical_shape
            for count in (1, 7):
                result = getattr(saved, endpoint)(tf.fill((count, *shape), 0.5)).numpy()
                assert result.shape == (count, *live[role].shape[1:])
                assert np.isfinite(result).all()
    if model.has_prior:
        assert saved.sample(tf.constant(3)).shape == (3, *model.x_representation.physical_shape)


def test_samples_look_like_data(name):
    model, *_ = trained(name)
    if not model.has_prior:
        with pytest.raises(ValueError, match="has no sample, only"):
            model.sample(3)
        return
    sample = model.sample(10).numpy()
    assert sample.shape == (10, *data(name).x.shape[1:])
    assert np.isfinite(sample).all()
    assert not np.array_equal(sample, model.sample(10))


def test_says_what_it_is(name):
    preset = PRESETS[name]
    model, *_ = trained(name)
    assert repr(model).startswith(f"<{name}: ")
    assert model.name == name
    assert preset.paper
    assert 20 < len(preset.summary) < 130
    assert {"name", "learning_rate"} <= set(preset.arguments)


@pytest.mark.parametrize("name", grid(n for n in PRESETS if PRESETS[n].dataset == "digits"))
@pytest.mark.parametrize("shape", [(3,), (9, 6, 2)])
def test_networks_fit_the_shape_of_the_data(name, shape):
    x = np.random.default_rng(0).normal(size=(16, *shape)).astype("float32")
    model = PRESETS[name].factory(x=shape)
    with eager():
        logs = model.train_on_batch({"x": x}, return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    assert model.sample(2).shape == (2, *shape)
