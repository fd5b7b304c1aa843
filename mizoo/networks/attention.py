"""Attention among the objects of an event."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from mizoo.core.types import BatchShape, Config, Tensor
from mizoo.networks.dropout import Dropout


@keras.saving.register_keras_serializable("mizoo")
class TypeEmbedding(layers.Layer):
    """Adds to each token a learnt vector of its place, which is the object's type."""

    def build(self, input_shape: BatchShape) -> None:
        self.vectors = self.add_weight(input_shape[1:], "normal", name="vectors")

    def call(self, tokens: Tensor) -> Tensor:
        return tokens + ops.cast(self.vectors, tokens.dtype)


@keras.saving.register_keras_serializable("mizoo")
class SelfAttention(layers.Layer):
    """Self-attention among a few tokens (n, objects, width), as `keras.layers.MultiHeadAttention`.

    Heads are multiplied one by one: for events, which have few tokens, the gradient of a sum over all heads
    at once takes four times as long on a CPU.

    Args:
        heads: among which the width is shared evenly.
    """

    def __init__(self, heads: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads = heads

    def get_config(self) -> Config:
        return {**super().get_config(), "heads": self.heads}

    def build(self, input_shape: BatchShape) -> None:
        width = input_shape[-1]
        assert width is not None
        self.projection = layers.Dense(3 * width, dtype=self.dtype_policy, name="projection")
        self.output_projection = layers.Dense(width, dtype=self.dtype_policy, name="output")
        self.projection.build(input_shape)
        self.output_projection.build(input_shape)

    def call(self, tokens: Tensor) -> Tensor:
        parts = tf.split(self.projection(tokens), 3 * self.heads, -1)
        queries, keys, values = (parts[i * self.heads : (i + 1) * self.heads] for i in range(3))
        scale = (tokens.shape[-1] // self.heads) ** -0.5
        found = [
            tf.matmul(tf.nn.softmax(tf.matmul(query, key, transpose_b=True) * scale), value)
            for query, key, value in zip(queries, keys, values, strict=True)
        ]
        return self.output_projection(tf.concat(found, -1))


def attention(
    objects: int,
    features: int,
    outputs: int,
    width: int = 64,
    blocks: int = 2,
    heads: int = 4,
    dropout: float = 0.0,
    last: str = "glorot_uniform",
    name: str = "attention",
) -> keras.Model:
    """A transformer encoder from tokens (n, objects, features) to `outputs` numbers.

    Each object is transformed considering every other one (arXiv 1706.03762, normalised before each part);
    there is no order but that of the types. The tokens of the last block are joined by a dense layer.

    Args:
        objects, features: shape of one event.
        outputs: number of outputs.
        width: of the tokens inside.
        blocks, heads: of attention.
        dropout: share of what each part adds that is left out in training.
        last: initial weights of the last layer; `"zeros"` for a network whose output begins at zero.

    Raises:
        ValueError: if the heads cannot share the width evenly.
    """
    if width % heads:
        raise ValueError(f"{heads} heads cannot share tokens of width {width} evenly")
    event = layers.Input((objects, features))
    tokens = TypeEmbedding()(layers.Dense(width)(event))
    for _ in range(blocks):
        seen = layers.LayerNormalization()(tokens)
        seen = SelfAttention(heads)(seen)
        tokens = layers.Add()([tokens, Dropout(dropout)(seen)])
        seen = layers.Dense(2 * width, activation="silu")(layers.LayerNormalization()(tokens))
        seen = layers.Dense(width)(seen)
        tokens = layers.Add()([tokens, Dropout(dropout)(seen)])
    joined = layers.Flatten()(layers.LayerNormalization()(tokens))
    joined = Dropout(dropout)(layers.Dense(4 * width, activation="silu")(joined))
    return keras.Model(event, layers.Dense(outputs, kernel_initializer=last)(joined), name=name)
