"""Distances between one-dimensional samples, with or without weights, and their thresholds.

Every distance takes the true sample (n,), the model's sample (m,), and the weights of each, if any.
"""

from collections.abc import Iterator, Sequence

import numpy as np

_COUNT = 50  # bins of histograms, equally likely in the truth


def ks(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None = None,
    model_weights: np.ndarray | None = None,
) -> float:
    """Two-sample Kolmogorov-Smirnov distance: the largest gap between the distribution functions."""
    return _largest(*_gaps(truth, model, truth_weights, model_weights))


def wasserstein(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None = None,
    model_weights: np.ndarray | None = None,
) -> float:
    """Wasserstein-1 distance, in the unit of the samples."""
    return _area(*_gaps(truth, model, truth_weights, model_weights))


def triangular(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None = None,
    model_weights: np.ndarray | None = None,
) -> float:
    """Triangular discriminator Σ (p - q)²/(p + q) / 2 of bin fractions: 0 if equal, 1 if disjoint.

    The denominator takes moduli, as weights of either sign can make bins negative.
    """
    return _triangle(*_histograms(truth, model, truth_weights, model_weights))


def chi2(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None = None,
    model_weights: np.ndarray | None = None,
) -> float:
    """χ² of bin fractions per degree of freedom: 1 on average for samples of one distribution."""
    return _chi2(*_histograms(truth, model, truth_weights, model_weights))


DISTANCES = {"ks": ks, "wasserstein": wasserstein, "triangular": triangular, "chi2": chi2}


def effective_sample_size(count: int, weights: np.ndarray | None = None) -> float:
    """Effective sample size (Σw)²/Σw² of weighted events."""
    return float(count) if weights is None else float(np.sum(weights) ** 2 / np.sum(np.square(weights)))


def ks_threshold(n: float, m: float) -> float:
    """KS distance that two samples of one distribution, of n and m values, exceed in 5 % of cases."""
    return 1.36 * np.sqrt(1.0 / n + 1.0 / m)


def thresholds(
    truth: np.ndarray,
    count: int,
    weights: np.ndarray | None = None,
    resamples: int = 100,
    seed: int = 0,
) -> dict[str, float]:
    """Distances, by name, that two bootstrap samples of the truth exceed in 5 % of cases.

    Args:
        truth, weights: true sample (n,) and its weights (n,), if any.
        count: size m of the model's sample.
        resamples: number of pairs of samples, of n and m values, drawn from the truth with replacement.
        seed: seed of the draws.
    """
    random, truth = np.random.default_rng(seed), np.asarray(truth)
    order = np.argsort(truth)
    values, own = truth[order], np.ones(len(truth)) if weights is None else np.asarray(weights)[order]
    equal, last, cells = np.full(len(values), 1.0 / len(values)), _last(values), _cells(values, values)
    found = []
    for _ in range(resamples):
        shares, histograms = [], []
        for n in (len(values), count):
            times = random.multinomial(n, equal)
            total = np.sum(times * own)
            shares.append(times * own / total)
            histograms.append(_filled(cells, shares[-1], times * np.square(own / total)))
        gaps = values[last], (np.cumsum(shares[0]) - np.cumsum(shares[1]))[last]
        found.append([_largest(*gaps), _area(*gaps), _triangle(*histograms), _chi2(*histograms)])
    return dict(zip(DISTANCES, map(float, np.quantile(found, 0.95, axis=0)), strict=True))


def _normed(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    if weights is None:
        return np.full(len(values), 1.0 / len(values))
    weights = np.asarray(weights, dtype="float64")
    return weights / weights.sum()


def _gaps(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None,
    model_weights: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Sorted values of both samples, and the difference of the distribution functions after each."""
    values = np.concatenate([truth, model]).astype("float64")
    order, n = np.argsort(values), len(truth)
    upto_truth, upto_model = np.zeros(len(values)), np.zeros(len(values))
    upto_truth[:n], upto_model[n:] = _normed(truth, truth_weights), _normed(model, model_weights)
    # Two sums instead of one sum of differences, so that equal samples have a gap of exactly 0.
    values, gaps = values[order], np.cumsum(upto_truth[order]) - np.cumsum(upto_model[order])
    last = _last(values)
    return values[last], gaps[last]


def _last(values: np.ndarray) -> np.ndarray:
    """Mask of the sorted values that are the last of equal ones, where distribution functions step."""
    return np.append(values[1:] != values[:-1], True)


def _largest(values: np.ndarray, gaps: np.ndarray) -> float:
    return float(np.abs(gaps).max())


def _area(values: np.ndarray, gaps: np.ndarray) -> float:
    return float(np.sum(np.abs(gaps[:-1]) * np.diff(values)))


def _histograms(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None,
    model_weights: np.ndarray | None,
) -> Iterator[list[np.ndarray]]:
    """Fractions of both samples in bins that are equally likely in the truth, with their variances."""
    for values, weights in ((truth, truth_weights), (model, model_weights)):
        shares = _normed(values, weights)
        yield _filled(_cells(truth, values), shares, np.square(shares))


def _cells(truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Bin of each value; bins are those of the truth, and the first and last are beyond all true values."""
    edges = np.unique(np.quantile(truth, np.linspace(0.0, 1.0, _COUNT + 1)))
    edges[-1] = np.nextafter(edges[-1], np.inf)  # the last bin includes the largest value
    return np.searchsorted(edges, values, side="right")


def _filled(cells: np.ndarray, shares: np.ndarray, variances: np.ndarray) -> list[np.ndarray]:
    return [np.bincount(cells, values, _COUNT + 2) for values in (shares, variances)]


def _triangle(truth: Sequence[np.ndarray], model: Sequence[np.ndarray]) -> float:
    (p, _), (q, _) = truth, model
    return float(np.sum(_ratio(np.square(p - q), np.abs(p) + np.abs(q))) / 2.0)


def _chi2(truth: Sequence[np.ndarray], model: Sequence[np.ndarray]) -> float:
    (p, p_variance), (q, q_variance) = truth, model
    variance = p_variance + q_variance  # not 0 where there are events, even if their weights cancel
    terms = _ratio(np.square(p - q), variance)
    return float(terms.sum() / max(np.count_nonzero(variance) - 1, 1))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotients; 0 for 0/0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0.0)
