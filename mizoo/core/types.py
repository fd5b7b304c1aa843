"""The words of which signatures are made.

TensorFlow and Keras have no type stubs: for a type checker all tensors and layers are `Any`. These names
say to the reader which is meant.
"""

from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

Tensor: TypeAlias = tf.Tensor
Array: TypeAlias = np.ndarray | tf.Tensor  # data from outside
Network: TypeAlias = keras.layers.Layer
Shape: TypeAlias = tuple[int, ...]  # of one event, or of the arrays in it
BatchShape: TypeAlias = tuple[int | None, *tuple[int, ...]]  # of a batch, whose size may be unknown
Batch: TypeAlias = dict[str, Tensor]  # arrays (n, …) by space, "x" and "z"
Config: TypeAlias = dict[str, Any]  # what Keras saves of an object
