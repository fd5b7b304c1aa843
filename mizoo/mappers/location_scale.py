"""Mappers of what is left of the target when its location and scale are known."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.mappers import residuals
from mizoo.mappers.base import Mapper, Wrapped
from mizoo.mappers.components import indices
from mizoo.mappers.conditional import Conditional, Transformed
from mizoo.physics import planar

_FINEST, _WIDEST = -7.0, 1.0  # logarithms of scales


class StandardisedDistribution(Transformed):
    """The inner mapper's distribution, moved to the location and stretched to the scale."""

    def __init__(self, inner: Conditional, location: Tensor, scale: Tensor, circular: np.ndarray) -> None:
        super().__init__(inner)
        self._location = location
        self._scale = scale
        self._circular = circular

    def sample(self) -> Tensor:
        return residuals.inverse(self._inner.sample(), self._location, self._scale, self._circular)

    def log_prob(self, target: Tensor) -> Tensor:
        # The inner mapper learns the shape; were location and scale its own to choose, it would take the
        # scale that leaves nothing to learn.
        location, scale = tf.stop_gradient(self._location), tf.stop_gradient(self._scale)
        residual, _ = residuals.forward(target, location, scale, self._circular)
        gap = tf.cast(target, tf.float32) - self._location
        gap = tf.abs(tf.where(self._circular, planar.wrap(gap), gap))
        of_location = -tf.reduce_sum(gap / self._scale + tf.math.log(2.0 * self._scale), -1)
        return self._inner.log_prob(residual) + of_location


@serialisable
class LocationScale(Wrapped):
    """Another mapper, of the target in units of the scale that the condition tells, about its location.

    A network of the condition learns both as those of a Laplace distribution; the inner mapper learns what
    shape the rest has. So a narrow distribution is drawn as exactly as a wide one.

    Args:
        mapper: from condition to residuals, see `mizoo.mappers.residuals`.
        network: from condition to 2 d numbers, locations and logarithms of scales.
        circular: indices of components that are angles in [-π, π).
    """

    has_exact_log_prob = False

    def __init__(
        self, mapper: Mapper, network: Network, circular: Iterable[int] = (), **kwargs: Any
    ) -> None:
        super().__init__(mapper, **kwargs)
        self.network = network
        self.circular = indices("circular", circular, self.shape[0])
        self._circular = np.isin(np.arange(self.shape[0]), self.circular)

    @property
    def kind(self) -> str:
        return self.mapper.kind

    def build(self, condition_shape: BatchShape) -> None:
        build(self.network, condition_shape)
        super().build(condition_shape)

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> StandardisedDistribution:
        inner = self.mapper.distribution(condition, noise=noise, training=training)
        said = keras.ops.cast(self.network(condition, training=training), "float32")
        location, log_scale = tf.split(said, 2, -1)
        scale = tf.exp(tf.clip_by_value(log_scale, _FINEST, _WIDEST))
        return StandardisedDistribution(inner, location, scale, self._circular)
