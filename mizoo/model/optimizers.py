"""Optimisers that Keras does not have."""

from typing import Any

import keras

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Config, Tensor


@serialisable
class AdamL2(keras.optimizers.Adam):
    """Adam on a loss with the penalty `l2`/2 · |weights|², like PyTorch's `Adam(weight_decay=l2)`.

    Keras's own `weight_decay` is the decoupled one of AdamW (arXiv 1711.05101), and regularisers cost a few
    operations per variable.
    """

    def __init__(self, learning_rate: Any = 0.001, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.l2 = l2

    def get_config(self) -> Config:
        return {**super().get_config(), "l2": self.l2}

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Any) -> None:
        """Update one variable."""
        super().update_step(gradient + self.l2 * variable, variable, learning_rate)
