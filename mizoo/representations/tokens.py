"""Events as one token per object, for attention."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.tracing import shared
from mizoo.core.types import BatchShape, Tensor
from mizoo.physics import kinematics
from mizoo.representations.base import Representation
from mizoo.representations.view import View


@serialisable
class Tokens(View):
    """Features of objects in the laboratory: coordinates (n, d) to tokens (n, objects, 4 + objects).

    A token has the direction in the transverse plane times log(1 + pT/20 GeV), half the pseudorapidity,
    log(1 + E/GeV) - 4.5, and log(1 + m/GeV) - 4 of the invariant masses with every object of the event.

    Args:
        representation: representation of the coordinates, with four-momenta as physical units.
        groups: places of objects that are sorted by falling pT, one list per kind, so that tokens do not
            depend on their order.
    """

    def __init__(
        self, representation: Representation, groups: Sequence[Sequence[int]] = (), **kwargs: Any
    ) -> None:
        super().__init__(representation, **kwargs)
        self.groups = tuple(tuple(places) for places in groups)
        self._features = shared(self._tokens)

    def call(self, coordinates: Tensor, training: bool | None = None) -> Tensor:
        return self._features(coordinates, training=training)

    @property
    def objects(self) -> int:
        """Number of tokens per event."""
        return self.representation.physical_shape[0] // 4

    def _tokens(self, coordinates: Tensor) -> Tensor:
        momenta = kinematics.by_falling_pt(self.representation.four_momenta(coordinates), self.groups)
        return tf.cast(_features(momenta), self.compute_dtype)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (input_shape[0], self.objects, 4 + self.objects)


@serialisable
class SetTokens(Tokens):
    """Tokens of events whose objects vary in number and come in any order: (n, objects, 4 + objects + k).

    The tokens of absent objects are zeros; those of others end with a 1 and the features of the object, 0
    or 1.

    Args:
        representation: representation of the coordinates, an `ObjectSets`.
        groups: see `Tokens`.
    """

    @property
    def objects(self) -> int:
        return len(self.representation.process.x)

    def _tokens(self, coordinates: Tensor) -> Tensor:
        momenta = self.representation.four_momenta(coordinates)
        own = tf.cast(self.representation.token_features(coordinates), momenta.dtype)
        both = kinematics.by_falling_pt(tf.concat([momenta, own], -1), self.groups)
        momenta, own = both[..., :4], tf.cast(both[..., 4:], "float32")
        exists = own[..., :1]
        features = _features(momenta) * exists
        masses = features[..., 4:] * tf.transpose(exists, (0, 2, 1))
        return tf.cast(tf.concat([features[..., :4], masses, own], -1), self.compute_dtype)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        names = {name for _, name in self.representation.process.features}
        return (input_shape[0], self.objects, 5 + self.objects + len(names))


def _features(momenta: Tensor) -> Tensor:
    """Features (n, objects, 4 + objects) of four-momenta (n, objects, 4)."""
    sums = momenta[:, :, None] + momenta[:, None]
    squares = tf.square(sums[..., 3]) - tf.reduce_sum(tf.square(sums[..., :3]), -1)
    squares, momenta = tf.cast(tf.maximum(squares, 1e-2), tf.float32), tf.cast(momenta, tf.float32)
    masses = tf.math.log(1.0 + tf.sqrt(squares)) - 4.0
    return tf.concat([kinematics.network_features(momenta), masses], -1)
