"""Activations of last layers."""

import keras

from mizoo.core.types import Tensor

_SLOPE = 0.02


@keras.saving.register_keras_serializable("mizoo")
def leaky_tanh(inputs: Tensor) -> Tensor:
    """tanh x + 0.02 x, which has a gradient everywhere (LeCun et al., "Efficient BackProp", 1998, § 4.4).

    Images that are mostly black push an output to where tanh has none, and all images stay black.
    """
    return keras.ops.tanh(inputs) + _SLOPE * inputs
