"""Exact symmetries of events at a collider with equal beams."""

import math
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Batch
from mizoo.distribute import collectives


@serialisable
class BeamSymmetry(keras.layers.Layer):
    """Random rotations about the beam and reflections of y and of z, the same for x and z.

    Takes and returns a dictionary of batches of four-momenta (n, 4 × objects), px py pz E each. With
    `training=False` batches are unchanged. These are symmetries of unpolarised beams and of a detector that
    is symmetric about its axis.

    Args:
        features: number of further columns of x after the momenta, which are unchanged.
    """

    def __init__(self, features: int = 0, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.features = features
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, batch: Batch, training: bool | None = None) -> Batch:
        if not training:
            return batch
        counts = {}
        for space, events in batch.items():
            counts[space] = events.shape[1] - (self.features if space == "x" else 0)
            if counts[space] % 4:
                raise ValueError(
                    f"{type(self).__name__} takes {space} (n, 4 × objects), not (n, {events.shape[1]})"
                )
        first = next(iter(batch.values()))
        size = (keras.ops.shape(first)[0], 1, 1, 3)
        angle, y_share, z_share = tf.unstack(collectives.uniform(size, self.seed_generator), axis=-1)
        cosine, sine = tf.cos(2 * math.pi * angle), tf.sin(2 * math.pi * angle)
        y_sign, z_sign = tf.sign(y_share - 0.5), tf.sign(z_share - 0.5)
        images = {}
        for space, events in batch.items():
            count = counts[space]
            px, py, pz, energy = tf.split(tf.reshape(events[:, :count], (-1, count // 4, 4)), 4, -1)
            py, pz = y_sign * py, z_sign * pz
            turned = [cosine * px - sine * py, sine * px + cosine * py, pz, energy]
            turned = tf.reshape(tf.concat(turned, -1), (-1, count))
            images[space] = tf.concat([turned, events[:, count:]], -1)
        return images
