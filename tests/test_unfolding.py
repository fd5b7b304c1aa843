"""Iterative unfolding, where the posterior and the true spectrum are known."""

import numpy as np
import pytest

import mizoo
from mizoo.evaluation import iterative_unfolding
from mizoo.evaluation.distances import ks, ks_threshold

ZEE = mizoo.processes.zee
COUNT, SAMPLES = 3000, 12


def rapidity(z):
    """Rapidity of the Z boson."""
    z = z.astype("float64")
    return np.arctanh((z[..., 2] + z[..., 6]) / (z[..., 3] + z[..., 7]))


@pytest.fixture(scope="module")
def events():
    """Prior, true partons of another spectrum, and exact posterior draws given a measured rapidity."""
    generator, z = np.random.default_rng(0), mizoo.datasets.zee().train.z
    prior, others = z[:5000], z[5000:]
    wanted = np.exp(0.7 * rapidity(others))
    truth = others[generator.choice(len(others), COUNT, replace=False, p=wanted / wanted.sum())]
    measured = rapidity(truth) + generator.normal(0.0, 1.0, COUNT)
    likelihood = np.exp(-0.5 * np.square(measured[:, None] - rapidity(prior)))
    upto = np.cumsum(likelihood / likelihood.sum(1, keepdims=True), 1)
    places = [np.searchsorted(row, generator.uniform(size=SAMPLES)) for row in upto]
    return prior, truth, prior[np.minimum(places, len(prior) - 1)]


@pytest.mark.slow
def test_iterations_remove_the_spectrum_of_the_training(events):
    prior, truth, draws = events
    threshold = ks_threshold(COUNT, COUNT)
    before = ks(rapidity(truth), rapidity(draws).ravel())
    unfolded = iterative_unfolding(draws, prior, ZEE, iterations=4)
    after = ks(rapidity(truth), rapidity(draws).ravel(), None, unfolded.weights.ravel())
    assert before > 2.0 * threshold
    assert after < threshold
    assert ks(rapidity(truth), rapidity(prior), None, unfolded.prior_weights) < threshold
    assert ks(rapidity(truth), rapidity(unfolded.sample(0))) < 1.5 * threshold
    assert unfolded.history.change.iloc[-1] < 0.3 * unfolded.history.change.iloc[0]
    assert (unfolded.history.draws_ess < COUNT * SAMPLES).all()


@pytest.mark.ci
def test_the_draws_of_an_event_have_its_weight(events):
    prior, _, draws = events
    weights = np.random.default_rng(0).uniform(size=200)
    plain = iterative_unfolding(draws[:200], prior[:1000], ZEE, weights, iterations=0)
    np.testing.assert_allclose(plain.weights, np.repeat(weights[:, None] / SAMPLES, SAMPLES, 1))
    unfolded = iterative_unfolding(draws[:200], prior[:1000], ZEE, weights, iterations=1)
    np.testing.assert_allclose(unfolded.weights.sum(1), weights)
    assert np.ptp(unfolded.weights / weights[:, None]) > 0.01
    np.testing.assert_allclose(unfolded.prior_weights.mean(), 1.0)


@pytest.mark.ci
def test_samples_follow_the_weights(events):
    prior, _, draws = events
    unfolded = iterative_unfolding(draws[:50], prior[:1000], ZEE, iterations=0)
    chosen = np.zeros((50, SAMPLES))
    chosen[:, 2] = 1.0
    assert np.array_equal(unfolded._replace(weights=chosen).sample(0), draws[:50, 2])
    assert not np.array_equal(unfolded.sample(0), unfolded.sample(1))
    assert np.array_equal(unfolded.sample(0), unfolded.sample(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": np.zeros((5, 8))}, r"draws must be partons of zee, \(n, k, 8\), got \(5, 8\)"),
        ({"prior": np.zeros((5, 4))}, r"prior must be partons of zee, \(m, 8\), got \(5, 4\)"),
        ({"draws": np.full((5, 2, 8), np.nan)}, "draws, event 0: not finite; leave out 5"),
        ({"weights": np.ones(4)}, r"weights must be 5 finite numbers with a positive sum, got \(4,\)"),
        ({"weights": np.array([1, 1, 1, 1, -1])}, "unfolding needs weights of 0 or more, and 1 of 5"),
        ({"iterations": -1}, "iterations must be 0 or more, got -1"),
    ],
)
def test_wrong_arguments_are_refused(events, change, message):
    given = {"draws": events[2][:5], "prior": events[0][:100], **change}
    with pytest.raises(ValueError, match=message):
        iterative_unfolding(given.pop("draws"), given.pop("prior"), ZEE, **given)
