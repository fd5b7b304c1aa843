"""Mappers of the residuals of a target with respect to a reference from its condition."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from former import OBJECT_RESIDUALS, PARTON_RESIDUALS, coordinates, views_of_draws

from mizoo.mappers import Deterministic, ResidualMapper, Transcoder
from mizoo.mappers.base import SelfConditioned
from mizoo.networks import mlp
from mizoo.physics import JetMatching

pytestmark = pytest.mark.usefixtures("eagerly")

X, Z = coordinates(fitted=True)


def residuals(source, target, scales):
    inner = Deterministic(mlp([4], *target.shape), target.shape)
    mapper = ResidualMapper(inner, source, target, scales)
    mapper.build((None, *source.shape))
    return mapper


@pytest.fixture(scope="module")
def pairs(ttbar, eagerly):
    return {s: v.numpy() for s, v in JetMatching()(ttbar.train[:5000].arrays()).items()}


@pytest.mark.ci
@pytest.mark.parametrize("way", ["simulate", "unfold"])
def test_departures_are_of_one_size_and_lead_back(way, pairs):
    source, target, scales = (Z, X, OBJECT_RESIDUALS) if way == "simulate" else (X, Z, PARTON_RESIDUALS)
    given_, wanted = (pairs["z"], pairs["x"]) if way == "simulate" else (pairs["x"], pairs["z"])
    mapper = residuals(source, target, scales)
    guess = mapper._reference(source(given_))
    residual, _ = mapper.forward(target(wanted), guess)
    np.testing.assert_allclose(mapper.inverse(residual, guess), target(wanted), atol=2e-3)
    guessed = np.array(scales) > 0
    # The median of |asinh(Δ / scale)| is asinh(1) if the scale is the median of |Δ|.
    median = np.median(np.abs(residual), axis=0)[guessed] * 1.5
    np.testing.assert_allclose(median, np.arcsinh(1.0), rtol=0.3)  # rounded, one for all jets
    np.testing.assert_array_equal(residual.numpy()[:, ~guessed], target(wanted).numpy()[:, ~guessed])


def test_the_same_event_does_not_depart(pairs):
    mapper = residuals(X, X, OBJECT_RESIDUALS)
    line = X(pairs["x"][:100])
    residual, _ = mapper.forward(line, mapper._reference(line))
    inside = np.abs(line) < 3.0  # where references end
    guessed = np.array(OBJECT_RESIDUALS) > 0
    np.testing.assert_allclose(residual.numpy()[inside & guessed], 0.0, atol=1e-3)


@pytest.mark.ci
def test_small_errors_stay_small_in_the_tails(pairs):
    mapper = residuals(Z, X, OBJECT_RESIDUALS)
    guess = mapper._reference(Z(pairs["z"]))
    target = X(pairs["x"])
    residual, _ = mapper.forward(target, guess)
    assert np.abs(residual).max() > 5.0
    moved = mapper.inverse(residual + 0.01, guess) - target
    lines = np.setdiff1d(np.arange(18), X.circles)
    assert np.abs(moved.numpy()[:, lines]).max() < 0.0101


@pytest.mark.ci
@pytest.mark.parametrize("way", ["simulate", "unfold"])
def test_density_takes_the_slope_into_account(way, pairs):
    source, target, scales = (Z, X, OBJECT_RESIDUALS) if way == "simulate" else (X, Z, PARTON_RESIDUALS)
    mapper = residuals(source, target, scales)
    first, second = ("z", "x") if way == "simulate" else ("x", "z")
    condition, target = source(pairs[first][:6]), target(pairs[second][:6])
    guess = mapper._reference(condition)
    with tf.GradientTape() as tape:
        tape.watch(target)
        residual, log_slope = mapper.forward(target, guess)
    _, expected = np.linalg.slogdet(tape.batch_jacobian(residual, target).numpy())
    np.testing.assert_allclose(log_slope, expected, atol=1e-2)
    inner = mapper.mapper.distribution(condition).log_prob(residual)
    np.testing.assert_allclose(
        mapper.distribution(condition).log_prob(target), inner + log_slope, rtol=1e-4
    )


@pytest.mark.ci
@pytest.mark.parametrize("way", ["simulate", "unfold"])
def test_slope_is_that_of_the_target(way, pairs):
    source, target, scales = (Z, X, OBJECT_RESIDUALS) if way == "simulate" else (X, Z, PARTON_RESIDUALS)
    first, second = ("z", "x") if way == "simulate" else ("x", "z")
    mapper = residuals(source, target, scales)
    guess = mapper._reference(source(pairs[first]))
    residual, _ = mapper.forward(target(pairs[second]), guess)
    with tf.GradientTape() as tape:
        tape.watch(residual)
        inverted = mapper.inverse(residual, guess)
    np.testing.assert_allclose(mapper.slope(residual), tape.gradient(inverted, residual), rtol=1e-3)


@pytest.mark.ci
@pytest.mark.parametrize("training", [False, True])
def test_the_inner_mapper_sees_what_it_draws(training, pairs):
    seen = []

    class Seeing(SelfConditioned, Deterministic):
        def distribution(self, condition, noise=None, training=None, features=None):
            seen.append(features)
            return super().distribution(condition, noise, training)

    view, _ = views_of_draws()
    inner = Seeing(mlp([], *X.shape), X.shape)
    mapper = ResidualMapper(inner, Z, X, OBJECT_RESIDUALS, view)
    mapper.distribution(Z(pairs["z"]), training=training)
    target = X(pairs["x"])
    residual, _ = mapper.forward(target, mapper._reference(Z(pairs["z"])))
    noise = tf.fill((len(target), 1), 0.3)
    errors = noise * mapper.slope(residual)
    np.testing.assert_allclose(seen[0](residual, noise), view(target, errors), atol=2e-3)


@pytest.mark.ci
def test_a_cycle_has_no_guess():
    def transcoder(source, target, scales):
        decoder = Deterministic(mlp([], *target.shape), target.shape)
        return ResidualMapper(Transcoder(mlp([], 4), decoder), source, target, scales)

    there, back = transcoder(X, Z, PARTON_RESIDUALS), transcoder(Z, X, OBJECT_RESIDUALS)
    for mapper, shape in ((there, X.shape), (back, Z.shape)):
        mapper.build((None, *shape))
    first = there.distribution(tf.ones((2, 18)))
    cycle = back.decode_latent(first)
    flagged = tf.concat([first.latent, tf.zeros((2, 1))], -1)  # the latent of its own space
    np.testing.assert_allclose(cycle.sample(), back.mapper.decoder.network(flagged))
    assert cycle.latent is first.latent


@pytest.mark.ci
def test_configuration_survives_json():
    mapper = residuals(X, Z, PARTON_RESIDUALS)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mapper))
    again.build((None, 18))
    again.set_weights(mapper.get_weights())
    condition = tf.ones((3, 18))
    np.testing.assert_array_equal(again(condition), mapper(condition))
