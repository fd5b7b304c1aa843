"""Classifier tests, responses, calibration and retrieval, each where the answer is known."""

import numpy as np
import pytest
import scipy.stats

import mizoo
from mizoo.evaluation.classifier import classifier_test, features, pair_features
from mizoo.evaluation.conditional import crps, responses, retrieve, simulation_based_calibration

TTBAR = mizoo.processes.ttbar


@pytest.fixture(scope="module")
def generator():
    return np.random.default_rng(0)


def test_a_classifier_is_blind_to_a_second_sample_of_one_law(generator):
    condition = generator.normal(size=(2000, 3))
    first, second = (condition + generator.normal(size=(2000, 3)) for _ in range(2))
    both = (np.concatenate([condition, sample], 1) for sample in (first, second))
    auc = classifier_test(*both, resamples=20)
    assert abs(auc.value - 0.5) < 4 * auc.error < 0.06


def test_a_classifier_finds_what_no_marginal_shows(generator):
    truth = generator.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=3000)
    shuffled = np.stack([truth[:, 0], generator.permutation(truth[:, 1])], 1)
    exact = scipy.stats.multivariate_normal
    ratio = exact([0, 0], [[1, 0.8], [0.8, 1]]).logpdf, exact([0, 0], np.eye(2)).logpdf
    scores = [ratio[0](sample) - ratio[1](sample) for sample in (truth, shuffled)]
    best = scipy.stats.mannwhitneyu(*scores).statistic / 3000**2  # Neyman-Pearson
    auc = classifier_test(truth, shuffled, resamples=2)
    assert best - 0.05 < auc.value < best + 0.02


def test_samples_must_be_of_one_length(generator):
    with pytest.raises(ValueError, match="as many rows, got 5 and 4"):
        classifier_test(np.zeros((5, 2)), np.zeros((4, 2)))


@pytest.mark.ci
@pytest.mark.parametrize("space", ["x", "z"])
def test_features_are_finite_components_masses_and_directions(space):
    events = mizoo.datasets.ttbar().validation[space][:50]
    found = features(events, space, TTBAR)
    assert found.shape == (50, 24 + 5 + 18)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, :24], events)


def test_responses_undo_a_known_distortion():
    z = mizoo.datasets.ttbar().validation.z[:200].astype("float64")
    x = z.reshape(-1, 6, 4).copy()
    x[:, 0, :2] *= 0.9
    x[:, 2:] *= 1.2
    x[:, 2:] = x[:, [4, 2, 5, 3]]  # jets in another order
    found = responses(x.reshape(-1, 24), z, TTBAR)
    np.testing.assert_allclose(found["electron_pt"], -0.1, atol=1e-4)
    np.testing.assert_allclose(found["jet_pt"], 0.2, atol=1e-4)
    np.testing.assert_allclose(found["jet_phi"], 0.0, atol=1e-4)
    assert found["jet_eta"].shape == (200, 4)


def test_draws_from_the_posterior_are_calibrated_and_narrow_ones_are_not(generator):
    location = generator.normal(size=(4000, 1))
    truth = location + generator.normal(size=(4000, 1))
    draws = location[:, None] + generator.normal(size=(4000, 50, 1))
    right = simulation_based_calibration(truth, draws)
    assert scipy.stats.chisquare(np.bincount(right.ranks[:, 0], minlength=51)).pvalue > 1e-3
    np.testing.assert_allclose([right.coverage(0.68), right.coverage(0.95)], [[0.68], [0.95]], atol=0.02)
    narrow = simulation_based_calibration(
        truth, location[:, None] + 0.5 * generator.normal(size=(4000, 50, 1))
    )
    expected = 2 * scipy.stats.norm.cdf(0.5 * scipy.stats.norm.ppf(0.84)) - 1
    np.testing.assert_allclose(narrow.coverage(0.68), expected, atol=0.03)


def test_partners_are_found_where_they_are_close(generator):
    first = generator.normal(size=(300, 4))
    near = retrieve(first, 3.0 * first + 0.01 * generator.normal(size=first.shape))
    assert near.first > 0.98
    assert near.rank < 1e-3
    assert near.correlation > 0.999
    far = retrieve(first, generator.normal(size=first.shape))
    assert far.first < 0.05
    assert far.rank == pytest.approx(0.5, abs=0.06)
    assert far.correlation == pytest.approx(0.0, abs=0.1)


def test_a_classifier_heeds_the_weights_of_each_sample(generator):
    """Normal draws about 1, weighted to be about 0, cannot be distinguished from draws about 0."""
    truth, model = generator.normal(size=(4000, 1)), 1.0 + generator.normal(size=(4000, 1))
    weights = np.exp(0.5 - model[:, 0])
    assert classifier_test(truth, model, resamples=2).value > 0.7
    assert classifier_test(truth, model, None, weights, resamples=2).value == pytest.approx(0.5, abs=0.04)
    assert classifier_test(model, truth, weights, resamples=2).value == pytest.approx(0.5, abs=0.04)


@pytest.mark.slow
def test_a_classifier_of_pairs_sees_events_of_other_partons():
    """True events with the partons of other events: no distribution of events shows it."""
    events = mizoo.datasets.ttbar().validation
    data, others = events[:600], events[600:1200].x
    truth, made = (pair_features(x, data.z, TTBAR) for x in (data.x, others))
    assert truth.shape == (600, 47 + 47 + 3 + 12)
    assert classifier_test(truth, made, resamples=5).value > 0.95
    alone = (features(x, "x", TTBAR) for x in (data.x, others))
    assert classifier_test(*alone, resamples=5).value == pytest.approx(0.5, abs=0.06)


def test_crps_of_normal_draws_is_what_is_known(generator):
    """Of a normal distribution about the truth's own mean it is σ/√π (Gneiting and Raftery, eq. 21)."""
    centre = generator.normal(size=(20_000, 1)) * 5.0
    truth = centre + 2.0 * generator.normal(size=(20_000, 1))
    draws = centre[:, None] + 2.0 * generator.normal(size=(20_000, 4, 1))
    right = crps(truth, draws)
    assert right[0] == pytest.approx(2.0 / np.sqrt(np.pi), rel=0.02)
    fewer = crps(truth, draws[:, :2])
    assert fewer[0] == pytest.approx(right[0], rel=0.02)
    prior = generator.permutation(truth)[generator.integers(20_000, size=(20_000, 4))]
    assert crps(truth, prior)[0] > 2.0 * right[0]
    assert crps(truth, draws + 1.0)[0] > 1.05 * right[0]
    pairs = np.abs(draws[:100, :, None] - draws[:100, None]).sum((1, 2)).mean(0) / 12
    expected = np.abs(draws[:100] - truth[:100, None]).mean((0, 1)) - pairs / 2
    np.testing.assert_allclose(crps(truth[:100], draws[:100]), expected)
    with pytest.raises(ValueError, match="2 or more"):
        crps(truth, draws[:, :1])
