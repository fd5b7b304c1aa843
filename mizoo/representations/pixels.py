"""Images in [-1, 1]."""

import math
from typing import Any

import keras
import numpy as np

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Shape, Tensor
from mizoo.representations.base import Fitted


@serialisable
class Pixels(Fitted):
    """Images with values mapped to [-1, 1]; generated values stay in the range of the data.

    Args:
        shape: shape of one image, (H, W, C).
    """

    bounded = True
    has_log_det = True

    def __init__(self, shape: Shape, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = self.physical_shape = tuple(shape)
        self.low = self.add_weight((), "zeros", name="low", trainable=False)
        self.high = self.add_weight((), "ones", name="high", trainable=False)

    def _fit(self, data: np.ndarray) -> None:
        low, high = np.min(data), np.max(data)
        if not np.isfinite(high - low) or not low < high:
            raise ValueError(f"cannot scale images with values from {low} to {high}")
        self.low.assign(low)
        self.high.assign(high)

    def call(self, physical: Tensor) -> Tensor:
        return (
            2.0 * (keras.ops.cast(physical, self.compute_dtype) - self.low) / (self.high - self.low) - 1.0
        )

    def inverse(self, coordinates: Tensor) -> Tensor:
        share = (keras.ops.clip(keras.ops.cast(coordinates, self.compute_dtype), -1.0, 1.0) + 1.0) / 2.0
        return self.low + share * (self.high - self.low)

    def log_det(self, physical: Tensor) -> Tensor:
        per_pixel = keras.ops.log(2.0 / (self.high - self.low))
        return keras.ops.full((keras.ops.shape(physical)[0],), math.prod(self.shape) * per_pixel)
