"""Alignment of pairs in the mappers' latent space."""

from typing import Any

import keras

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.distribute import collectives
from mizoo.objectives.base import Objective
from mizoo.objectives.streams import Streams


@serialisable
class Alignment(Objective):
    """Contrastive loss between the latents of x and of z (InfoNCE, arXiv 1807.03748).

    Each latent has to identify that of its partner among those of the batch, in both directions, by the
    cosine of their angle after standardisation over the batch. This brings pairs together and prevents the
    latents from collapsing to a point. The logarithm of the batch size minus this term is a lower bound, in
    nats, on the mutual information of the latents.

    The conditionals of both mappers must have a `latent`, as those of flows do. A batch needs at least two
    pairs.

    Args:
        weight: weight of the term.
        temperature: temperature that divides the cosines.
        stream: `"z_tilde"`, for the name of the term, which compares z_tilde and x_tilde.

    Raises:
        ValueError: for another stream, and for a temperature that is not positive.
    """

    symbol = "A"
    least_events = 2

    def __init__(
        self,
        weight: float = 1.0,
        temperature: float = 0.1,
        stream: str = "z_tilde",
        label: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        if stream != "z_tilde":
            raise ValueError(f"stream must be 'z_tilde', which names the term, not {stream!r}")
        if not temperature > 0.0:
            raise ValueError(f"temperature must be above 0, not {temperature}")
        self.temperature = temperature

    @property
    def draws(self) -> list[str]:
        return []

    def loss(self, streams: Streams) -> Tensor:
        latents = (streams.distribution(stream).latent for stream in ("z_tilde", "x_tilde"))
        of_x, of_z = (collectives.gather(keras.ops.cast(latent, "float32")) for latent in latents)
        both = keras.ops.concatenate([of_x, of_z])
        mean, variance = keras.ops.moments(both, 0, keepdims=True)
        of_x, of_z = (
            keras.ops.normalize((latent - mean) * keras.ops.rsqrt(variance + 1e-6), axis=-1)
            for latent in (of_x, of_z)
        )
        logits = of_x @ keras.ops.transpose(of_z) / self.temperature
        partner = keras.ops.arange(keras.ops.shape(logits)[0])
        loss = [
            keras.losses.sparse_categorical_crossentropy(partner, side, from_logits=True)
            for side in (logits, keras.ops.transpose(logits))
        ]
        return keras.ops.mean(loss[0] + loss[1]) / 2.0
