"""Mappers that say how far a target departs from its condition."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mizoo.mappers import Departure, Noisy, Transcoder
from mizoo.networks import mlp
from mizoo.physics import Matched
from mizoo.presets.ttbar import OBJECTS_DEPART, PARTONS_DEPART, coordinates, views_of_draws

X, Z = coordinates(fitted=True)


def departures(source, target, scales):
    inner = Noisy(mlp([4], *target.shape), target.shape, stddev=0.0)
    mapper = Departure(inner, source, target, scales)
    mapper.build((None, *source.shape))
    return mapper


@pytest.fixture(scope="module")
def pairs(ttbar):
    return {s: v.numpy() for s, v in Matched()(ttbar.train[:5000].arrays()).items()}


@pytest.mark.parametrize("way", ["simulate", "unfold"])
def test_departures_are_of_one_size_and_lead_back(way, pairs):
    source, target, scales = (Z, X, OBJECTS_DEPART) if way == "simulate" else (X, Z, PARTONS_DEPART)
    given_, wanted = (pairs["z"], pairs["x"]) if way == "simulate" else (pairs["x"], pairs["z"])
    mapper = departures(source, target, scales)
    guess = mapper._guess(source(given_))
    departure, _ = mapper.depart(target(wanted), guess)
    np.testing.assert_allclose(mapper.arrive(departure, guess), target(wanted), atol=2e-3)
    guessed = np.array(scales) > 0
    # The median of |asinh(Δ / scale)| is asinh(1) if the scale is the median of |Δ|.
    median = np.median(np.abs(departure), axis=0)[guessed] * 1.5
    np.testing.assert_allclose(median, np.arcsinh(1.0), rtol=0.3)  # rounded, one for all jets
    np.testing.assert_array_equal(departure.numpy()[:, ~guessed], target(wanted).numpy()[:, ~guessed])


def test_the_same_event_does_not_depart(pairs):
    mapper = departures(X, X, OBJECTS_DEPART)
    line = X(pairs["x"][:100])
    departure, _ = mapper.depart(line, mapper._guess(line))
    inside = np.abs(line) < 3.0  # where guesses end
    guessed = np.array(OBJECTS_DEPART) > 0
    np.testing.assert_allclose(departure.numpy()[inside & guessed], 0.0, atol=1e-3)


def test_small_errors_stay_small_in_the_tails(pairs):
    mapper = departures(Z, X, OBJECTS_DEPART)
    guess = mapper._guess(Z(pairs["z"]))
    target = X(pairs["x"])
    departure, _ = mapper.depart(target, guess)
    assert np.abs(departure).max() > 5.0
    moved = mapper.arrive(departure + 0.01, guess) - target
    lines = np.setdiff1d(np.arange(18), X.circles)
    assert np.abs(moved.numpy()[:, lines]).max() < 0.0101


@pytest.mark.parametrize("way", ["simulate", "unfold"])
def test_density_takes_the_slope_into_account(way, pairs):
    source, target, scales = (Z, X, OBJECTS_DEPART) if way == "simulate" else (X, Z, PARTONS_DEPART)
    mapper = departures(source, target, scales)
    first, second = ("z", "x") if way == "simulate" else ("x", "z")
    condition, target = source(pairs[first][:6]), target(pairs[second][:6])
    guess = mapper._guess(condition)
    with tf.GradientTape() as tape:
        tape.watch(target)
        departure, log_slope = mapper.depart(target, guess)
    _, expected = np.linalg.slogdet(tape.batch_jacobian(departure, target).numpy())
    np.testing.assert_allclose(log_slope, expected, atol=1e-2)
    inner = mapper.mapper.given(condition).log_prob(departure)
    np.testing.assert_allclose(mapper.given(condition).log_prob(target), inner + log_slope, rtol=1e-4)


@pytest.mark.parametrize("way", ["simulate", "unfold"])
def test_slope_is_that_of_the_target(way, pairs):
    source, target, scales = (Z, X, OBJECTS_DEPART) if way == "simulate" else (X, Z, PARTONS_DEPART)
    first, second = ("z", "x") if way == "simulate" else ("x", "z")
    mapper = departures(source, target, scales)
    guess = mapper._guess(source(pairs[first]))
    departure, _ = mapper.depart(target(pairs[second]), guess)
    with tf.GradientTape() as tape:
        tape.watch(departure)
        arrived = mapper.arrive(departure, guess)
    np.testing.assert_allclose(mapper.slope(departure), tape.gradient(arrived, departure), rtol=1e-3)


@pytest.mark.parametrize("training", [False, True])
def test_the_inner_mapper_sees_what_it_draws(training, pairs):
    looks = []

    class Seeing(Noisy):
        def given(self, condition, noise=None, training=None, look=None):
            looks.append(look)
            return super().given(condition, noise, training)

    view, _ = views_of_draws()
    inner = Seeing(mlp([], *X.shape), X.shape, stddev=0.0)
    mapper = Departure(inner, Z, X, OBJECTS_DEPART, view)
    mapper.given(Z(pairs["z"]), training=training)
    target = X(pairs["x"])
    departure, _ = mapper.depart(target, mapper._guess(Z(pairs["z"])))
    noise = tf.fill((len(target), 1), 0.3)
    errors = noise * mapper.slope(departure)
    np.testing.assert_allclose(looks[0](departure, noise), view(target, errors), atol=2e-3)


def test_a_cycle_has_no_guess():
    def transcoder(source, target, scales):
        decoder = Noisy(mlp([], *target.shape), target.shape, stddev=0.0)
        return Departure(Transcoder(mlp([], 4), decoder), source, target, scales)

    there, back = transcoder(X, Z, PARTONS_DEPART), transcoder(Z, X, OBJECTS_DEPART)
    for mapper, shape in ((there, X.shape), (back, Z.shape)):
        mapper.build((None, *shape))
    first = there.given(tf.ones((2, 18)))
    cycle = back.follow(first)
    flagged = tf.concat([first.latent, tf.zeros((2, 1))], -1)  # the latent of its own space
    np.testing.assert_allclose(cycle.sample(), back.mapper.decoder.network(flagged))
    assert cycle.latent is first.latent


def test_configuration_survives_json():
    mapper = departures(X, Z, PARTONS_DEPART)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mapper))
    again.build((None, 18))
    again.set_weights(mapper.get_weights())
    condition = tf.ones((3, 18))
    np.testing.assert_array_equal(again(condition), mapper(condition))
