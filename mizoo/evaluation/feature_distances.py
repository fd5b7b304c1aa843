"""Distances between two sets of features, true (n, d) and generated (m, d), as reported for images."""

from collections.abc import Iterator

import numpy as np
import scipy.linalg
from scipy.spatial.distance import cdist

_ROWS = 1000  # of a matrix of pairs in memory


def frechet(truth: np.ndarray, made: np.ndarray) -> float:
    """Fréchet distance |μ - μ'|² + tr(C + C' - 2 (C C')^½) of normal distributions with the same moments.

    As in arXiv 1706.08500, on any features. It is biased upwards by the sizes of the sets: compare only
    distances of sets of equal sizes.

    Raises:
        ValueError: for fewer than two features, or features of different lengths.
    """
    _check(truth, made, 2)
    (mean, covariance), (other, second) = (_moments(values) for values in (truth, made))
    values, vectors = scipy.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    # The eigenvalues of C C' are those of C^½ C' C^½, which is symmetric also where C is singular.
    both = np.maximum(scipy.linalg.eigvalsh(root @ second @ root), 0.0)
    traces = np.trace(covariance) + np.trace(second) - 2.0 * np.sqrt(both).sum()
    return float(np.square(mean - other).sum() + max(traces, 0.0))


def kernel_distance(truth: np.ndarray, made: np.ndarray) -> float:
    """Kernel distance (arXiv 1801.01401): MMD², unbiased, of the kernel (a·b / d + 1)³.

    It can be negative. As estimates of few images are not biased, sets of any sizes can be compared.

    Raises:
        ValueError: for fewer than two features, or features of different lengths.
    """
    _check(truth, made, 2)
    within = sum(_kernel_sum(one, one, len(one) * (len(one) - 1), diagonal=False) for one in (truth, made))
    return within - 2.0 * _kernel_sum(truth, made, len(truth) * len(made), diagonal=True)


def precision_recall(truth: np.ndarray, made: np.ndarray, neighbours: int = 5) -> dict[str, float]:
    """Precision and recall (arXiv 1904.06991), density and coverage (arXiv 2002.09797).

    Each feature has an open ball up to its `neighbours`-th nearest neighbour in its own set. Precision is
    the fraction of generated features within a true ball, and recall that of true features within a
    generated one. Density is the mean number of true balls around a generated feature over `neighbours`,
    and can exceed 1. Coverage is the fraction of true balls with a generated feature.

    Raises:
        ValueError: for as few features as `neighbours`, `neighbours` below 1, or other lengths.
    """
    if neighbours < 1:
        raise ValueError(f"neighbours must be 1 or more, got {neighbours}")
    _check(truth, made, neighbours + 1)
    radii, made_radii = (_radii(values, neighbours) for values in (truth, made))
    around = np.zeros(len(made))
    recalled, covered = [], []
    for rows, squares in _squares(truth, made):
        inside = squares < radii[rows, None]
        around += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((squares < made_radii).any(1))
    return {
        "precision": float(np.mean(around > 0)),
        "recall": float(np.mean(np.concatenate(recalled))),
        "density": float(np.mean(around) / neighbours),
        "coverage": float(np.mean(np.concatenate(covered))),
    }


def feature_distances(truth: np.ndarray, made: np.ndarray, neighbours: int = 5) -> dict[str, float]:
    """All of these distances by name."""
    return {
        "frechet": frechet(truth, made),
        "kernel": kernel_distance(truth, made),
        **precision_recall(truth, made, neighbours),
    }


def _check(truth: np.ndarray, made: np.ndarray, least: int) -> None:
    if min(len(truth), len(made)) < least:
        raise ValueError(
            f"distances of features need {least} of both sets or more, got {len(truth)} true and "
            f"{len(made)} generated ones"
        )
    if truth.shape[1:] != made.shape[1:]:
        raise ValueError(f"features have different lengths: {truth.shape[1:]} and {made.shape[1:]}")


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(0), np.atleast_2d(np.cov(values, rowvar=False))


def _kernel_sum(a: np.ndarray, b: np.ndarray, count: int, diagonal: bool) -> float:
    """Sum of kernels of all pairs over `count`, with or without those of a feature and itself."""
    total = sum(((a[i : i + _ROWS] @ b.T / a.shape[1] + 1.0) ** 3).sum() for i in range(0, len(a), _ROWS))
    if not diagonal:
        total -= ((np.square(a).sum(1) / a.shape[1] + 1.0) ** 3).sum()
    return float(total) / count


def _squares(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of a, and their squared distances (rows, m) from all of b."""
    for i in range(0, len(a), _ROWS):
        rows = np.arange(i, min(i + _ROWS, len(a)))
        yield rows, cdist(a[rows], b, "sqeuclidean")


def _radii(values: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance (n,) of each feature from its `neighbours`-th nearest neighbour."""
    nearest = (np.partition(squares, neighbours, axis=1) for _, squares in _squares(values, values))
    return np.concatenate([one[:, neighbours] for one in nearest])  # the nearest is itself
