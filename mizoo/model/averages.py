"""Exponential moving averages of mappers, as mappers of their own."""

import tensorflow as tf

from mizoo import compat
from mizoo.core.serialisation import build, clone
from mizoo.core.types import BatchShape, Tensor
from mizoo.mappers.base import Mapper
from mizoo.representations.base import Representation


def average(mapper: Mapper, shape: BatchShape) -> Mapper:
    """A second mapper, built for conditions of a shape, that begins with the weights of the first.

    Representations are the same ones in both.
    """
    representations = [part for part in compat.all_layers(mapper) if isinstance(part, Representation)]
    second = clone(mapper, representations)
    build(second, shape)
    second.trainable = False
    second.set_weights(mapper.get_weights())
    return second


def update_average(average: Mapper, mapper: Mapper, momentum: float, steps: Tensor) -> None:
    """Move an average towards its mapper, after so many steps; faster at the beginning."""
    steps = tf.cast(steps, tf.float32)
    rate = 1.0 - tf.minimum(momentum, (1.0 + steps) / (10.0 + steps))
    for mean, value in zip(average.weights, mapper.weights, strict=True):
        mean.assign_add(tf.cast(rate, mean.dtype) * (value - mean))
