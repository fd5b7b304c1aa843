"""Labels of classes."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.representations.base import Representation


@serialisable
class Classes(Representation):
    """Labels 0 to `count` - 1 as one-hot vectors.

    Args:
        count: number of classes, 2 or more.

    Raises:
        ValueError: for fewer classes.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if count < 2:
            raise ValueError(f"classes must be 2 or more, got {count}")
        self.count = count
        self.physical_shape, self.shape = (1,), (count,)

    def call(self, physical: Tensor) -> Tensor:
        labels = tf.cast(tf.convert_to_tensor(physical), tf.float32)[:, 0]
        if not tf.is_symbolic_tensor(labels):
            known = np.isin(labels.numpy(), np.arange(self.count))
            if not known.all():
                first = int(known.argmin())
                raise ValueError(
                    f"labels must be 0 to {self.count - 1}, got {labels.numpy()[first]:g} in event {first}"
                )
        known = tf.reduce_any(labels[:, None] == tf.range(self.count, dtype="float32"), 1, keepdims=True)
        # Within a graph, an unknown label ends a training by `NotFiniteError`.
        return tf.where(known, tf.one_hot(tf.cast(labels, tf.int32), self.count), math.nan)

    def inverse(self, coordinates: Tensor) -> Tensor:
        return keras.ops.cast(keras.ops.argmax(coordinates, -1)[:, None], self.compute_dtype)
