"""Classifier two-sample tests."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from mizoo.datasets.resampling import ranks
from mizoo.datasets.weights import check_not_negative
from mizoo.evaluation.conditional import responses
from mizoo.evaluation.observables import observables, polar
from mizoo.physics.process import Process


class AUC(NamedTuple):
    """Area under the ROC curve, and its standard error."""

    value: float
    error: float


def features(events: ArrayLike, space: str, process: Process) -> np.ndarray:
    """Features (n, features) for a classifier: components, masses, and pT, η and φ of each object.

    Values that an event lacks are far below all others.
    """
    named = observables(events, space, process)
    angles = polar(events, process if space == "x" else None)
    return np.concatenate(_finite([np.stack(list(named.values()), 1), *angles]), 1)


def pair_features(x: ArrayLike, z: ArrayLike, process: Process) -> np.ndarray:
    """Features (n, features) of pairs for a classifier: `features` of both spaces, and the `responses`.

    Generated events may have the right marginal distributions, but be unrelated to the events that they
    were generated from. A classifier of pairs detects this.

    Args:
        x, z: detector objects and partons (n, 4 × objects) in GeV, row by row of the same event.
        process: process of the events.
    """
    both = [features(x, "x", process), features(z, "z", process)]
    return np.concatenate([*both, *_finite(responses(x, z, process).values())], 1)


def _finite(arrays: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Clip infinities, such as η along the beam, and replace NaN by numbers that a classifier accepts."""
    return [np.nan_to_num(array, nan=-1e30, posinf=1e30, neginf=-1e30) for array in arrays]


def classifier_test(
    truth: np.ndarray,
    model: np.ndarray,
    truth_weights: np.ndarray | None = None,
    model_weights: np.ndarray | None = None,
    folds: int = 5,
    resamples: int = 200,
    seed: int = 0,
) -> AUC:
    """Cross-validated AUC of gradient boosting that tells generated from true events; 0.5 if it cannot.

    Each event is scored by a classifier trained on the other folds. Rows with the same index belong to one
    condition and are in one fold, so that their common features do not help the classifier.

    Args:
        truth, model: features (n, k) of true and of generated events, row by row of the same condition.
        truth_weights, model_weights: weights (n,) of each, 0 or more; None for equal weights.
        folds: number of folds of the cross-validation.
        resamples: number of bootstrap samples for the error.
        seed: seed of folds, classifier and bootstrap.

    Raises:
        ValueError: if the samples have different lengths, or a weight is negative.
    """
    if len(truth) != len(model):
        raise ValueError(f"truth and model must have as many rows, got {len(truth)} and {len(model)}")
    both, rows = None, np.concatenate([truth, model])
    if truth_weights is not None or model_weights is not None:
        rows = ranks(rows)  # scikit-learn takes a minute for weighted quantiles
        ones = np.ones(len(truth))
        each = (ones if w is None else w / np.mean(w) for w in (truth_weights, model_weights))
        both = np.concatenate(list(each))  # equal totals of both samples
        check_not_negative(both, "the classifier")
    label, condition = np.repeat([1, 0], len(truth)), np.tile(np.arange(len(truth)), 2)
    classifier = HistGradientBoostingClassifier(random_state=seed, max_iter=200, early_stopping=True)
    score = cross_val_predict(
        classifier, rows, label, groups=condition,
        cv=GroupKFold(folds, shuffle=True, random_state=seed), method="predict_proba",
        params=None if both is None else {"sample_weight": both},
    )[:, 1]  # fmt: skip
    generator, areas = np.random.default_rng(seed), []
    for _ in range(resamples):
        drawn = generator.integers(len(truth), size=len(truth))
        chosen = np.concatenate([drawn, drawn + len(truth)])
        areas.append(roc_auc_score(label[chosen], score[chosen], sample_weight=_of(both, chosen)))
    return AUC(float(roc_auc_score(label, score, sample_weight=both)), float(np.std(areas)))


def _of(weights: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if weights is None else weights[rows]
