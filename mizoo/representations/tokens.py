"""Events as one token per object, for attention."""

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
    """

    def __init__(self, representation: Representation, **kwargs: Any) -> None:
        super().__init__(representation, **kwargs)
        self._features = shared(self._tokens)

    def call(self, coordinates: Tensor, training: bool | None = None) -> Tensor:
        return self._features(coordinates, training=training)

    def _tokens(self, coordinates: Tensor) -> Tensor:
        momenta = self.representation.four_momenta(coordinates)
        sums = momenta[:, :, None] + momenta[:, None]
        squares = tf.square(sums[..., 3]) - tf.reduce_sum(tf.square(sums[..., :3]), -1)
        squares, momenta = tf.cast(tf.maximum(squares, 1e-2), tf.float32), tf.cast(momenta, tf.float32)
        masses = tf.math.log(1.0 + tf.sqrt(squares)) - 4.0
        return tf.cast(tf.concat([kinematics.network_features(momenta), masses], -1), self.compute_dtype)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        objects = self.representation.physical_shape[0] // 4
        return (input_shape[0], objects, 4 + objects)
