"""Mappers that commute with rotations about the beam."""

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.tracing import shared
from mizoo.mappers.base import Wrapped
from mizoo.mappers.components import indices
from mizoo.physics import planar


class _Rotated:
    """The inner mapper's distribution, turned."""

    def __init__(self, inner, azimuth, angles):
        self._inner = inner
        self.latent = getattr(inner, "latent", None)
        self.azimuth = azimuth
        self._angles = angles

    def sample(self):
        return turn(self._inner.sample(), self.azimuth, self._angles)

    def log_prob(self, target):
        return self._inner.log_prob(turn(target, -self.azimuth, self._angles))


@serialisable
class RotationEquivariant(Wrapped):
    """Another mapper, seen from the azimuth of one of the condition's objects.

    What is learnt at one azimuth holds at all: draws turn with the condition, likelihoods do not change.

    Args:
        mapper: from condition to target, both in coordinates.
        source: representation of the condition, with four-momenta as physical units.
        angles: indices of the target's azimuths; `source.angles` are the condition's.
        place: of the object.
    """

    def __init__(self, mapper, source, angles, place=0, **kwargs):
        super().__init__(mapper, **kwargs)
        self.source = source
        self.place = place
        self.angles = indices("angles", angles, self.shape[0])
        self._azimuth = shared(self._of_object)

    def adapt(self, condition, target):
        azimuth = self._of_object(condition)
        self.mapper.adapt(
            turn(condition, -azimuth, self.source.angles), turn(target, -azimuth, self.angles)
        )

    def distribution(self, condition, noise=None, training=None):
        azimuth = self._azimuth(condition, training=training)
        seen = turn(condition, -azimuth, self.source.angles)
        inner = self.mapper.distribution(seen, noise=noise, training=training)
        return _Rotated(inner, azimuth, self.angles)

    def decode_latent(self, given, training=None):
        return _Rotated(self.mapper.decode_latent(given, training=training), given.azimuth, self.angles)

    def _of_object(self, condition):
        """Azimuth (n, 1) of the object."""
        momentum = self.source.inverse(condition)[:, 4 * self.place : 4 * self.place + 2]
        return tf.cast(planar.azimuth(momentum), condition.dtype)


def turn(coordinates, azimuth, angles):
    """Add an azimuth (n, 1) to the coordinates at indices `angles`."""
    turns = np.isin(np.arange(coordinates.shape[1]), angles)
    turned = planar.wrap(coordinates + tf.cast(azimuth, coordinates.dtype))
    return tf.where(turns, turned, coordinates)
