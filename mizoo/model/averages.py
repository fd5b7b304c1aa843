"""Exponential moving averages of mappers."""

import tensorflow as tf

from mizoo import compat
from mizoo.core.serialisation import build, clone
from mizoo.core.types import BatchShape, Tensor
from mizoo.mappers.base import Mapper
from mizoo.representations.base import Representation


def average(mapper: Mapper, shape: BatchShape) -> Mapper:
    """A copy of a mapper with its weights, built for conditions of a shape.

    Both share the representations.
    """
    representations = [part for part in compat.all_layers(mapper) if isinstance(part, Representation)]
    second = clone(mapper, representations)
    build(second, shape)
    second.trainable = False
    second.set_weights(mapper.get_weights())
    return second


def update_average(average: Mapper, mapper: Mapper, momentum: float, steps: Tensor) -> None:
    """Update an average after `steps` training steps; early updates are larger."""
    steps = tf.cast(steps, tf.float32)
    rate = 1.0 - tf.minimum(momentum, (1.0 + steps) / (10.0 + steps))
    for mean, value in zip(average.weights, mapper.weights, strict=True):
        mean.assign_add(tf.cast(rate, mean.dtype) * (value - mean))
