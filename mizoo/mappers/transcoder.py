"""Mappers that meet in one latent space: an encoder of one space, a decoder of the other."""

from mizoo.mappers.base import Mapper
from mizoo.serialisation import build, serialisable


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
    latent (x → latent → x) and does not go through a draw of the other space.

    Args:
        encoder: network from condition to latent.
        decoder: mapper from latent to target.
    """

    derived = ("shape",)
    follows = True

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(decoder.shape, **kwargs)
        self.encoder = encoder
        self.decoder = decoder

    @property
    def in_nats(self):
        return self.decoder.in_nats

    @property
    def kind(self):
        return f"attention, {self.decoder.kind}"

    def build(self, condition_shape):
        build(self.encoder, condition_shape)
        build(self.decoder, self.encoder.compute_output_shape(condition_shape))
        self.built = True

    def noise_shape(self, condition_shape):
        return self.decoder.noise_shape(condition_shape)

    def given(self, condition, noise=None, training=None):
        latent = self.encoder(condition, training=training)
        return _Transcoded(self.decoder.given(latent, noise=noise, training=training), latent)

    def follow(self, given, training=None):
        return _Transcoded(self.decoder.given(given.latent, training=training), given.latent)
