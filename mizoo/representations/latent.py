"""A latent space with a prior."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.prior import Prior
from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.distribute import collectives
from mizoo.representations.base import Representation


@serialisable
class Latent(Representation, Prior):
    """Vectors with a prior: normal, uniform and categorical components, side by side.

    The space z of models whose data have x only: missing z are drawn from the prior.

    Args:
        normal: number of standard normal components.
        uniform: number of components uniform in [-1, 1].
        categories: sizes of one-hot components, each with equal probabilities.
        mapping: network from draws to the latent space, of the same shape, if any. It is trained with the
            mappers, as in ALAE (arXiv 2004.04467), and the prior then has no known density.
    """

    def __init__(
        self,
        normal: int = 0,
        uniform: int = 0,
        categories: Sequence[int] = (),
        mapping: Network | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"trainable": mapping is not None, **kwargs})
        self.normal = normal
        self.uniform = uniform
        self.categories = tuple(categories)
        self.mapping = mapping
        self.shape = self.physical_shape = (normal + uniform + sum(self.categories),)
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, input_shape: BatchShape) -> None:
        if self.mapping is not None:
            build(self.mapping, input_shape)
        self.built = True

    @property
    def is_normal(self) -> bool:
        """Whether the prior is the standard normal distribution."""
        return self.mapping is None and self.shape == (self.normal,)

    def call(self, physical: Tensor) -> Tensor:
        return keras.ops.cast(physical, self.compute_dtype)

    def inverse(self, coordinates: Tensor) -> Tensor:
        return self.call(coordinates)

    def split(self, latents: Tensor) -> list[Tensor]:
        """Normal components, uniform ones and those of each category of latents (n, d), as a list."""
        parts: list[Tensor] = tf.split(latents, [self.normal, self.uniform, *self.categories], -1)
        return parts

    def sample(self, count: int | Tensor) -> Tensor:
        """Draws (count, d) from the prior."""
        seed = self.seed_generator
        parts = [
            collectives.normal((count, self.normal), seed),
            collectives.uniform((count, self.uniform), seed, -1.0, 1.0),
        ]
        for size in self.categories:
            chosen = tf.math.floor(size * collectives.uniform((count,), seed))
            parts.append(tf.one_hot(tf.cast(chosen, tf.int32), size))
        latents = tf.concat(parts, -1)
        return latents if self.mapping is None else tf.cast(self.mapping(latents), latents.dtype)

    def log_prob(self, latents: Tensor) -> Tensor:
        """Log-density (log-probability, for categories) of latents (n, d) in nats, one per event, (n,)."""
        self._refuse_mapping()
        normal, _, *_ = self.split(latents)
        density = -0.5 * tf.reduce_sum(tf.square(normal) + math.log(2.0 * math.pi), -1)
        return density - self.uniform * math.log(2.0) - sum(map(math.log, self.categories))

    @property
    def entropy(self) -> float:
        """Entropy of the prior in nats."""
        self._refuse_mapping()
        normal = self.normal * 0.5 * math.log(2.0 * math.pi * math.e)
        return normal + self.uniform * math.log(2.0) + sum(map(math.log, self.categories))

    def _refuse_mapping(self) -> None:
        if self.mapping is not None:
            raise ValueError("the density of a learnt prior is not known")
