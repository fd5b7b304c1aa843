"""The S terms: continuous ranked probability scores."""

import itertools
from typing import Any

import numpy as np
from keras import ops

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.distribute import collectives
from mizoo.objectives.base import Objective
from mizoo.objectives.streams import Streams


@serialisable
class CRPS(Objective):
    """Continuous ranked probability score: distance of draws from the truth, and from each other.

    For each feature of an event, the score is E|X - y| - E|X - X'|/2 (Gneiting and Raftery, JASA 102, 2007,
    eq. 21), with two draws X and X' and the truth y, in units of E|X - y|. The term is the mean over
    features. It is minimal, at 1/2, if the conditional distribution of each feature is that of the data. It
    trains draws as a sampler returns them, whereas a likelihood trains a network.

    If `marginal`, X, y and X' are of different events, and the score is minimal if the marginal
    distributions are those of the data. A batch determines these better than conditional distributions, of
    which it has one truth each: small errors that all events share are found sooner.

    Args:
        stream: `"z_tilde"`, `"x_hat"`, `"x_tilde"` or `"z_hat"`.
        weight: weight of the term.
        view: layer from the target's coordinates to features (n, d), if these are not the coordinates.
        fraction: fraction of the batch for which draws are made, its first events.
        marginal: whether draws and truths are of different events; the fraction must then have at least
            two.
        label: suffix of the term's name.

    Raises:
        ValueError: for a fraction that is not above 0 and at most 1.
    """

    symbol = "S"

    def __init__(
        self,
        stream: str,
        weight: float = 1.0,
        view: Network | None = None,
        fraction: float = 1.0,
        marginal: bool = False,
        label: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        if not 0.0 < fraction <= 1.0:
            raise ValueError(f"fraction must be above 0 and at most 1, not {fraction}")
        self.view = view
        self.fraction = fraction
        self.marginal = marginal

    def build(self, x_shape: BatchShape, z_shape: BatchShape, c_shape: BatchShape | None = None) -> None:
        if self.view is not None:
            build(self.view, {"x": x_shape, "z": z_shape}[self.stream[0]])
        self.built = True

    @property
    def least_events(self) -> int:
        if not self.marginal:
            return 1
        # Rounds up in single precision, as `Streams.paired_samples` does.
        shares = (np.ceil(np.float32(self.fraction) * np.float32(n)) for n in itertools.count())
        return next(n for n, count in enumerate(shares) if count >= 2.0)

    def loss(self, streams: Streams) -> Tensor:
        streams = streams.paired_samples(self.fraction)
        truth = self._features(ops.stop_gradient(streams.target(self.stream)))
        (one, other), (truth, _) = (ops.split(f, 2) for f in (self._features(streams[self.stream]), truth))
        distance = _of_others if self.marginal else _of_same
        far = (distance(one, truth) + distance(other, truth)) / 2.0
        return ops.mean((far - distance(one, other) / 2.0) / ops.stop_gradient(far + 1e-6))

    def _features(self, coordinates: Tensor) -> Tensor:
        return ops.cast(coordinates if self.view is None else self.view(coordinates), "float32")


def _of_same(a: Tensor, b: Tensor) -> Tensor:
    """Mean distances (d,) of features a (n, d) and b (n, d) of the same events."""
    return ops.mean(ops.abs(a - b), 0)


def _of_others(a: Tensor, b: Tensor) -> Tensor:
    """Mean distances (d,) of features a (n, d) and b (n, d) of different events."""
    a, b = collectives.gather(a), collectives.gather(b)
    count = ops.cast(ops.shape(a)[0], "float32")
    return (count * ops.mean(ops.abs(a[:, None] - b), (0, 1)) - _of_same(a, b)) / (count - 1.0)
