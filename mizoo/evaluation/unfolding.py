"""Unfolding that does not depend on the spectrum of the training, by iterated reweighting."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingClassifier

from mizoo.datasets.weights import check_not_negative
from mizoo.evaluation.distances import effective_sample_size, ks
from mizoo.evaluation.observables import wrap
from mizoo.physics.process import Process
from mizoo.representations import PartonCoordinates

_BINS = 64  # of each coordinate
_LEAF = 200  # events per leaf, at least


class Unfolded(NamedTuple):
    """Weighted draws of the partons of measured events.

    Attributes:
        draws: partons (n, k, 4 × partons) in GeV, k draws per event.
        weights: weights (n, k) of the draws; those of an event sum to its own weight.
        prior_weights: weights (m,) of the training's partons that give them the unfolded spectrum, of
            mean 1.
        history: a row per iteration: `change`, the largest KS distance between the coordinates of the
            weighted draws before and after it; and the effective sample sizes of draws and prior,
            `draws_ess` and `prior_ess`.
    """

    draws: np.ndarray
    weights: np.ndarray
    prior_weights: np.ndarray
    history: pd.DataFrame

    def sample(self, seed: int | None = None) -> np.ndarray:
        """One draw per event, (n, 4 × partons), with the probabilities that the weights give."""
        upto = np.cumsum(self.weights, 1)
        place = np.random.default_rng(seed).uniform(size=(len(upto), 1)) * upto[:, -1:]
        chosen = np.minimum((upto <= place).sum(1), upto.shape[1] - 1)
        return self.draws[np.arange(len(chosen)), chosen]


def iterative_unfolding(
    draws: ArrayLike,
    prior: ArrayLike,
    process: Process,
    weights: ArrayLike | None = None,
    iterations: int = 4,
    seed: int = 0,
) -> Unfolded:
    """Reweight posterior draws until they no longer depend on the spectrum of the training.

    A model unfolds with the posterior p(z|x) ∝ p(x|z) p(z), where p(z) is the spectrum of its training. If
    the true spectrum is w(z) p(z), the draws of each event have the weights w(z), normalised to one event.
    Each iteration estimates w as the density ratio of the weighted draws and the training's partons, and
    then updates the weights. This is the expectation-maximisation of iterative Bayesian unfolding
    (D'Agostini, NIM A 362, 1995) without bins, as OmniFold (arXiv 1911.09107) and IcINN (arXiv 2212.08674),
    without training the model again. Few iterations regularise: each removes part of what remains of the
    dependence, and adds noise.

    The density ratio is the odds of boosted trees in the `PartonCoordinates`, with azimuths relative to the
    first one.

    Args:
        draws: draws (n, k, 4 × partons) in GeV, as from `model.encode(x, num_samples=k)`. k of 4 to 8 is
            enough where weights vary by some 10 % within a posterior. Where they vary by a factor of two,
            12 or more are needed: fewer bias the weights of an event, which iterations amplify.
        prior: partons (m, 4 × partons) in GeV of events of the training, those that pass the selection.
        process: process of the events.
        weights: weights (n,) of the measured events, 0 or more; None for equal weights.
        iterations: number of iterations; 0 leaves the draws as they are, with equal weights in
            each event.
        seed: seed of the trees, 0 or more.

    Raises:
        ValueError: for arrays of other shapes, partons that are not finite, or a negative weight.
    """
    draws, prior = _checked(draws, 3, "draws", process), _checked(prior, 2, "prior", process)
    count, num_samples = draws.shape[:2]
    own = np.ones(count) if weights is None else np.asarray(weights, "float64")
    if own.shape != (count,) or not (np.isfinite(own).all() and own.sum() > 0.0):
        raise ValueError(f"weights must be {count} finite numbers with a positive sum, got {own.shape}")
    check_not_negative(own, "unfolding")
    if iterations < 0:
        raise ValueError(f"iterations must be 0 or more, got {iterations}")
    of_prior, of_draws = _binned(prior, draws.reshape(count * num_samples, -1), process)
    current, ratio = np.repeat(own / num_samples, num_samples), np.ones(len(prior))
    rows = []
    for iteration in range(iterations):
        trees = _ratio(of_prior, of_draws, current, seed + iteration)
        odds = np.exp(trees.decision_function(of_draws)).reshape(count, num_samples)
        updated = (own[:, None] * odds / odds.sum(1, keepdims=True)).ravel()
        ratio = np.exp(trees.decision_function(of_prior))
        change = max(ks(values, values, current, updated) for values in of_draws.T)
        sizes = (effective_sample_size(len(w), w) for w in (updated, ratio))
        rows.append((iteration + 1, change, *sizes))
        current = updated
    history = pd.DataFrame(rows, columns=["iteration", "change", "draws_ess", "prior_ess"])
    return Unfolded(draws, current.reshape(count, num_samples), ratio / ratio.mean(), history)


def _ratio(
    prior: np.ndarray, draws: np.ndarray, weights: np.ndarray, seed: int
) -> HistGradientBoostingClassifier:
    """Trees whose odds are the density ratio of weighted draws and prior."""
    label = np.repeat([0, 1], [len(prior), len(draws)])
    both = np.concatenate([np.full(len(prior), 1.0 / len(prior)), weights / weights.sum()])
    trees = HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=60, max_leaf_nodes=8, min_samples_leaf=_LEAF, max_bins=_BINS,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    return trees.fit(np.concatenate([prior, draws]), label, both * len(both) / 2.0)


def _binned(prior: np.ndarray, draws: np.ndarray, process: Process) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of prior and draws, in bins equally likely in the prior.

    For weighted events trees would compute weighted quantiles of other values, which takes a minute.
    """
    coordinates = PartonCoordinates(process)
    coordinates.adapt(prior)
    both = [_unoriented(coordinates(events).numpy(), coordinates.angles) for events in (prior, draws)]
    edges = np.quantile(both[0], np.linspace(0.0, 1.0, _BINS + 1)[1:-1], axis=0).T
    binned = [
        np.stack([np.searchsorted(*one) for one in zip(edges, values.T, strict=True)], 1) for values in both
    ]
    return binned[0], binned[1]


def _unoriented(coordinates: np.ndarray, angles: tuple[int, ...]) -> np.ndarray:
    """Coordinates that a rotation about the beam does not change: azimuths relative to the first one."""
    others = np.delete(coordinates, angles, axis=1)
    return np.concatenate([others, wrap(coordinates[:, angles[1:]] - coordinates[:, angles[:1]])], 1)


def _checked(events: ArrayLike, axes: int, name: str, process: Process) -> np.ndarray:
    array, columns = np.asarray(events, "float32"), 4 * len(process.partons)
    if array.ndim != axes or array.shape[-1] != columns or 0 in array.shape:
        shape = f"(n, k, {columns})" if axes == 3 else f"(m, {columns})"
        raise ValueError(f"{name} must be partons of {process.name}, {shape}, got {array.shape}")
    if (bad := ~np.isfinite(array).reshape(len(array), -1).all(1)).any():
        raise ValueError(f"{name}, event {bad.argmax()}: not finite; leave out {bad.sum()} such events")
    return array
