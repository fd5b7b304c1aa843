"""Standardisation to mean 0 and variance 1, by one scalar or per component."""

from typing import Any

import keras
import numpy as np

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Shape, Tensor
from mizoo.representations.base import Fitted


@serialisable
class Standardise(Fitted):
    """(data - mean) / standard deviation, with statistics set by `adapt`.

    Args:
        shape: shape of one event.
        scalar: whether all components share one mean and deviation, as in Turbo-Sim's code (arXiv
            2112.10629), instead of one per component.
    """

    has_log_det = True

    def __init__(self, shape: Shape, scalar: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = self.physical_shape = tuple(shape)
        self.scalar = scalar
        statistics = () if scalar else self.shape
        self.mean = self.add_weight(statistics, "zeros", name="mean", trainable=False)
        self.deviation = self.add_weight(statistics, "ones", name="deviation", trainable=False)

    def _fit(self, data: np.ndarray) -> None:
        data = np.asarray(data, dtype="float64")
        axis = None if self.scalar else 0
        mean, deviation = data.mean(axis), data.std(axis)
        if not np.all(np.isfinite(mean)) or not np.all(deviation > 0):
            raise ValueError("cannot standardise: a component is constant or not finite")
        self.mean.assign(mean)
        self.deviation.assign(deviation)

    def call(self, physical: Tensor) -> Tensor:
        return (keras.ops.cast(physical, self.compute_dtype) - self.mean) / self.deviation

    def inverse(self, coordinates: Tensor) -> Tensor:
        return keras.ops.cast(coordinates, self.compute_dtype) * self.deviation + self.mean

    def log_det(self, physical: Tensor) -> Tensor:
        per_component = keras.ops.broadcast_to(keras.ops.log(self.deviation), self.shape)
        return keras.ops.full((keras.ops.shape(physical)[0],), -keras.ops.sum(per_component))
