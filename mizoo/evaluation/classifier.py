"""Two-sample tests by a classifier."""

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
    """What a classifier looks at, (n, features): components, masses, and pT, η and φ of each object."""
    named = observables(events, space, process).values()
    return np.concatenate([np.stack(list(named), 1), *_finite(polar(events))], 1)


def pair_features(x: ArrayLike, z: ArrayLike, process: Process) -> np.ndarray:
    """What a classifier looks at of pairs, (n, features): `features` of both, and the `responses`.

    Generated events may have the right distributions and nothing to do with what they were generated
    from; a classifier of pairs sees that.

    Args:
        x, z: detector objects and partons (n, 4 × objects), row by row of the same event.
        process: of the events.
    """
    both = [features(x, "x", process), features(z, "z", process)]
    return np.concatenate([*both, *_finite(responses(x, z, process).values())], 1)


def _finite(arrays):
    """With infinities, such as η along the beam, as the largest numbers that a classifier takes."""
    return [np.clip(array, -1e30, 1e30) for array in arrays]


def classifier_test(
    truth, model, truth_weights=None, model_weights=None, folds=5, resamples=200, seed=0
) -> AUC:
    """How well gradient boosting tells generated from true events, on events it was not trained on.

    0.5 if it cannot. Each event is judged by a classifier trained on the other folds. Rows of the same
    number, which belong to one condition, are in one fold: so what they have in common is no help.

    Args:
        truth, model: features (n, k) of true and of generated events, row by row of the same condition.
        truth_weights, model_weights: (n,) of each, 0 or more, if they do not count the same.
        folds: of the cross-validation.
        resamples: bootstrap samples that the error comes from.
        seed: of folds, classifier and bootstrap.

    Raises:
        ValueError: if the samples are not of one length, or a weight is negative.
    """
    if len(truth) != len(model):
        raise ValueError(f"truth and model must have as many rows, got {len(truth)} and {len(model)}")
    both, rows = None, np.concatenate([truth, model])
    if truth_weights is not None or model_weights is not None:
        rows = ranks(rows)  # scikit-learn takes a minute for quantiles of numbers with weights
        ones = np.ones(len(truth))
        each = (ones if w is None else w / np.mean(w) for w in (truth_weights, model_weights))
        both = np.concatenate(list(each))  # as much of one as of the other
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


def _of(weights, rows):
    return None if weights is None else weights[rows]
