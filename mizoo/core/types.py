"""Type aliases of signatures.

TensorFlow and Keras have no type stubs, so that type checkers see all tensors and layers as `Any`. These
names tell the reader which is meant.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

Tensor: TypeAlias = tf.Tensor
Array: TypeAlias = np.ndarray | tf.Tensor  # data of the user's
Network: TypeAlias = keras.layers.Layer
Activation: TypeAlias = str | Callable[[Tensor], Tensor]  # name of a Keras activation, or a function
Shape: TypeAlias = tuple[int, ...]  # shape of one event, or of an array in it
BatchShape: TypeAlias = tuple[int | None, *tuple[int, ...]]  # shape of a batch, whose size may be unknown
Batch: TypeAlias = dict[str, Tensor]  # arrays (n, …) by space, "x" and "z"
Config: TypeAlias = dict[str, Any]  # configuration of an object for Keras
