"""The identity as a representation."""

from typing import Any

import keras

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Shape, Tensor
from mizoo.representations.base import Representation


@serialisable
class Identity(Representation):
    """Coordinates are the data themselves.

    Args:
        shape: shape of one event.
    """

    has_log_det = True

    def __init__(self, shape: Shape, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = self.physical_shape = tuple(shape)

    def call(self, physical: Tensor) -> Tensor:
        return keras.ops.cast(physical, self.compute_dtype)

    def inverse(self, coordinates: Tensor) -> Tensor:
        return keras.ops.cast(coordinates, self.compute_dtype)

    def log_det(self, physical: Tensor) -> Tensor:
        return keras.ops.zeros((keras.ops.shape(physical)[0],))
