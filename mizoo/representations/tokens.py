"""Events as one token an object, for attention."""

import keras
import tensorflow as tf

from mizoo.graphs import shared
from mizoo.representations import kinematics
from mizoo.serialisation import build, serialisable


@serialisable
class Tokens(keras.layers.Layer):
    """What the laboratory sees of each object: coordinates (n, d) to tokens (n, objects, 4 + objects).

    The direction in the transverse plane times log(1 + pT/20 GeV), half the pseudorapidity,
    log(1 + E/GeV) - 4.5, and log(1 + m/GeV) - 4 of the masses with every object of the event.

    Args:
        representation: the coordinates' representation, with four-momenta as physical units.
    """

    def __init__(self, representation, **kwargs):
        super().__init__(**{"trainable": False, **kwargs})
        self.representation = representation
        # In double precision: in single, the masses of massless objects would be noise of some GeV.
        config = {**representation.get_config(), "dtype": "float64"}
        self._exact = type(representation).from_config(config)
        self._look = shared(self._tokens)

    def build(self, input_shape):
        build(self.representation, (None, *self.representation.physical_shape))
        self.built = True

    def call(self, coordinates, training=None):
        return self._look(coordinates, training=training)

    def _tokens(self, coordinates):
        objects = self.representation.physical_shape[0] // 4
        momenta = tf.reshape(self._exact.inverse(coordinates), (-1, objects, 4))
        sums = momenta[:, :, None] + momenta[:, None]
        squares = tf.square(sums[..., 3]) - tf.reduce_sum(tf.square(sums[..., :3]), -1)
        masses = tf.math.log(1.0 + tf.sqrt(tf.maximum(squares, 1e-2))) - 4.0
        return tf.cast(tf.concat([kinematics.look(momenta), masses], -1), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        objects = self.representation.physical_shape[0] // 4
        return (input_shape[0], objects, 4 + objects)
