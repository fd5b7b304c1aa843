"""Dropout that does not depend on the number of replicas."""

import keras
from keras import ops

from mizoo.core.types import Tensor
from mizoo.distribute import collectives


@keras.saving.register_keras_serializable("mizoo")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` with one mask for the global batch, of which each replica applies its part.

    Keras's own layer drops the same features on every replica.
    """

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if not training or not self.rate:
            return inputs
        kept = collectives.uniform(ops.shape(inputs), self.seed_generator) >= self.rate
        return ops.where(kept, inputs / (1.0 - self.rate), ops.zeros_like(inputs))
