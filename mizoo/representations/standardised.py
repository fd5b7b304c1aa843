"""Coordinates of events that are standardised, except for azimuths."""

from abc import abstractmethod

import numpy as np
import tensorflow as tf

from mizoo.core.types import Tensor
from mizoo.representations.base import Fitted


class Standardised(Fitted):
    """Coordinates of which all but azimuths have mean 0 and variance 1 in the data given to `adapt`.

    Subclasses call `_add_moments` once `shape` and `angles` are set, and `_set_moments` in `_fit`.
    """

    @abstractmethod
    def _without_spread(self, columns: np.ndarray) -> str:
        """What is wrong with coordinates without spread; there are none if some are not finite."""

    def _add_moments(self) -> None:
        self.mean = self.add_weight(self.shape, "zeros", name="mean", trainable=False)
        self.deviation = self.add_weight(self.shape, "ones", name="deviation", trainable=False)

    def _set_moments(self, raw: np.ndarray) -> None:
        """Set the statistics from coordinates (n, d) before standardisation."""
        angles = np.isin(np.arange(self.shape[0]), self.angles)
        flat = ~angles & ~(raw.std(0) > 0)
        if flat.any() or not np.isfinite(raw).all():
            raise ValueError(self._without_spread(np.flatnonzero(flat)))
        self.mean.assign(np.where(angles, 0.0, raw.mean(0)))
        self.deviation.assign(np.where(angles, 1.0, raw.std(0)))

    def _standardised(self, raw: Tensor) -> Tensor:
        mean, deviation = (tf.cast(value, raw.dtype) for value in (self.mean, self.deviation))
        return tf.cast((raw - mean) / deviation, self.compute_dtype)

    def _unstandardised(self, coordinates: Tensor) -> Tensor:
        """Coordinates before standardisation, in double precision."""
        mean, deviation = (tf.cast(value, tf.float64) for value in (self.mean, self.deviation))
        return tf.cast(coordinates, tf.float64) * deviation + mean
