"""Mappers with a common latent space: an encoder of one space, a decoder to the other."""

from typing import Any

import keras

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Shape, Tensor
from mizoo.mappers.base import Mapper
from mizoo.mappers.conditional import Conditional
from mizoo.mappers.frame import FrameEncoder
from mizoo.physics import kinematics
from mizoo.representations.base import Representation


class TranscodedDistribution(Conditional):
    """The distribution of a decoder given a latent."""

    def __init__(
        self,
        decoded: Conditional,
        latent: Tensor,
        representation: Representation | None = None,
        reading: Tensor | float = 0.0,
    ) -> None:
        self._decoded = decoded
        self._latent = latent
        self._representation = representation
        self._reading = reading

    @property
    def latent(self) -> Tensor:
        """Latents (n, d) of the conditions, as the encoder returns them."""
        return self._latent

    def sample(self) -> Tensor:
        return self._decoded.sample()

    def log_prob(self, target: Tensor) -> Tensor:
        if self._representation is not None:
            target = self._representation(self._representation.inverse(target))
        return self._decoded.log_prob(target) + self._reading


@serialisable
class Transcoder(Mapper):
    """p(target | condition) by way of a latent: an encoder, and a decoder of its output (GANDALF).

    Two transcoders share the latent space, and each can decode the latents of the other. A cycle therefore
    closes in the latent (x → latent → x), without a draw of the other space. A further input of the decoder
    is 1 for latents of the other space and 0 for those of its own.

    With a `FrameEncoder` that has a reader, the decoder is also given the momenta of the condition, as the
    latent has them: they tell those of the target best. For latents of its own space they are 0. A Laplace
    density of what is read, of fixed scale, is part of `log_prob`.

    Args:
        encoder: network from condition to latent.
        decoder: mapper from latent to target.
        representation: representation of the target, if its latents do not tell the order of objects, such
            as jets, in which pairs come. A decoder of these latents then learns the order that `inverse`
            gives them.
    """

    excluded_from_config = ("shape",)
    shares_latent = True

    def __init__(
        self,
        encoder: Network,
        decoder: Mapper,
        representation: Representation | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(decoder.shape, **kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.representation = representation

    @property
    def has_exact_log_prob(self) -> bool:
        return self.decoder.has_exact_log_prob

    @property
    def kind(self) -> str:
        return f"attention, {self.decoder.kind}"

    def build(self, condition_shape: BatchShape) -> None:
        build(self.encoder, condition_shape)
        count, latent = self.encoder.compute_output_shape(condition_shape)
        build(self.decoder, (count, latent + self._momenta + 1))
        self.built = True

    @property
    def _momenta(self) -> int:
        """Number of components of momenta that the decoder is given."""
        return self.encoder.momenta if isinstance(self.encoder, FrameEncoder) else 0

    def noise_shape(self, condition_shape: Shape) -> Shape | None:
        return self.decoder.noise_shape(condition_shape)

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> TranscodedDistribution:
        if not self._momenta:
            latent = keras.ops.cast(self.encoder(condition, training=training), "float32")
            return self._decoded(latent, 1.0, noise, training)
        latent, true = self.encoder.encode(condition, training=training)
        return self._decoded(latent, 1.0, noise, training, true)

    def decode_latent(self, given: Conditional, training: bool | None = None) -> TranscodedDistribution:
        return self._decoded(given.latent, 0.0, training=training)

    def decode(self, latent: Tensor, crosses: bool) -> TranscodedDistribution:
        """The distribution of the target given latents (n, d).

        Args:
            latent: latents of events, as an encoder returns them.
            crosses: whether they come from the other space.
        """
        return self._decoded(latent, float(crosses), training=False)

    def _decoded(
        self,
        latent: Tensor,
        crosses: float,
        noise: Tensor | None = None,
        training: bool | None = None,
        true: Tensor | None = None,
    ) -> TranscodedDistribution:
        parts, reading = [latent, keras.ops.full_like(latent[:, :1], crosses)], 0.0
        if self._momenta and crosses:
            read = self.encoder.read(latent)
            # Without gradient: they would otherwise become what serves the decoder.
            parts.append(keras.ops.stop_gradient(read))
            if true is not None:
                reading = -keras.ops.sum(keras.ops.abs(read - true), -1) / kinematics.FEATURE_SCALE
        elif self._momenta:
            parts.append(keras.ops.zeros((keras.ops.shape(latent)[0], self._momenta)))
        given = keras.ops.concatenate(parts, -1)
        decoded = self.decoder.distribution(given, noise=noise, training=training)
        return TranscodedDistribution(decoded, latent, None if crosses else self.representation, reading)
