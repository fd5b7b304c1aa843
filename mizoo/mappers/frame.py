"""Equivariance under rotations about the beam, with a frame that the latent carries.

The first two numbers of a latent are the cosine and sine of the azimuth of one object. All others describe
the event relative to this azimuth. The latent therefore holds all that a decoder needs, and what a network
learns at one azimuth holds at all (canonicalisation, arXiv 2211.06489).
"""

import math
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Shape, Tensor
from mizoo.mappers.base import Mapper, Wrapped
from mizoo.mappers.components import indices
from mizoo.mappers.rotation_equivariant import RotatedDistribution, turn
from mizoo.physics import planar
from mizoo.representations.tokens import Tokens


@serialisable
class FrameEncoder(keras.layers.Layer):
    """Encodes the objects of an event relative to the azimuth of one of them, and this azimuth.

    A linear map of momenta and of coordinates other than angles bypasses the network, so that they reach a
    decoder without loss.

    Args:
        network: network from tokens (n, objects, …) to (n, k) numbers; the latent has 2 + k.
        tokens: layer from coordinates (n, d) to tokens.
        place: place of the object that defines the azimuth.
        reader: network from the latent without its azimuth to the momenta of the tokens, see `read`.
    """

    def __init__(
        self, network: Network, tokens: Tokens, place: int = 0, reader: Network | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.network = network
        self.tokens = tokens
        self.place = place
        self.reader = reader
        # Angles jump at ±π; momenta provide the same directions. Only the momenta are sorted.
        circles = tokens.representation.circles
        direct = range(0 if tokens.groups else tokens.representation.shape[0])
        self._plain = np.array([i for i in direct if i not in circles], "int32")

    def build(self, input_shape: BatchShape) -> None:
        build(self.tokens, input_shape)
        tokens = self.tokens.compute_output_shape(input_shape)
        build(self.network, tokens)
        count = self.network.compute_output_shape(tokens)[-1]
        self.linear = keras.layers.Dense(count, use_bias=False, dtype=self.dtype_policy, name="linear")
        self.linear.build((None, len(self._plain) + 4 * self.tokens.objects))
        if self.reader is not None:
            build(self.reader, (input_shape[0], count))
        self.built = True

    @property
    def momenta(self) -> int:
        """Number of components of `read`, three for each token, or 0 without a reader."""
        return 0 if self.reader is None else 3 * self.tokens.objects

    def call(self, coordinates: Tensor, training: bool | None = None) -> Tensor:
        return self.encode(coordinates, training)[0]

    def read(self, latent: Tensor) -> Tensor:
        """Momenta (n, 3 × tokens) of the encoded event in its frame, as the latent (n, d) has them.

        They are the `kinematics.network_features` without the energy, in the order of the tokens.
        """
        assert self.reader is not None  # see `momenta`
        return tf.cast(self.reader(latent[:, 2:]), tf.float32)

    def encode(self, coordinates: Tensor, training: bool | None = None) -> tuple[Tensor, Tensor]:
        """The latent (n, d) of coordinates (n, k), and the momenta that `read` should find in it."""
        source = self.tokens.representation
        momentum = source.inverse(coordinates)[:, 4 * self.place : 4 * self.place + 2]
        azimuth = tf.cast(planar.azimuth(momentum), tf.float32)
        seen = turn(coordinates, -azimuth, source.angles)
        tokens = self.tokens(seen, training=training)
        momenta = tf.reshape(tokens[..., :4], (-1, 4 * tokens.shape[1]))
        direct = self.linear(tf.concat([tf.gather(seen, self._plain, axis=1), momenta], -1))
        rest = tf.cast(self.network(tokens, training=training), tf.float32)
        true = tf.cast(tf.reshape(tokens[..., :3], (-1, 3 * tokens.shape[1])), tf.float32)
        return tf.concat([planar.direction(azimuth), rest + direct], -1), true

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        tokens = self.tokens.compute_output_shape(input_shape)
        return (input_shape[0], 2 + self.network.compute_output_shape(tokens)[-1])


@serialisable
class InFrame(Wrapped):
    """Another mapper, in the frame that the first two numbers of the condition define.

    Args:
        mapper: mapper from the rest of the condition to the target in this frame.
        angles: indices of the target's azimuths.
    """

    def __init__(self, mapper: Mapper, angles: Iterable[int], **kwargs: Any) -> None:
        super().__init__(mapper, **kwargs)
        self.angles = indices("angles", angles, self.shape[0])

    def build(self, condition_shape: BatchShape) -> None:
        build(self.mapper, (condition_shape[0], math.prod(condition_shape[1:]) - 2))
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> Shape | None:
        return self.mapper.noise_shape((condition_shape[0] - 2,))

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> RotatedDistribution:
        # Encoders take it from the event, not from weights, and the way back through coordinates is costly.
        azimuth = tf.stop_gradient(planar.atan2(condition[:, 1:2], condition[:, :1]))
        inner = self.mapper.distribution(condition[:, 2:], noise=noise, training=training)
        return RotatedDistribution(inner, azimuth, self.angles)
