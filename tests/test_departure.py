"""Coordinates with the lepton by itself; mappers that say how far a target departs from its condition."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mizoo.evaluation.observables import observables
from mizoo.mappers import Departure, Noisy, Transcoder
from mizoo.networks import mlp
from mizoo.physics import TTBAR, Matched
from mizoo.presets.ttbar import OBJECTS_DEPART, PARTONS_DEPART, coordinates
from mizoo.representations import LeptonFirst

X, Z = coordinates(ordered=False, partons=LeptonFirst)


def test_partons_come_back(ttbar):
    events = ttbar.validation.z
    again = Z.inverse(Z(events)).numpy()
    assert np.abs(again - events).max() < 2e-3


@settings(max_examples=25, deadline=None)
@given(hnp.arrays("float32", (4, 16), elements=st.floats(-2.5, 2.5, width=32)))
def test_all_coordinates_are_events_on_shell_and_balanced(line):
    line[:, 3] = line[:, 2] + 1.0  # where lepton and quark are apart
    partons = Z.inverse(line).numpy().astype("float64").reshape(-1, 6, 4)
    energy = np.sqrt(np.square(partons[..., :3]).sum(-1) + TTBAR.masses("z") ** 2)
    np.testing.assert_allclose(partons[..., 3], energy, rtol=1e-5)
    scale = np.abs(partons[..., :2]).max()
    np.testing.assert_allclose(partons[..., :2].sum(1), 0.0, atol=1e-5 * max(scale, 1.0))


def test_objects_on_top_of_each_other_are_finite_events():
    parallel = tf.fill((2, 24), 0.5)
    assert np.isfinite(Z.inverse(Z(parallel))).all()
    assert np.isfinite(X(Z.inverse(Z(X.inverse(X(parallel)))))).all()


def test_masses_are_coordinates_of_their_own(ttbar):
    """Other coordinates move no mass of W or top, and none but its own moves the lepton."""
    line = Z(ttbar.validation.z[:200]).numpy()
    rng = np.random.default_rng(0)
    free = np.setdiff1d(np.arange(16), [6, 7, 10, 13])
    moved = line.copy()
    moved[:, free] += 0.1 * rng.normal(size=(200, len(free)))
    before, after = (observables(Z.inverse(values), "z") for values in (line, moved))
    for name in ("m_w_had", "m_w_lep", "m_t_had", "m_t_lep"):
        np.testing.assert_allclose(after[name], before[name], atol=0.05)
    assert np.abs(after["m_tt"] - before["m_tt"]).max() > 10.0
    moved = line.copy()
    moved[:, 3:] += 0.1 * rng.normal(size=(200, 13))
    np.testing.assert_allclose(Z.inverse(moved)[:, :4], Z.inverse(line)[:, :4], rtol=1e-6)


def test_turns_add_to_the_leptons_azimuth_alone(ttbar):
    events = ttbar.validation.z[:50].reshape(-1, 6, 4).astype("float64")
    cosine, sine = np.cos(0.7), np.sin(0.7)
    turned = events @ np.array([[cosine, sine, 0, 0], [-sine, cosine, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    change = (Z(turned.reshape(-1, 24)) - Z(events.reshape(-1, 24))).numpy()
    wrapped = (change[:, [1, 4, 8]] + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(wrapped - [0.7, 0, 0], 0.0, atol=1e-4)
    np.testing.assert_allclose(np.delete(change, [1, 4, 8], axis=1), 0.0, atol=2e-3)


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


def test_density_takes_the_slope_into_account(pairs):
    mapper = departures(Z, X, OBJECTS_DEPART)
    condition, target = Z(pairs["z"][:3]), X(pairs["x"][:3])
    guess = mapper._guess(condition)
    with tf.GradientTape() as tape:
        tape.watch(target)
        departure, log_slope = mapper.depart(target, guess)
    _, expected = np.linalg.slogdet(tape.batch_jacobian(departure, target).numpy())
    np.testing.assert_allclose(log_slope, expected, atol=1e-2)
    inner = mapper.mapper.given(condition).log_prob(departure)
    np.testing.assert_allclose(mapper.given(condition).log_prob(target), inner + log_slope, rtol=1e-4)


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
