import json

import keras
import numpy as np
import pytest
from conftest import toy_pairs

from mizoo import presets
from mizoo.mappers import Flow, NoiseInjected, ResidualMapper, RotationEquivariant
from mizoo.networks import mlp
from mizoo.objectives import Adversarial
from mizoo.representations import Standardise

pytestmark = pytest.mark.usefixtures("eagerly")

LINKS = ["z_tilde", "x_hat", "x_tilde", "z_hat"]
SMALL = {"units": 8, "couplings": 1}


@pytest.fixture(scope="module")
def small(eagerly):
    return presets.turbosim(**SMALL)


@pytest.mark.ci
def test_default_has_the_eight_terms(small):
    eight = {f"{letter}_{stream}" for letter in "LD" for stream in LINKS}
    assert {o.term for o in small.active} == {*eight, "C_z_tilde"}  # and the order of the jets
    assert set(small.streams) == set(LINKS)
    assert isinstance(small.encoder, RotationEquivariant)
    assert isinstance(small.encoder.mapper, ResidualMapper)
    assert isinstance(small.encoder.mapper.mapper, Flow)


@pytest.mark.slow
def test_one_step_is_finite_and_moves_every_part(small, few):
    before = {v.path + str(i): v.numpy() for i, v in enumerate(small.trainable_variables)}
    history = small.fit(few.train, batch_size=100, epochs=1, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    after = {v.path + str(i): v.numpy() for i, v in enumerate(small.trainable_variables)}
    unmoved = [path for path in before if np.array_equal(before[path], after[path])]
    assert unmoved == []


@pytest.mark.ci
def test_configuration_survives_json(small):
    text = json.dumps(keras.saving.serialize_keras_object(small))
    again = keras.saving.deserialize_keras_object(json.loads(text))  # which empties what it is given
    assert repr(again) == repr(small)
    twice = json.loads(json.dumps(keras.saving.serialize_keras_object(again)))
    assert twice["config"] == json.loads(text)["config"]
    assert [w.shape for w in again.weights] == [w.shape for w in small.weights]


@pytest.mark.slow
def test_saved_and_loaded_draws_the_same(small, few, tmp_path):
    small.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    noise = np.random.default_rng(0).normal(size=(20, 18)).astype("float32")
    z = few.test.z[:20]
    np.testing.assert_array_equal(small.decode(z, noise=noise), again.decode(z, noise=noise))


def test_original_is_the_configuration_of_the_paper():
    model = presets.turbosim(original=True)
    assert repr(model) == (
        "<turbosim: 10·L_z_tilde + 1·D_z_tilde + 10·L_x_hat + 1·D_x_hat + 10·D_x_tilde + 100·L_z_hat>"
    )
    encoder, decoder = (
        [w.shape for w in m.weights if len(w.shape) == 2] for m in (model.encoder, model.decoder)
    )
    assert encoder == [(24, 256), (256, 128), (128, 64), (64, 24)]
    assert decoder == [(24, 64), (64, 128), (128, 256), (256, 24)]
    assert isinstance(model.encoder, NoiseInjected)
    assert model.encoder.stddev == model.decoder.stddev == 0.05
    penalties = {o.stream: o.estimator.gradient_penalty for o in model.objectives if o.symbol == "D"}
    assert penalties == {"z_tilde": 1000.0, "x_hat": 1000.0, "x_tilde": 10.0}
    critic = [w.shape for w in model.objectives[1].critic_variables if len(w.shape) == 2]
    assert critic == [(24, 256), (256, 128), (128, 64), (64, 1)]
    assert (model.optimizer.beta_1, model.optimizer.beta_2) == (0.9, 0.7)
    assert (model.optimizer.l2, model.critic_optimizer.l2) == (1e-3, 1e-4)
    assert (
        float(model.optimizer.learning_rate)
        == float(model.critic_optimizer.learning_rate)
        == np.float32(1e-4)
    )


def test_original_mean_squared_error(few):
    """L terms of the original are mean squared errors, up to the normal distribution's constant."""
    model = presets.turbosim(original=True)
    model.adapt(few.train)
    target, draw = np.random.default_rng(0).normal(size=(2, 5, 24)).astype("float32")
    given = model.encoder.around(draw)
    constant = 12 * np.log(2 * np.pi * 12)
    np.testing.assert_allclose(
        -given.log_prob(target) - constant, ((target - draw) ** 2).mean(1), rtol=1e-4
    )


@pytest.mark.ci
def test_original_trains(few):
    history = presets.turbosim(original=True).fit(few.train, batch_size=100, verbose=0).history
    assert np.isfinite(list(history.values())).all()


@pytest.mark.ci
def test_arguments_reach_the_parts():
    model = presets.turbosim(weights={"D_z_hat": 0.0, "L_x_hat": 3.0}, name="mine", **SMALL)
    assert model.name == "mine"
    weights = {o.term: o.weight for o in model.objectives}
    assert weights["L_x_hat"] == 3.0
    assert model.streams == ["z_tilde", "x_hat", "x_tilde"]
    assert model.encoder.mapper.mapper.couplings == 1


@pytest.mark.slow
def test_other_dimensions_mappers_and_estimators():
    made = []

    def estimator(stream):
        made.append(stream)
        return Adversarial(mlp([4], 1), "hinge")

    model = presets.turbosim(
        x=Standardise((3,)),
        z=Standardise((2,)),
        encoder=NoiseInjected(mlp([4], 2), (2,)),
        estimator=estimator,
        **SMALL,
    )
    assert sorted(made) == sorted(LINKS)
    assert model.augmentation is None
    pairs = toy_pairs()
    model.adapt(pairs)
    history = model.fit(pairs, batch_size=32, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert model.decode(pairs["z"]).shape == (64, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": Standardise((3,))}, "both spaces"),
        ({"weights": {"D_z_bar": 1.0}}, "'z_bar'"),
        ({"weights": {"R_z_tilde": 1.0}}, "'R_z_tilde'"),
    ],
)
def test_wrong_arguments_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        presets.turbosim(**arguments, **SMALL)


def test_registry():
    assert presets.PRESETS["turbosim"].factory is presets.turbosim
    assert presets.PRESETS["turbosim"].data == "pairs"
