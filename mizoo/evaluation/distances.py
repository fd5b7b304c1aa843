"""Distances between one-dimensional samples, of events with or without weights, and their thresholds.

Every distance takes the true sample (n,), the model's (m,), and the weights of each, if there are any.
"""

import numpy as np

_COUNT = 50  # cells of histograms, equally likely in the truth


def ks(truth, model, truth_weights=None, model_weights=None) -> float:
    """Two-sample Kolmogorov-Smirnov distance: the largest gap between the distribution functions."""
    return _largest(*_gaps(truth, model, truth_weights, model_weights))


def wasserstein(truth, model, truth_weights=None, model_weights=None) -> float:
    """Wasserstein-1 distance, in the unit of the samples."""
    return _area(*_gaps(truth, model, truth_weights, model_weights))


def triangular(truth, model, truth_weights=None, model_weights=None) -> float:
    """Triangular discriminator Σ (p - q)²/(p + q) / 2 of the cells' shares: 0 if equal, 1 if disjoint.

    Of cells that weights of either sign make negative, moduli are in the denominator.
    """
    return _triangle(*_histograms(truth, model, truth_weights, model_weights))


def chi2(truth, model, truth_weights=None, model_weights=None) -> float:
    """χ² of the cells' shares over the number of degrees of freedom: 1 on average for one distribution."""
    return _chi2(*_histograms(truth, model, truth_weights, model_weights))


DISTANCES = {"ks": ks, "wasserstein": wasserstein, "triangular": triangular, "chi2": chi2}


def effective_sample_size(count, weights=None) -> float:
    """Number of events without weights that tell as much as these: (Σw)²/Σw²."""
    return float(count) if weights is None else float(np.sum(weights) ** 2 / np.sum(np.square(weights)))


def ks_threshold(n, m) -> float:
    """Distance that two samples of one distribution, n and m values, exceed in 5 % of cases."""
    return 1.36 * np.sqrt(1.0 / n + 1.0 / m)


def thresholds(truth, count, weights=None, resamples=100, seed=0) -> dict[str, float]:
    """Distances that the truth has from itself in 5 % of cases, by name: a bootstrap.

    Args:
        truth, weights: the true sample (n,).
        count: m, of the model's sample.
        resamples: pairs of samples of n and of m values, drawn from the truth with replacement.
        seed: of the draws.
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


def _normed(values, weights):
    if weights is None:
        return np.full(len(values), 1.0 / len(values))
    weights = np.asarray(weights, dtype="float64")
    return weights / weights.sum()


def _gaps(truth, model, truth_weights, model_weights):
    """Values of both samples in order, and by how much the distribution functions differ behind each."""
    values = np.concatenate([truth, model]).astype("float64")
    order, n = np.argsort(values), len(truth)
    upto_truth, upto_model = np.zeros(len(values)), np.zeros(len(values))
    upto_truth[:n], upto_model[n:] = _normed(truth, truth_weights), _normed(model, model_weights)
    # Two sums, not one of differences: so equal samples have no gap, not even a rounding error.
    values, gaps = values[order], np.cumsum(upto_truth[order]) - np.cumsum(upto_model[order])
    last = _last(values)
    return values[last], gaps[last]


def _last(values):
    """Which of sorted values are the last of equal ones: distribution functions step behind these."""
    return np.append(values[1:] != values[:-1], True)


def _largest(values, gaps):
    return float(np.abs(gaps).max())


def _area(values, gaps):
    return float(np.sum(np.abs(gaps[:-1]) * np.diff(values)))


def _histograms(truth, model, truth_weights, model_weights):
    """Shares of both samples in cells that are equally likely in the truth, with their variances."""
    for values, weights in ((truth, truth_weights), (model, model_weights)):
        shares = _normed(values, weights)
        yield _filled(_cells(truth, values), shares, np.square(shares))


def _cells(truth, values):
    """In which cell of the truth each value lies; 0 and the last are beyond all true values."""
    edges = np.unique(np.quantile(truth, np.linspace(0.0, 1.0, _COUNT + 1)))
    edges[-1] = np.nextafter(edges[-1], np.inf)  # the last cell holds the largest value, too
    return np.searchsorted(edges, values, side="right")


def _filled(cells, shares, variances):
    return [np.bincount(cells, values, _COUNT + 2) for values in (shares, variances)]


def _triangle(truth, model):
    (p, _), (q, _) = truth, model
    return float(np.sum(_ratio(np.square(p - q), np.abs(p) + np.abs(q))) / 2.0)


def _chi2(truth, model):
    (p, p_variance), (q, q_variance) = truth, model
    variance = p_variance + q_variance  # not 0 where there are events, even if their weights cancel
    terms = _ratio(np.square(p - q), variance)
    return float(terms.sum() / max(np.count_nonzero(variance) - 1, 1))


def _ratio(numerator, denominator):
    """Quotients; 0 for 0/0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0.0)
