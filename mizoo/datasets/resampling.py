"""Weights of either sign, as generators beyond leading order give them, made positive."""

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

_LEAF = 50  # events
_FEWEST = 4 * _LEAF  # of fewer, trees learn nothing
_FOLDS = 5
_LEVELS = 255  # that scikit-learn tells apart
_MANY = 8  # objects, of which there are too many sums of three

Kind = TypeVar("Kind", bound=Samples)


class ResampledWeights(UserWarning):
    """Says that negative weights of training data were replaced by positive ones."""


class NegativeDensity(UserWarning):
    """Says that weights are negative on average somewhere, which positive ones cannot reproduce."""


def positive_resampling(samples: Kind, seed: int = 0) -> Kind:
    """The same events with weights of 0 or more that follow the same distribution.

    A weight w becomes |w| · E[w | x, z] / E[|w| | x, z], scaled so that the sum of all weights stays. So
    every weighted histogram is the same within its errors, if the density that the weights stand for is
    positive everywhere. This is the neural resampler of arXiv 2007.11586 without its second step, which
    draws events so that Σw² is that of the signed weights: all events are kept, since more of them
    train better. Weights after it vary less, so take statistical errors from the weights before. The
    quotient is a regression of the sign on events weighted by |w|, with gradient boosting instead of
    networks, and each event gets the prediction of trees that have not seen it. Cell resampling (arXiv
    2109.07851) needs near neighbours, which events of many dimensions do not have.

    The regression takes x and z of pairs together. It sees each object of `Events` (pT, φ, direction), pT
    and mass of the sums of two, of three (for at most 8 objects in a space) and of all, and of other
    samples all components. 50 000 pairs of tt̄ events take less than a minute on one core.

    Args:
        samples: with weights, 200 or more; if none is negative, they are returned as they are.
        seed: of the regression, 0 or more; the same gives the same weights.

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
    """A split whose weights for training and validation are positive; those of the test stay.

    Where weights were negative, a `ResampledWeights` warning says so.

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
    """Features (n, k) as boosted trees of scikit-learn see them: ranks in 255 steps.

    Of weighted events the trees would look for quantiles first, which takes them much longer.
    """
    return np.floor(rankdata(features, axis=0) / (len(features) + 1) * _LEVELS)


def _mean_sign(features, weights, seed):
    """E[w] / E[|w|] at each event, (n,), by trees that were trained on the other ones."""
    rows = ranks(features)
    sign, size = np.sign(weights), np.abs(weights) / np.abs(weights).mean()
    found = np.empty(len(weights))
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])  # scikit-learn takes no larger ones
    folds = list(KFold(_FOLDS, shuffle=True, random_state=state).split(rows))
    for others, own in track(folds, description="resample ", transient=True):
        trees = HistGradientBoostingRegressor(
            learning_rate=0.1, max_iter=100, max_leaf_nodes=8, min_samples_leaf=_LEAF,
            early_stopping=False, random_state=state,
        )  # fmt: skip
        trees.fit(rows[others], sign[others], sample_weight=size[others])
        found[own] = trees.predict(rows[own])
    return found


def _features(samples, space):
    """What the trees see of a space, (n, k)."""
    rows = np.asarray(samples[space], "float64").reshape(len(samples[space]), -1)
    if not isinstance(samples, Events):
        return rows
    objects = rows.reshape(len(rows), -1, 4)
    count = objects.shape[1]
    columns = []
    for size in sorted({1, 2, 3, count} if count <= _MANY else {1, 2, count}):
        for group in combinations(range(count), size):
            px, py, pz, energy = objects[:, group].sum(1).T
            pt = np.hypot(px, py)
            columns += [pt, np.arctan2(py, px) if size == 1 else energy**2 - px**2 - py**2 - pz**2]
            if size in (1, count):
                columns.append(np.arctan2(pz, pt))
    return np.stack(columns, 1)
