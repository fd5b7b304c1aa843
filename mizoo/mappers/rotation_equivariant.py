"""Mappers that commute with rotations about the beam."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.tracing import shared
from mizoo.core.types import Tensor
from mizoo.mappers.base import Mapper, Wrapped
from mizoo.mappers.components import indices
from mizoo.mappers.conditional import Conditional, Transformed
from mizoo.physics import planar
from mizoo.representations.base import Representation


class RotatedDistribution(Transformed):
    """The inner mapper's distribution, rotated about the beam."""

    def __init__(self, inner: Conditional, azimuth: Tensor, angles: tuple[int, ...]) -> None:
        super().__init__(inner)
        self._azimuth = azimuth
        self._angles = angles

    def sample(self) -> Tensor:
        return turn(self._inner.sample(), self._azimuth, self._angles)

    def log_prob(self, target: Tensor) -> Tensor:
        return self._inner.log_prob(turn(target, -self._azimuth, self._angles))


@serialisable
class RotationEquivariant(Wrapped):
    """Another mapper, applied relative to the azimuth of one of the condition's objects.

    What it learns at one azimuth holds at all: draws rotate with the condition, and likelihoods are
    invariant.

    Args:
        mapper: mapper from condition to target, both in coordinates.
        source: representation of the condition, with four-momenta as physical units.
        angles: indices of the target's azimuths; `source.angles` are the condition's.
        place: place of the object that defines the azimuth.
    """

    def __init__(
        self, mapper: Mapper, source: Representation, angles: Iterable[int], place: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(mapper, **kwargs)
        self.source = source
        self.place = place
        self.angles = indices("angles", angles, self.shape[0])
        self._azimuth = shared(self._of_object)

    def adapt(self, condition: Tensor, target: Tensor) -> None:
        azimuth = self._of_object(condition)
        self.mapper.adapt(
            turn(condition, -azimuth, self.source.angles), turn(target, -azimuth, self.angles)
        )

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> RotatedDistribution:
        azimuth = self._azimuth(condition, training=training)
        seen = turn(condition, -azimuth, self.source.angles)
        inner = self.mapper.distribution(seen, noise=noise, training=training)
        return RotatedDistribution(inner, azimuth, self.angles)

    def _of_object(self, condition: Tensor) -> Tensor:
        """Azimuth (n, 1) of the object."""
        momentum = self.source.inverse(condition)[:, 4 * self.place : 4 * self.place + 2]
        return tf.cast(planar.azimuth(momentum), condition.dtype)


def turn(coordinates: Tensor, azimuth: Tensor, angles: tuple[int, ...]) -> Tensor:
    """Add an azimuth (n, 1) to the coordinates at indices `angles`."""
    turns = np.isin(np.arange(coordinates.shape[1]), angles)
    turned = planar.wrap(coordinates + tf.cast(azimuth, coordinates.dtype))
    return tf.where(turns, turned, coordinates)
