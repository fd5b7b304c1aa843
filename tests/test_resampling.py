"""Weights of either sign: positive resampling for training, and their use elsewhere."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from mizoo.datasets import (
    Events,
    NegativeDensity,
    ResampledWeights,
    Samples,
    Split,
    positive_resampling,
)
from mizoo.datasets.resampling import resampled_for_training
from mizoo.evaluation.distances import effective_sample_size

BINS = 10


def pt(momenta):
    return np.hypot(momenta[:, 0], momenta[:, 1])


def mass(momenta):
    return np.sqrt(np.maximum(momenta[:, 3] ** 2 - np.square(momenta[:, :3]).sum(1), 0.0))


def observables(events):
    """Some of x, of z and of both together, by name."""
    x, z = (events[space].reshape(-1, 6, 4).astype("float64") for space in "xz")
    top, jet = z[:, :3].sum(1), x[:, 2]
    return {
        "pT of the top quark": pt(top),
        "mass of both top quarks": mass(z.sum(1)),
        "mass of the W boson": mass(z[:, :2].sum(1)),
        "pT of the leading jet": pt(jet),
        "pz of the electron": x[:, 0, 2],
        "missing momentum": pt(x[:, 1]),
        "mass of two jets": mass(x[:, 2:4].sum(1)),
        "response": pt(jet) / np.maximum(pt(z[:, 2]), pt(z[:, 3])),
        "difference": pt(top) - pt(jet),
    }


def sigmoid(line):
    return 1.0 / (1.0 + np.exp(-line))


@pytest.fixture(scope="module")
def signed(ttbar):
    """Events with weights as of next-to-leading order: negative where jets and top quarks are hard."""
    events, random = ttbar.train[:12_000], np.random.default_rng(0)
    seen = observables(events)
    negative = 0.08 + 0.2 * sigmoid((seen["pT of the top quark"] - 120.0) / 30.0)
    negative += 0.17 * sigmoid((seen["pT of the leading jet"] - 120.0) / 25.0)
    size = random.gamma(4.0, 0.25, len(events)) * (1.0 + 0.5 * np.tanh(seen["pz of the electron"] / 100.0))
    weights = np.where(random.random(len(events)) < negative, -size, size)
    assert 0.2 < np.mean(weights < 0.0) < 0.3
    return replace(events, weights=weights), size * (1.0 - 2.0 * negative)


@pytest.fixture(scope="module")
def resampled(signed):
    return positive_resampling(signed[0])


def histograms(events, *weights):
    """Of each observable and each of some weights, in bins of as many events each."""
    found = {}
    for name, values in observables(events).items():
        edges = np.quantile(values, np.linspace(0.0, 1.0, BINS + 1)[1:-1])
        rows = np.searchsorted(edges, values)
        found[name] = np.array([np.bincount(rows, own, BINS) for own in weights])
    return found


def chi2(events, after, before, of_errors, resamples=200):
    """χ² per bin of two sets of weights of the same events, by observable; errors are bootstrapped."""
    random, count = np.random.default_rng(1), len(events)
    differences = histograms(events, after - before)
    times = [random.multinomial(count, np.full(count, 1.0 / count)) for _ in range(resamples)]
    drawn = histograms(events, *(n * of_errors for n in times))
    return {k: np.mean(np.square(d[0] / drawn[k].std(0))) for k, d in differences.items()}


@pytest.mark.slow
def test_weighted_distributions_stay(signed, resampled):
    """Before and after differ by no more than the noise of the signs, which resampling takes out."""
    events, expected = signed
    before, after = events.weights, resampled.weights
    assert (after >= 0.0).all()
    assert after.sum() == pytest.approx(before.sum())
    np.testing.assert_array_equal(resampled.x, events.x)
    found = chi2(events, after, before, after - before)
    assert np.mean(list(found.values())) < 1.5
    assert max(found.values()) < 2.0
    # To the distribution that the signs were drawn from, they are nearer than the errors of the sample.
    assert max(chi2(events, after, expected, before).values()) < 1.0
    assert effective_sample_size(len(events), after) > 2.0 * effective_sample_size(len(events), before)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda events: np.maximum(events.weights, 0.0),
        lambda events: np.abs(events.weights),
        pytest.param(lambda events: positive_resampling(events.only("x")).weights, marks=pytest.mark.ci),
    ],
    ids=["dropped", "absolute", "of x alone"],
)
def test_other_positive_weights_do_not_pass(signed, wrong):
    """The test above can fail: none of the simpler ways would pass it."""
    events, expected = signed
    after = wrong(events)
    after = after * (events.weights.sum() / after.sum())
    found = chi2(events, after, events.weights, after - events.weights)
    assert max(found.values()) > 2.5
    assert max(chi2(events, after, expected, events.weights).values()) > 1.0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(signed):
    few = signed[0][:1000]
    first = positive_resampling(few, seed=2**40)
    np.testing.assert_array_equal(positive_resampling(few, seed=2**40).weights, first.weights)
    assert not np.array_equal(positive_resampling(few, seed=3).weights, first.weights)
    assert isinstance(first, Events)


def test_arrays_are_resampled_too():
    """x says which sign to expect, z nothing; images are as good as vectors."""
    random = np.random.default_rng(0)
    x, z = random.random((4000, 2, 2, 1)), random.normal(size=(4000, 3))
    sign = np.where(random.random(4000) < 0.4 * x[:, 0, 0, 0], -1.0, 1.0)
    found = positive_resampling(Samples(x, z, weights=sign)).weights
    expected = 1.0 - 0.8 * x[:, 0, 0, 0]
    assert np.corrcoef(found, expected)[0, 1] > 0.8
    assert np.polyfit(expected, found, 1)[0] == pytest.approx(1.0, abs=0.2)


def test_what_needs_no_resampling_stays(signed):
    events = signed[0][:200]
    for weights in (None, np.abs(events.weights)):
        same = replace(events, weights=weights)
        assert positive_resampling(same) is same
    with pytest.raises(ValueError, match="needs 200 events or more, got 199"):
        positive_resampling(signed[0][:199])


def test_a_negative_density_is_told():
    x = np.linspace(0.0, 1.0, 5000)[:, None]
    weights = np.where(x[:, 0] < 0.3, -1.0, 1.0)
    with pytest.warns(
        NegativeDensity, match=r"1[45]\d\d of 5000 events are where weights are negative"
    ) as told:
        found = positive_resampling(Samples(x, weights=weights)).weights
    assert "\n" not in str(told[0].message)
    assert found[:1400].sum() < 0.02 * found.sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        positive_resampling(Samples(x, weights=np.where(np.arange(5000) % 4, 1.0, -1.0)))


@pytest.mark.ci
def test_training_data_are_resampled_and_test_data_are_not(signed):
    events = signed[0]
    split = Split(events[:1000], replace(events[1000:1200], weights=None), events[1200:1400])
    with pytest.warns(ResampledWeights, match=r"of 1000 weights of the train data are negative") as told:
        ready = resampled_for_training(split, seed=1)
    assert len(told) == 1
    assert (ready.train.weights >= 0.0).all()
    np.testing.assert_array_equal(ready.train.weights, positive_resampling(split.train, seed=1).weights)
    assert ready.validation is split.validation
    assert ready.test is split.test
