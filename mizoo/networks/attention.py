"""A transformer encoder for the objects of an event."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from mizoo.core.types import BatchShape, Config, Tensor
from mizoo.networks.dropout import Dropout


@keras.saving.register_keras_serializable("mizoo")
class TypeEmbedding(layers.Layer):
    """Adds a learnt embedding of the object type, which follows from the position, to each token."""

    def build(self, input_shape: BatchShape) -> None:
        self.vectors = self.add_weight(input_shape[1:], "normal", name="vectors")

    def call(self, tokens: Tensor) -> Tensor:
        return tokens + ops.cast(self.vectors, tokens.dtype)


@keras.saving.register_keras_serializable("mizoo")
class SelfAttention(layers.Layer):
    """Multi-head attention among a few tokens (n, objects, width), as `keras.layers.MultiHeadAttention`.

    The heads are computed one by one. For a few tokens, the gradient of one contraction over all heads
    takes four times as long on a CPU.

    Args:
        heads: number of heads, which divides the width.
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
    """A transformer encoder from tokens (n, objects, features) to arrays (n, outputs).

    Each block updates every object from all others (arXiv 1706.03762, with normalisation before each part).
    Positions encode the types of objects only. A dense layer joins the tokens of the last block.

    Args:
        objects, features: shape of one event.
        outputs: number of outputs.
        width: width of the tokens.
        blocks, heads: number of blocks, and of attention heads per block.
        dropout: dropout rate of what each part adds to the tokens.
        last: initializer of the last layer; `"zeros"` makes the initial output zero.

    Raises:
        ValueError: if the width is not a multiple of the number of heads.
    """
    if width % heads:
        raise ValueError(f"heads must divide the width, got {heads} heads and width {width}")
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
