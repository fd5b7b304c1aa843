"""Trained models whose draws are tensors."""

from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.types import Array, Tensor
from mizoo.model.generative import GenerativeModel


class TensorModel(GenerativeModel):
    """A `GenerativeModel` that takes and returns tensors, which may be traced."""

    def _traced(self, values: Any) -> bool:
        return bool(tf.is_symbolic_tensor(values))

    def _repeated(self, events: Array, count: int) -> Tensor:
        return tf.repeat(events, count, axis=0)

    def _grouped(self, drawn: Tensor, count: int) -> Tensor:
        return tf.reshape(drawn, (-1, count, *drawn.shape[1:]))

    def _own(self, values: np.ndarray) -> Tensor:
        return tf.constant(values)
