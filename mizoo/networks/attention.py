"""Attention among the objects of an event."""

import keras
from keras import layers, ops

from mizoo.core.types import BatchShape, Tensor
from mizoo.networks.dropout import Dropout


@keras.saving.register_keras_serializable("mizoo")
class TypeEmbedding(layers.Layer):
    """Adds to each token a learnt vector of its place, which is the object's type."""

    def build(self, input_shape: BatchShape) -> None:
        self.vectors = self.add_weight(input_shape[1:], "normal", name="vectors")

    def call(self, tokens: Tensor) -> Tensor:
        return tokens + ops.cast(self.vectors, tokens.dtype)


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
        last: initial weights of the last layer; `"zeros"` for a network that begins with no say.

    Raises:
        ValueError: if the heads cannot share the width evenly.
    """
    if width % heads:
        raise ValueError(f"{heads} heads cannot share tokens of width {width} evenly")
    event = layers.Input((objects, features))
    tokens = TypeEmbedding()(layers.Dense(width)(event))
    for _ in range(blocks):
        seen = layers.LayerNormalization()(tokens)
        seen = layers.MultiHeadAttention(heads, width // heads)(seen, seen)
        tokens = layers.Add()([tokens, Dropout(dropout)(seen)])
        seen = layers.Dense(2 * width, activation="silu")(layers.LayerNormalization()(tokens))
        seen = layers.Dense(width)(seen)
        tokens = layers.Add()([tokens, Dropout(dropout)(seen)])
    joined = layers.Flatten()(layers.LayerNormalization()(tokens))
    joined = Dropout(dropout)(layers.Dense(4 * width, activation="silu")(joined))
    return keras.Model(event, layers.Dense(outputs, kernel_initializer=last)(joined), name=name)
