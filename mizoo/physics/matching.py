"""Jets put in the order of the partons they come from."""

from itertools import permutations

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.physics import planar


@serialisable
class JetMatching(keras.layers.Layer):
    """Pairs in which the last objects of x stand in the order of those of z that they are nearest to.

    Of all permutations that of the least sum of distances √(Δη² + Δφ² + 0.1 (Δ log pT)²). Takes and returns
    a dictionary of batches of four-momenta; events without z are left as they are.

    Args:
        objects: number of objects that are matched, the last ones of events in both spaces.
    """

    def __init__(self, objects=4, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.objects = objects
        self._orders = np.array(list(permutations(range(objects))))  # which of x stands at each place

    def call(self, batch):
        """The batch with the objects of x in their new order."""
        if "z" not in batch:
            return batch
        x, z = (self._last(batch[space]) for space in "xz")
        gaps = [a[:, :, None] - b[:, None] for a, b in zip(_polar(x), _polar(z), strict=True)]
        squares = 0.1 * gaps[0] ** 2 + gaps[1] ** 2 + planar.wrap(gaps[2]) ** 2
        distances = tf.reshape(tf.sqrt(squares), (-1, self.objects**2))
        pairs = self._orders * self.objects + np.arange(self.objects)
        nearest = tf.argmin(tf.reduce_sum(tf.gather(distances, pairs, axis=1), -1), -1)
        ordered = tf.gather(x, tf.gather(self._orders, nearest), batch_dims=1)
        first = batch["x"][:, : -4 * self.objects]
        return {**batch, "x": tf.concat([first, tf.reshape(ordered, (-1, 4 * self.objects))], -1)}

    def _last(self, events):
        return tf.reshape(events[:, -4 * self.objects :], (-1, self.objects, 4))


def _polar(momenta):
    """log pT, η and φ of momenta (n, objects, 4)."""
    pt = tf.sqrt(tf.reduce_sum(tf.square(momenta[..., :2]), -1))
    return tf.math.log(pt), planar.asinh(momenta[..., 2] / pt), tf.atan2(momenta[..., 1], momenta[..., 0])
