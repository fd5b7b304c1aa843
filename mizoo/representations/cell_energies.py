"""Energies of the cells of a calorimeter."""

from typing import Any

import keras
import numpy as np

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Shape, Tensor
from mizoo.representations.base import Fitted


@serialisable
class CellEnergies(Fitted):
    """Energies of 0 or more over several decades, mapped to [-1, 1]: 2 log(1 + E/E0) / log(1 + E1/E0) - 1.

    E1 is the largest energy of the data. Empty cells are at -1. Generated energies are in the range of the
    data.

    Args:
        shape: shape of one event, such as (x, y, depth, 1).
        scale: energy E0, in the unit of the data, below which the map is linear and above which it is
            logarithmic; by default the median of the positive energies of the data.

    Raises:
        ValueError: for a scale that is not positive; by `adapt`, for energies that are negative or not
            finite, or that are 0 everywhere.
    """

    bounded = True
    has_log_det = True

    def __init__(self, shape: Shape, scale: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if scale is not None and not scale > 0.0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.shape = self.physical_shape = tuple(shape)
        self.scale = scale
        self.unit = self.add_weight((), "ones", name="unit", trainable=False)
        self.high = self.add_weight((), "ones", name="high", trainable=False)

    def _fit(self, data: np.ndarray) -> None:
        if not (np.isfinite(data).all() and (data >= 0.0).all() and data.any()):
            raise ValueError(
                "energies of cells must be finite and 0 or more, and some of them positive: "
                f"got values from {np.min(data)} to {np.max(data)}; volumes of other values take "
                "x=Standardise(shape)"
            )
        self.unit.assign(np.median(data[data > 0.0]) if self.scale is None else self.scale)
        self.high.assign(np.max(data))

    # ONNX converters know neither log1p nor expm1.
    def _range(self) -> Tensor:
        return keras.ops.log(1.0 + self.high / self.unit)

    def call(self, physical: Tensor) -> Tensor:
        energies = keras.ops.cast(physical, self.compute_dtype)
        return 2.0 * keras.ops.log(1.0 + energies / self.unit) / self._range() - 1.0

    def inverse(self, coordinates: Tensor) -> Tensor:
        share = (keras.ops.clip(keras.ops.cast(coordinates, self.compute_dtype), -1.0, 1.0) + 1.0) / 2.0
        return self.unit * (keras.ops.exp(share * self._range()) - 1.0)

    def log_det(self, physical: Tensor) -> Tensor:
        energies = keras.ops.cast(physical, self.compute_dtype)
        per_cell = keras.ops.log(2.0 / (self._range() * (self.unit + energies)))
        return keras.ops.sum(keras.ops.reshape(per_cell, (-1, int(np.prod(self.shape)))), -1)
