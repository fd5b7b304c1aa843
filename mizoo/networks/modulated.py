"""Residual networks modulated by a context, the denoisers of diffusion models."""

from typing import Any

import keras
from keras import layers, ops

from mizoo.core.types import Config, Tensor


@keras.saving.register_keras_serializable("mizoo")
class Frequencies(layers.Layer):
    """Cosines and sines (n, 2 × count) of numbers (n, 1) in [0, 1], at `count` frequencies.

    Angles are float32 under any precision policy, as they reach more than a hundred turns.
    """

    def __init__(self, count: int = 16, **kwargs: Any) -> None:
        super().__init__(**kwargs, autocast=False)
        self.count = count

    def get_config(self) -> Config:
        return {**super().get_config(), "count": self.count}

    def call(self, value: Tensor) -> Tensor:
        # From a third of a turn over the interval to more than a hundred turns.
        angles = ops.cast(value, "float32") * ops.cast(ops.logspace(0.3, 3.0, self.count), "float32")
        return ops.cast(ops.concatenate([ops.cos(angles), ops.sin(angles)], -1), self.compute_dtype)


def modulated(
    inputs: int, context: int, outputs: int, units: int = 256, blocks: int = 4, name: str = "modulated"
) -> keras.Model:
    """A residual network of values (n, inputs), times (n, 1) and contexts (n, context).

    In each block, time and context determine scale and shift of the normalised features (adaptive layer
    normalisation, arXiv 2212.09748). The initial output is zero.

    Args:
        inputs, context, outputs: numbers of components.
        units: units of the hidden layers.
        blocks: number of residual blocks.
    """
    value, time, given = layers.Input((inputs,)), layers.Input((1,)), layers.Input((context,))
    clock = layers.Dense(units, activation="silu")(Frequencies()(time))
    signal = layers.Dense(units // 2, activation="silu")(layers.Concatenate()([clock, given]))
    features = layers.Dense(units)(layers.Concatenate()([value, given]))
    for _ in range(blocks):
        normal = layers.LayerNormalization(center=False, scale=False)(features)
        scale, shift = layers.Dense(units)(signal), layers.Dense(units)(signal)
        inner = layers.Add()([normal, layers.Multiply()([normal, scale]), shift])
        inner = layers.Dense(units, activation="silu")(inner)
        features = layers.Add()([features, layers.Dense(units)(inner)])
    last = layers.Activation("silu")(features)
    return keras.Model(
        [value, time, given], layers.Dense(outputs, kernel_initializer="zeros")(last), name=name
    )
