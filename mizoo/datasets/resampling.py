"""Positive resampling of weights of either sign, as from generators beyond leading order."""

import warnings
from dataclasses import replace
from itertools import combinations
from typing import TypeVar

import numpy as np
from rich.progress import track
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import KFold

from mizoo.datasets.events import Events
from mizoo.datasets.samples import Samples, Split
from mizoo.physics.momenta import momentum

_LEAF = 50  # events per leaf, at least
_FEWEST = 4 * _LEAF  # from fewer events, trees learn nothing
_FOLDS = 5
_LEVELS = 255  # bins of scikit-learn
_MANY = 8  # objects; of more there are too many sums of three

Kind = TypeVar("Kind", bound=Samples)


class ResampledWeights(UserWarning):
    """Warns that negative weights of training data were replaced by positive ones."""


class NegativeDensity(UserWarning):
    """Warns that weights are negative on average somewhere, which positive ones cannot reproduce."""


def positive_resampling(samples: Kind, seed: int = 0) -> Kind:
    """The same events with weights of 0 or more that describe the same distribution.

    A weight w becomes |w| · E[w | x, z] / E[|w| | x, z], scaled to keep the sum of all weights. Every
    weighted histogram stays the same within its errors, if the density of the weighted events is positive
    everywhere. This is the neural resampler of arXiv 2007.11586 without its second step, which draws events
    so that Σw² is that of the signed weights: all events are kept, since more events train better. The new
    weights vary less, so take statistical errors from the original weights. The quotient is a regression of
    the sign on events weighted by |w|, with gradient boosting instead of networks. Each event gets the
    prediction of trees that were not trained on it. Cell resampling (arXiv 2109.07851) needs near
    neighbours, which events of many dimensions do not have.

    The regression takes x and z of pairs together. Its features of `Events` are pT, φ and direction of each
    object, and pT and mass of the sums of two, of three (for at most 8 objects in a space) and of all
    objects; those of other samples are all components. 50 000 pairs of tt̄ events take less than a minute on
    one core.

    Args:
        samples: 200 samples or more with weights; without negative weights they are returned unchanged.
        seed: seed of the regression, 0 or more.

    Raises:
        ValueError: for fewer than 200 samples with negative weights.
    """
    weights = samples.weights
    if weights is None or not (weights < 0.0).any():
        return samples
    if len(samples) < _FEWEST:
        raise ValueError(f"positive resampling needs {_FEWEST} events or more, got {len(samples)}")
    features = np.concatenate([_features(samples, space) for space in samples.arrays()], 1)
    expected = np.abs(weights) * _mean_sign(features, weights, seed)
    positive = np.maximum(expected, 0.0)
    error = np.sqrt(np.sum(np.square(weights)))
    if (missing := positive.sum() - expected.sum()) > error:
        warnings.warn(
            f"{np.count_nonzero(expected < 0.0)} of {len(samples)} events are where weights are negative "
            f"on average: their sum, {-missing:.3g}, is beyond its error, {error:.2g}; after resampling it "
            "is 0",
            NegativeDensity,
            2,
        )
    return replace(samples, weights=positive * (weights.sum() / positive.sum()))


def resampled_for_training(split: Split, seed: int = 0) -> Split:
    """A split with positive weights for training and validation, and unchanged weights for the test.

    A `ResampledWeights` warning is issued if weights were negative.

    Raises:
        ValueError: as `positive_resampling` does.
    """
    before = {"train": split.train, "validation": split.validation}
    after = {}
    for name, samples in before.items():
        try:
            after[name] = positive_resampling(samples, seed)
        except ValueError as error:
            raise ValueError(f"{name} data: {error}") from error
    for name, samples in before.items():
        if after[name] is not samples:
            negative = np.count_nonzero(np.asarray(samples.weights) < 0.0)
            warnings.warn(
                f"{negative} of {len(samples)} weights of the {name} data are negative: positive "
                "resampling has replaced all of them (mizoo.datasets.positive_resampling)",
                ResampledWeights,
                2,
            )
    return replace(split, **after)


def ranks(features: np.ndarray) -> np.ndarray:
    """Features (n, k) as ranks in 255 steps, the resolution of scikit-learn's boosted trees.

    For weighted events the trees would compute weighted quantiles, which takes much longer.
    """
    steps: np.ndarray = np.floor(rankdata(features, axis=0) / (len(features) + 1) * _LEVELS)
    return steps


def _mean_sign(features: np.ndarray, weights: np.ndarray, seed: int) -> np.ndarray:
    """E[w] / E[|w|] at each event, (n,), by trees trained on other events."""
    rows = ranks(features)
    sign, size = np.sign(weights), np.abs(weights) / np.abs(weights).mean()
    found = np.empty(len(weights))
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])  # scikit-learn takes 32 bits only
    folds = list(KFold(_FOLDS, shuffle=True, random_state=state).split(rows))
    for others, own in track(folds, description="resample ", transient=True):
        trees = HistGradientBoostingRegressor(
            learning_rate=0.1, max_iter=100, max_leaf_nodes=8, min_samples_leaf=_LEAF,
            early_stopping=False, random_state=state,
        )  # fmt: skip
        trees.fit(rows[others], sign[others], sample_weight=size[others])
        found[own] = trees.predict(rows[own])
    return found


def _features(samples: Samples, space: str) -> np.ndarray:
    """Features (n, k) of a space for the trees."""
    rows = np.asarray(samples[space], "float64").reshape(len(samples[space]), -1)
    if not isinstance(samples, Events):
        return rows
    objects = rows.reshape(len(rows), -1, 4)
    count = objects.shape[1]
    columns = []
    for size in sorted({1, 2, 3, count} if count <= _MANY else {1, 2, count}):
        for group in combinations(range(count), size):
            one = momentum(objects[:, group].sum(1))
            columns += [one.pt, one.phi if size == 1 else one.mass]
            if size in (1, count):
                columns.append(one.theta)
    return np.stack(columns, 1)
