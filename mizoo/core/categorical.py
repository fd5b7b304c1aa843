"""Draws of categories from normal noise, which exported functions take as an argument."""

import math

import tensorflow as tf

from mizoo.core.types import Tensor


def categories(logits: Tensor, noise: Tensor) -> Tensor:
    """Draw a category per event, (n,), by the inverse of the distribution function.

    Args:
        logits: logits (n, categories), or logarithms of probabilities.
        noise: standard normal numbers (n, 1).
    """
    share = 0.5 * (1.0 + tf.math.erf(tf.cast(noise, tf.float32) / math.sqrt(2.0)))
    below = tf.cumsum(tf.nn.softmax(logits), axis=-1) < share
    return tf.reduce_sum(tf.cast(below[:, :-1], tf.int32), -1)
