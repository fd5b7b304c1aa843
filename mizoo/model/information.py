"""Mutual information in nats: bounds and estimates from the terms of a model."""

from collections.abc import Mapping

import keras
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.special import digamma, gammaln

from mizoo.core.prior import Prior
from mizoo.core.types import Array
from mizoo.datasets.samples import Samples
from mizoo.model.parts import Parts
from mizoo.objectives.base import Objective
from mizoo.objectives.informative import Informative
from mizoo.objectives.streams import Streams
from mizoo.representations.base import Representation


def entropy(sample: Array, neighbours: int = 4, seed: int = 0) -> float:
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
    exact = white.shape[1] * 0.5 * (np.log(2.0 * np.pi) + 1.0)
    return float(
        exact + _neighbours(white, neighbours) - _neighbours(normal, neighbours) + np.log(scale).sum() / 2.0
    )


def _neighbours(sample: np.ndarray, k: int) -> float:
    n, d = sample.shape
    distance = cKDTree(sample).query(sample, k + 1)[0][:, -1]
    if not distance.all():
        raise ValueError("too many events are equal: the distribution is not continuous")
    ball = d / 2.0 * np.log(np.pi) - gammaln(d / 2.0 + 1.0)
    return float(digamma(n) - digamma(k) + ball + d * np.log(distance).mean())


def information(
    model: Parts,
    data: Samples | Mapping[str, Array],
    batch_size: int = 1000,
    entropies: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Bounds on and estimates of mutual information by the terms of a model, in nats, one row per term.

    * L: I(condition; target) ≥ H(target) - L (arXiv 2112.10629; Barber and Agakov, NIPS 2003). The gap is
      the divergence between the mapper's distribution and the true conditional one.
    * R: I(x; z_tilde) ≤ R (arXiv 1912.00830).
    * D: KL(data ‖ stream), as the logit of a non-saturating critic estimates it.

    Terms without a value in nats (features, diffusion, other critics) are left out, as are those that need
    a space that neither data nor a prior provide.

    Args:
        model: a `Turbo`.
        data: `Samples`, or arrays `{"x": …, "z": …}` in physical units; pairs, if both are given.
        batch_size: events per batch.
        entropies: entropies of x and z in the model's coordinates, in nats, where they are known. By
            default they are those of a prior, or else estimated by `entropy`.

    Returns:
        A frame with the `quantity`, the target's `entropy`, and the value in `nats`.
    """
    data = data.arrays() if isinstance(data, Samples) else data
    known = dict(entropies or {})

    def entropy_of(space: str) -> float:
        if space not in known:
            known[space] = _entropy(model.representations[space], data.get(space))
        return known[space]

    means = _means(model, data, batch_size)
    rows = {objective.term: term.information(nats, entropy_of) for objective, term, nats in means}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["quantity", "entropy", "nats"])


def _entropy(representation: Representation, data: Array | None) -> float:
    if isinstance(representation, Prior):
        return float(representation.entropy)
    return entropy(keras.ops.convert_to_numpy(representation(data)))


def _means(
    model: Parts, data: Mapping[str, Array], batch_size: int
) -> list[tuple[Objective, Informative, float]]:
    """The terms that have a value in nats for these data, with their means."""
    priors = {space for space, r in model.representations.items() if isinstance(r, Prior)}
    telling = [
        (objective, objective)
        for objective in model.objectives
        if isinstance(objective, Informative) and objective.informs(model.mappers, set(data), priors)
    ]
    sums = [0.0] * len(telling)
    total = len(next(iter(data.values())))
    for start in range(0, total, batch_size):
        rows = slice(start, start + batch_size)
        batch = {space: model.representations[space](array[rows]) for space, array in data.items()}
        streams = Streams(model.averages, batch, model.representations, training=False)
        for i, (_, term) in enumerate(telling):
            sums[i] += float(term.nats(streams)) * min(batch_size, total - start)
    return [
        (objective, term, value / total) for (objective, term), value in zip(telling, sums, strict=True)
    ]
