"""Weights of either sign in the evaluation: used, or rejected with a message."""

from dataclasses import replace

import numpy as np
import pytest

from mizoo.evaluation.classifier import classifier_test
from mizoo.evaluation.distances import DISTANCES, chi2, effective_sample_size, ks_threshold, triangular
from mizoo.evaluation.figures.style import central
from mizoo.evaluation.joint import correlations, mmd
from mizoo.evaluation.report import compare


def signed(count, random):
    """A sample of density 2x on [0, 1] with weights of either sign, a quarter of them negative."""
    values = random.random(count)
    size = random.gamma(4.0, 0.25, count)
    # E[w | x] = 1 - 2 P(negative | x) = x
    return values, np.where(random.random(count) < (1.0 - values) / 2.0, -size, size)


def test_two_samples_differ_as_often_as_the_threshold_says():
    random, beyond, absolute = np.random.default_rng(0), 0, 0
    for _ in range(400):
        (one, first), (other, second) = signed(400, random), signed(400, random)
        n, m = (effective_sample_size(400, weights) for weights in (first, second))
        distance, threshold = DISTANCES["ks"](one, other, first, second), ks_threshold(n, m)
        beyond += distance > threshold
        absolute += DISTANCES["ks"](one, other, first, np.abs(second)) > threshold
    assert 0.01 < beyond / 400 < 0.09
    assert absolute / 400 > 0.15


def test_distances_are_those_of_the_density():
    """Signed weights describe the same distribution as their density."""
    random = np.random.default_rng(1)
    values, weights = signed(100_000, random)
    other = random.random(100_000)
    for name, distance in DISTANCES.items():
        near, far = (distance(values, other, weights, density) for density in (other, np.ones_like(other)))
        assert near < 0.35 * far, name
    assert chi2(values, other, weights, other) == pytest.approx(1.0, abs=0.5)


def test_cells_of_negative_share_count():
    truth, values = np.arange(100.0), np.arange(100.0)
    weights = np.where(np.arange(100) % 2, -1.0, 3.0)  # two in each cell
    negative = np.where(np.arange(100) < 4, -5.0, 1.0)
    assert triangular(truth, values, weights, weights) == 0.0
    # p = 1/50 and q = -10/76 in two cells; where p + q < 0 they would be left out
    p, q = 1.0 / 50.0, np.array([-10.0] * 2 + [2.0] * 48) / 76.0
    expected = np.sum(np.square(p - q) / (p + np.abs(q))) / 2.0
    assert triangular(truth, values, np.ones(100), negative) == pytest.approx(expected)
    cancelling = np.where(np.arange(100) < 50, np.where(np.arange(100) % 2, -1.0, 1.0), 1.0)
    uneven = np.where(np.arange(100) % 4 < 2, 0.5, 1.5) * cancelling
    p, q = (w.reshape(50, 2).sum(1) / w.sum() for w in (cancelling, uneven))
    variance = sum(np.square(w / w.sum()).reshape(50, 2).sum(1) for w in (cancelling, uneven))
    expected = np.sum(np.square(p - q) / variance) / 49.0  # of 50 cells, though shares of 25 are 0
    assert chi2(truth, values, cancelling, uneven) == pytest.approx(expected)


def test_correlations_take_signs():
    random = np.random.default_rng(2)
    values = random.normal(size=(500, 3)) @ random.normal(size=(3, 3))
    weights = random.random(500)
    of_numpy = np.cov(values, rowvar=False, aweights=weights)
    spread = np.sqrt(np.diag(of_numpy))
    np.testing.assert_allclose(correlations(values, weights), of_numpy / np.outer(spread, spread))
    # An event with weights 3 and -2 is one with weight 1.
    twice, both = np.concatenate([values, values]), np.concatenate([3.0 * weights, -2.0 * weights])
    np.testing.assert_allclose(correlations(twice, both), correlations(values, weights))


def test_quantiles_take_signs():
    random = np.random.default_rng(3)
    values, weights = random.normal(size=1001), random.random(1001)
    expected = np.quantile(values, [0.16, 0.5, 0.84], weights=weights, method="inverted_cdf")
    np.testing.assert_array_equal(central(values, weights), expected)
    twice, both = np.concatenate([values, values]), np.concatenate([3.0 * weights, -2.0 * weights])
    np.testing.assert_allclose(central(twice, both), expected, atol=0.02)
    assert np.isnan(central(values, -weights)).all()


@pytest.mark.ci
def test_what_needs_positive_weights_says_so(ttbar):
    events = ttbar.test[:200]
    weights = np.where(np.arange(200) % 4, 1.0, -1.0)
    data = replace(events, weights=weights)
    assert np.isfinite(compare(data, events).table["ks"]).all()
    values = np.random.default_rng(4).normal(size=(200, 2))
    for call in (
        lambda: compare(data, events, joint=True),
        lambda: compare(events, data, joint=True),
        lambda: classifier_test(values, values, weights),
        lambda: classifier_test(values, values, None, weights),
        lambda: mmd(values, values, weights),
    ):
        with pytest.raises(ValueError, match=r"50 of \d+ are negative: .*positive_resampling") as error:
            call()
        assert "\n" not in str(error.value)
