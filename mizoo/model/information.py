"""Mutual information in nats: what the terms of a model say of it."""

import keras
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.special import digamma, gammaln

from mizoo.core.prior import Prior
from mizoo.objectives import Adversarial, Likelihood, Rate
from mizoo.objectives.streams import LINKS, Streams


def entropy(sample, neighbours=4, seed=0) -> float:
    """Differential entropy in nats of a sample (n, d) of a continuous distribution, from nearest
    neighbours.

    The estimate of Kozachenko and Leonenko (Kraskov et al., arXiv cond-mat/0305641, eq. 20) after the
    sample was whitened. In many dimensions it is biased: the bias found on a normal sample of the same
    size, whose entropy is known, is taken off.

    Raises:
        ValueError: if the components are linearly dependent, or fewer than `neighbours` + 2 events.
    """
    sample = np.asarray(sample, "float64").reshape(len(sample), -1)
    if len(sample) < neighbours + 2:
        raise ValueError(f"an entropy needs more than {neighbours + 1} events, got {len(sample)}")
    scale, volume = np.linalg.eigh(np.atleast_2d(np.cov(sample.T)))
    if not scale.min() > 1e-12 * scale.max():
        raise ValueError("components are linearly dependent: their differential entropy is minus infinity")
    white = (sample - sample.mean(0)) @ volume / np.sqrt(scale)
    normal = np.random.default_rng(seed).normal(size=white.shape)
    exact = white.shape[1] * 0.5 * np.log(2.0 * np.pi * np.e)
    return float(
        exact + _neighbours(white, neighbours) - _neighbours(normal, neighbours) + np.log(scale).sum() / 2.0
    )


def _neighbours(sample, k):
    n, d = sample.shape
    distance = cKDTree(sample).query(sample, k + 1)[0][:, -1]
    if not distance.all():
        raise ValueError("more than a few events are alike: the distribution is not continuous")
    ball = d / 2.0 * np.log(np.pi) - gammaln(d / 2.0 + 1.0)
    return digamma(n) - digamma(k) + ball + d * np.log(distance).mean()


def information(model, data, batch_size=1000, entropies=None) -> pd.DataFrame:
    """What the terms of a model say of mutual information, in nats, one row a term.

    * L: I(condition; target) ≥ H(target) - L (arXiv 2112.10629; Barber and Agakov, NIPS 2003). The gap is
      the divergence between the mapper's distribution and the true conditional one.
    * R: I(x; z_tilde) ≤ R (arXiv 1912.00830).
    * D: KL(data ‖ stream), as the logit of a non-saturating critic estimates it.

    Terms that say nothing in nats (features, diffusion, other critics) are left out, as are those that need
    a space that neither data nor a prior provide.

    Args:
        model: a `Turbo`.
        data: `Events`, or arrays `{"x": …, "z": …}` in physical units; pairs, if both are there.
        batch_size: of the pass through the mappers.
        entropies: of x and z in the model's coordinates, in nats, where they are known. A prior's
            is; otherwise they are estimated by `entropy`.

    Returns:
        A frame with the `quantity`, the target's `entropy`, and the value in `nats`.
    """
    data = data.arrays() if hasattr(data, "arrays") else data
    entropies = dict(entropies or {})
    rows = {}
    for term, (objective, value) in _means(model, data, batch_size).items():
        _, condition, target = LINKS[objective.stream]
        if objective.symbol == "L":
            if target not in entropies:
                entropies[target] = _entropy(model.representations[target], data.get(target))
            value = entropies[target] - value
            rows[term] = (f"I({condition}; {target}) ≥", entropies[target], value)
        elif objective.symbol == "R":
            rows[term] = (f"I({condition}; {objective.stream}) ≤", np.nan, value)
        else:
            rows[term] = (f"KL({target} ‖ {objective.stream}) ≈", np.nan, value)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["quantity", "entropy", "nats"])


def _entropy(representation, data):
    if isinstance(representation, Prior):
        return representation.entropy
    return entropy(keras.ops.convert_to_numpy(representation(data)))


def _means(model, data, batch_size):
    """Means over the data of the terms that speak in nats: objective and value, by term."""
    telling = [objective for objective in model.objectives if _tells(objective, model, data)]
    sums = dict.fromkeys((objective.term for objective in telling), 0.0)
    total = len(next(iter(data.values())))
    for start in range(0, total, batch_size):
        rows = slice(start, start + batch_size)
        batch = {space: model.representations[space](array[rows]) for space, array in data.items()}
        streams = Streams(model.averages, batch, model.representations, training=False)
        for objective in telling:
            sums[objective.term] += float(_nats(objective, streams)) * min(batch_size, total - start)
    return {objective.term: (objective, sums[objective.term] / total) for objective in telling}


def _nats(objective, streams):
    if objective.symbol == "D":
        return objective.estimator.nats(objective.samples(streams)[0])
    return objective.loss(streams)


def _tells(objective, model, data):
    """Whether a term speaks in nats, and of these data."""
    if isinstance(objective, Likelihood):
        pairs = objective.stream.endswith("tilde")
        needed = {"x", "z"} if pairs else {objective.stream[0]}
        there = set(data) | ({"z"} if model.has_prior and not pairs else set())
        speaks = (
            objective.features is None and model.mappers[LINKS[objective.stream].mapper].has_exact_log_prob
        )
        return speaks and needed <= there
    if isinstance(objective, Rate):
        return "x" in data
    estimator = getattr(objective, "estimator", None)
    return isinstance(estimator, Adversarial) and estimator.gan_loss == "non-saturating"
