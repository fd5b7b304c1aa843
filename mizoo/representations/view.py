"""Features of events in the laboratory, as inputs of networks."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.tracing import shared
from mizoo.core.types import BatchShape, Tensor
from mizoo.physics import kinematics
from mizoo.representations.base import Representation
from mizoo.representations.object_coordinates import ObjectCoordinates
from mizoo.representations.projected_momenta import ProjectedMomenta

# Momenta of coordinates beyond, which noise on a path of diffusion may have, overflow. Those of events
# of the library reach 16.4.
_FARTHEST = 17.0


class View(keras.layers.Layer):
    """Features of events, computed from coordinates.

    Coordinates beyond ±17 are seen as ±17, so that all features are finite.

    Args:
        representation: representation of the coordinates, with four-momenta as physical units.
    """

    def __init__(self, representation: Representation, **kwargs: Any) -> None:
        super().__init__(**{"trainable": False, **kwargs})
        self.representation = representation

    def build(self, input_shape: BatchShape) -> None:
        build(self.representation, (None, *self.representation.physical_shape))
        self.built = True

    def _bounded(self, coordinates: Tensor) -> Tensor:
        return tf.clip_by_value(coordinates, -_FARTHEST, _FARTHEST)


@serialisable
class EventView(View):
    """Coordinates of an event other than azimuths, followed by features in the laboratory.

    In this order, the features are: for each object the direction in the transverse plane times log(1 +
    pT/20 GeV), half the pseudorapidity and log(1 + E/GeV) - 4.5; log(1 + m/GeV) - 5 of the `subsets`;
    and the features of objects, of the summed momenta of `sums`.

    Args:
        representation: representation of the coordinates, with four-momenta as physical units.
        subsets: tuples of indices of objects for invariant masses.
        sums: tuples of indices of objects for summed momenta.

    `call` may be given which coordinates exist, 1 or 0 (n, d), of `ObjectCoordinates`; momenta of absent
    objects are 0.
    """

    def __init__(
        self,
        representation: Representation,
        subsets: Sequence[Sequence[int]] = (),
        sums: Sequence[Sequence[int]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(representation, **kwargs)
        self.subsets = tuple(tuple(subset) for subset in subsets)
        self.sums = tuple(tuple(subset) for subset in sums)
        self._features = shared(self._seen)

    def call(
        self,
        coordinates: Tensor,
        exists: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        return self._features(self._bounded(coordinates), exists, training=training)

    def _seen(self, coordinates: Tensor, exists: Tensor | None) -> Tensor:
        objects = self._momenta(coordinates, exists)
        views = kinematics.network_features(tf.cast(objects, tf.float32))
        plain = [i for i in range(coordinates.shape[1]) if i not in self.representation.angles]
        parts = [
            tf.gather(tf.cast(coordinates, views.dtype), plain, axis=1),
            tf.reshape(views, (-1, 4 * objects.shape[1])),
        ]
        if self.subsets:
            parts.append(tf.math.log(1.0 + _masses(objects, self.subsets)) - 5.0)
        if self.sums:
            sums = tf.cast(tf.transpose(_sums(objects, self.sums), (0, 2, 1)), tf.float32)
            parts.append(tf.reshape(kinematics.network_features(sums), (-1, 4 * len(self.sums))))
        return tf.cast(tf.concat(parts, -1), self.compute_dtype)

    def _momenta(self, coordinates: Tensor, exists: Tensor | None) -> Tensor:
        if exists is None:
            return self.representation.four_momenta(coordinates)
        assert isinstance(self.representation, ObjectCoordinates)
        places = self.representation.places
        of_objects = tf.gather(exists, [places.index(i) for i in sorted(set(places))], axis=1)
        return self.representation.four_momenta(coordinates, of_objects)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        objects = self.representation.physical_shape[0] // 4
        plain = self.representation.shape[0] - len(self.representation.angles)
        return (input_shape[0], plain + 4 * objects + len(self.subsets) + 4 * len(self.sums))


@serialisable
class PartonView(View):
    """Momenta of partons whose coordinates are more than degrees of freedom, and how far these contradict.

    In this order, the features are `kinematics.network_features` of each parton, without its energy, and
    `ProjectedMomenta.imbalance`.

    Args:
        representation: representation of the coordinates.
    """

    representation: ProjectedMomenta

    def __init__(self, representation: ProjectedMomenta, **kwargs: Any) -> None:
        super().__init__(representation, **kwargs)
        self._features = shared(self._seen)

    def call(self, coordinates: Tensor, training: bool | None = None) -> Tensor:
        features = self._features(self._bounded(coordinates), training=training)
        return tf.cast(features, self.compute_dtype)

    def _seen(self, coordinates: Tensor) -> Tensor:
        partons = tf.cast(self.representation.partons(coordinates), tf.float32)
        momenta = kinematics.network_features(partons)[..., :3]
        momenta = tf.reshape(momenta, (-1, 3 * partons.shape[1]))
        return tf.concat([momenta, self.representation.imbalance(partons)], -1)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        process = self.representation.process
        return (input_shape[0], 3 * len(process.z) + 2 * process.balanced + len(process.decays))


def _sums(objects: Tensor, subsets: Sequence[Sequence[int]]) -> Tensor:
    """Sums (n, 4, subsets) of momenta."""
    members = np.array([np.isin(np.arange(objects.shape[1]), subset) for subset in subsets])
    return tf.tensordot(objects, members.T.astype(objects.dtype.as_numpy_dtype), [[1], [0]])


def _masses(objects: Tensor, subsets: Sequence[Sequence[int]]) -> Tensor:
    """Invariant masses (n, subsets), of at least 0.1 GeV, in single precision."""
    sums = _sums(objects, subsets)
    squares = tf.square(sums[:, 3]) - tf.reduce_sum(tf.square(sums[:, :3]), 1)
    return tf.sqrt(tf.cast(tf.maximum(squares, 1e-2), tf.float32))
