"""Mappers that meet in one latent space: an encoder of one space, a decoder of the other."""

import keras

from mizoo.core.serialisation import build, serialisable
from mizoo.mappers.base import Mapper


class _Transcoded:
    """What a decoder makes of a latent."""

    def __init__(self, decoded, latent):
        self._decoded = decoded
        self.latent = latent

    def sample(self):
        return self._decoded.sample()

    def log_prob(self, target):
        return self._decoded.log_prob(target)


@serialisable
class Transcoder(Mapper):
    """p(target | condition) by way of a latent: an encoder, and a decoder given what it says (GANDALF).

    Two transcoders share the latent space: what one encodes the other can decode. So a cycle closes in the
    latent (x → latent → x) and does not go through a draw of the other space. Beside the latent a decoder
    is told whether it comes from the other space (1) or from its own (0).

    Args:
        encoder: network from condition to latent.
        decoder: mapper from latent to target.
    """

    excluded_from_config = ("shape",)
    shares_latent = True

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(decoder.shape, **kwargs)
        self.encoder = encoder
        self.decoder = decoder

    @property
    def has_exact_log_prob(self):
        return self.decoder.has_exact_log_prob

    @property
    def kind(self):
        return f"attention, {self.decoder.kind}"

    def build(self, condition_shape):
        build(self.encoder, condition_shape)
        count, latent = self.encoder.compute_output_shape(condition_shape)
        build(self.decoder, (count, latent + 1))
        self.built = True

    def noise_shape(self, condition_shape):
        return self.decoder.noise_shape(condition_shape)

    def distribution(self, condition, noise=None, training=None, **kwargs):
        latent = keras.ops.cast(self.encoder(condition, training=training), "float32")
        return self._decoded(latent, 1.0, noise=noise, training=training, **kwargs)

    def decode_latent(self, given, training=None, **kwargs):
        return self._decoded(given.latent, 0.0, training=training, **kwargs)

    def _decoded(self, latent, crosses, **kwargs):
        flag = keras.ops.full_like(latent[:, :1], crosses)
        return _Transcoded(
            self.decoder.distribution(keras.ops.concatenate([latent, flag], -1), **kwargs), latent
        )
