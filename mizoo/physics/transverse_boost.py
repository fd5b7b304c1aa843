"""Boosts that give the partons of a balanced process a transverse momentum."""

from typing import Any

import keras
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Batch
from mizoo.distribute import collectives
from mizoo.physics import kinematics


@serialisable
class TransverseBoost(keras.layers.Layer):
    """Random transverse boosts of z, which its representation undoes.

    The momenta of the partons of a balanced process have two degrees of freedom less than components. In
    coordinates such as `PartonMomenta` they lie on a surface, on which a density does not exist. Boosts add
    these two degrees of freedom, as dequantisation does to integers (arXiv 1511.01844).

    Takes and returns a dictionary of batches of four-momenta (n, 4 × objects). With `training=False`
    batches are unchanged.

    Args:
        stddev: standard deviation of both components of the velocity, in units of the speed of light. It
            should be small against the resolution of directions.
    """

    def __init__(self, stddev: float = 0.005, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.stddev = stddev
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, batch: Batch, training: bool | None = None) -> Batch:
        """The batch with z boosted."""
        if not training or "z" not in batch:
            return batch
        z = tf.cast(batch["z"], tf.float64)
        drawn = collectives.normal((keras.ops.shape(z)[0], 1, 2), self.seed_generator)
        velocity = tf.clip_by_value(self.stddev * tf.cast(drawn, tf.float64), -0.5, 0.5)
        frame = tf.concat([velocity, tf.zeros_like(velocity[..., :1]), tf.ones_like(velocity[..., :1])], -1)
        moved = kinematics.boost(tf.reshape(z, (-1, z.shape[1] // 4, 4)), frame, 1.0)
        return {**batch, "z": tf.cast(tf.reshape(moved, (-1, z.shape[1])), tf.float32)}
