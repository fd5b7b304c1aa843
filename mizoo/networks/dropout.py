"""Dropout, the same whether one replica trains or several."""

import keras
from keras import ops

from mizoo.core.types import Tensor
from mizoo.distribute import collectives


@keras.saving.register_keras_serializable("mizoo")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` whose mask is that of the global batch, of which a replica has its part.

    Keras's own would drop the same features on every replica.
    """

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if not training or not self.rate:
            return inputs
        kept = collectives.uniform(ops.shape(inputs), self.seed_generator) >= self.rate
        return ops.where(kept, inputs / (1.0 - self.rate), ops.zeros_like(inputs))
