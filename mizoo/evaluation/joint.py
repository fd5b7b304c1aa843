"""Distances between samples of vectors, which are sensitive to relations between components.

Every distance takes features of the true events (n, k), of the model's events (m, k), and the weights of
each, if any. Features are in units of the standard deviations of the truth.
"""

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

from mizoo.datasets.weights import check_not_negative
from mizoo.evaluation.distances import wasserstein

_Distance = Callable[[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None], float]

_DIRECTIONS = 100
_KERNEL_EVENTS = 2000  # for the kernel distance, whose cost grows with the square


def correlation(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None = None,
    model_weights: np.ndarray | None = None,
) -> float:
    """Root mean square difference of the entries of the correlation matrices."""
    first, second = (
        correlations(values, weights)
        for values, weights in ((truth, truth_weights), (model, model_weights))
    )
    above = np.triu_indices(len(first), 1)
    return float(np.sqrt(np.mean(np.square(first - second)[above])))


def sliced_wasserstein(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None = None,
    model_weights: np.ndarray | None = None,
    seed: int = 0,
) -> float:
    """Mean Wasserstein-1 distance along 100 random directions (arXiv 1804.01947)."""
    truth, model = _standardised(truth, model)
    directions = np.random.default_rng(seed).normal(size=(_DIRECTIONS, truth.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lines = ((truth @ d, model @ d) for d in directions)
    return float(np.mean([wasserstein(a, b, truth_weights, model_weights) for a, b in lines]))


def mmd(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None = None,
    model_weights: np.ndarray | None = None,
    seed: int = 0,
) -> float:
    """Maximum mean discrepancy, squared and unbiased, of 2 000 events each (JMLR 13, 2012, lemma 6).

    The kernel is exp(-d²/h²) with the median distance h of true events. Events are drawn by their weights.
    """
    truth, model = _standardised(truth, model)
    random = np.random.default_rng(seed)
    truth, model = (
        _drawn(values, weights, random)
        for values, weights in ((truth, truth_weights), (model, model_weights))
    )
    within = cdist(truth, truth, "sqeuclidean")
    width = np.median(within[np.triu_indices(len(truth), 1)])
    kernels = (np.exp(-d / width) for d in (within, cdist(model, model, "sqeuclidean")))
    alike = sum((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in kernels)
    return float(alike - 2.0 * np.exp(-cdist(truth, model, "sqeuclidean") / width).mean())


JOINT: dict[str, _Distance] = {
    "correlation": correlation,
    "sliced Wasserstein": sliced_wasserstein,
    "MMD": mmd,
}


def joint_thresholds(
    truth: np.ndarray,
    count: int,
    weights: np.ndarray | None = None,
    resamples: int = 20,
    seed: int = 0,
) -> dict[str, float]:
    """Distances, by name, that two samples of the truth exceed in 5 % of cases; see `distances.thresholds`.

    Halves of the truth are compared, and distances are scaled to samples of its size and of `count`. A
    bootstrap would repeat events, which biases the kernel distance.
    """
    random, found = np.random.default_rng(seed), []
    scale = {"MMD": 1.0}  # of 2 000 events, for any size of the samples
    half = len(truth) // 2
    root: float = np.sqrt((1.0 / len(truth) + 1.0 / count) / (2.0 / half))
    for _ in range(resamples):
        rows = random.permutation(len(truth))
        first, second = rows[:half], rows[half : 2 * half]
        of = [None if weights is None else weights[part] for part in (first, second)]
        found.append(
            [
                scale.get(name, root) * distance(truth[first], truth[second], *of)
                for name, distance in JOINT.items()
            ]
        )
    return dict(zip(JOINT, map(float, np.quantile(found, 0.95, axis=0)), strict=True))


def _standardised(truth: np.ndarray, model: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, spread = np.mean(truth, 0), np.std(truth, 0) + 1e-12
    return (np.asarray(truth) - mean) / spread, (np.asarray(model) - mean) / spread


def correlations(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Correlation matrix (k, k) of events (n, k), of each pair over the events in which none is NaN."""
    # Unlike `numpy.cov`, with weights of either sign.
    shares = np.full(len(values), 1.0 / len(values)) if weights is None else weights / np.sum(weights)
    there = ~np.isnan(values)
    known, own = np.where(there, values, 0.0), shares[:, None] * there
    centred = np.where(there, known - (own * known).sum(0) / np.maximum(own.sum(0), 1e-12), 0.0)
    both = np.maximum(own.T @ there, 1e-12)
    covariance = (own * centred).T @ centred / both
    spreads = np.sqrt(np.maximum((own * centred**2).T @ there / both, 0.0)) + 1e-12
    return covariance / (spreads * spreads.T)


def _drawn(values: np.ndarray, weights: np.ndarray | None, random: np.random.Generator) -> np.ndarray:
    count = min(len(values), _KERNEL_EVENTS)
    if weights is None:
        return values[random.permutation(len(values))[:count]]
    check_not_negative(weights, "the kernel distance")
    return values[random.choice(len(values), count, p=weights / weights.sum())]
