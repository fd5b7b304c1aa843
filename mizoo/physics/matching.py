"""Jets put in the order of the partons they come from."""

from itertools import permutations

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.physics import planar


@serialisable
class JetMatching(keras.layers.Layer):
    """Pairs in which objects of x stand in the order of those of z that they are nearest to.

    Of all permutations that of the least sum of distances √(Δη² + Δφ² + 0.1 (Δ log pT)²). Takes and returns
    a dictionary of batches of four-momenta; events without z are left as they are.

    Args:
        objects: places of the objects of x; a number of them counts from the end.
        partons: places of those of z, as many; by default the same.
    """

    def __init__(self, objects=4, partons=None, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.objects = objects
        self.partons = partons
        self._of_x = list(range(-objects, 0)) if isinstance(objects, int) else list(objects)
        self._of_z = self._of_x if partons is None else list(partons)
        count = len(self._of_x)
        self._orders = np.array(list(permutations(range(count))))  # which of x stands at each place

    def call(self, batch):
        """The batch with the objects of x in their new order."""
        if "z" not in batch:
            return batch
        count = len(self._of_x)
        whole = tf.reshape(batch["x"], (-1, batch["x"].shape[1] // 4, 4))
        x, z = _at(batch["x"], self._of_x), _at(batch["z"], self._of_z)
        gaps = [a[:, :, None] - b[:, None] for a, b in zip(_polar(x), _polar(z), strict=True)]
        squares = 0.1 * gaps[0] ** 2 + gaps[1] ** 2 + planar.wrap(gaps[2]) ** 2
        distances = tf.reshape(tf.sqrt(squares), (-1, count**2))
        pairs = self._orders * count + np.arange(count)
        nearest = tf.argmin(tf.reduce_sum(tf.gather(distances, pairs, axis=1), -1), -1)
        ordered = tf.unstack(tf.gather(x, tf.gather(self._orders, nearest), batch_dims=1), axis=1)
        objects = tf.unstack(whole, axis=1)
        for place, moved in zip(self._of_x, ordered, strict=True):
            objects[place] = moved
        return {**batch, "x": tf.reshape(tf.stack(objects, 1), (-1, batch["x"].shape[1]))}


def _at(events, places):
    """Objects (n, places, 4) of events (n, 4 × objects)."""
    objects = events.shape[1] // 4
    return tf.gather(tf.reshape(events, (-1, objects, 4)), [place % objects for place in places], axis=1)


def _polar(momenta):
    """log pT, η and φ of momenta (n, objects, 4)."""
    pt = tf.sqrt(tf.reduce_sum(tf.square(momenta[..., :2]), -1))
    return tf.math.log(pt), planar.asinh(momenta[..., 2] / pt), tf.atan2(momenta[..., 1], momenta[..., 0])
