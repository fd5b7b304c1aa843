"""Distances between one-dimensional samples."""

import numpy as np
import scipy.stats


def ks(truth, model) -> float:
    """Two-sample Kolmogorov-Smirnov distance: the largest gap between the distribution functions."""
    return float(scipy.stats.ks_2samp(truth, model).statistic)


def ks_floor(n, m) -> float:
    """Distance that two samples of one law, n and m values, exceed in 5 % of cases."""
    return 1.36 * np.sqrt(1.0 / n + 1.0 / m)


def wasserstein(truth, model) -> float:
    """Wasserstein-1 distance, in the unit of the samples."""
    return float(scipy.stats.wasserstein_distance(truth, model))
