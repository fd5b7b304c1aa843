"""Columns of tensors by places, of which some stand for a constant."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mizoo.core.types import Tensor


def take(columns: Tensor, places: Sequence[int] | Sequence[Sequence[int]], beyond: float) -> Tensor:
    """The columns (n, …) at some places of (n, k), in single precision, and `beyond` at places -1 and k."""
    padded = tf.pad(tf.cast(columns, tf.float32), [[0, 0], [0, 1]], constant_values=beyond)
    return tf.gather(padded, np.array(places) % (columns.shape[1] + 1), axis=1)
