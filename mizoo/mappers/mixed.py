"""Mappers of targets with continuous and binary components."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Shape, Tensor
from mizoo.mappers.base import Mapper
from mizoo.mappers.conditional import Conditional
from mizoo.representations.object_sets import ObjectSets


class MixedDistribution(Conditional):
    """p(binary | condition) p(continuous | condition, binary)."""

    def __init__(
        self,
        logits: Tensor,
        kernel: Tensor,
        representation: ObjectSets,
        continuous: Callable[[Tensor], Conditional],
        noise: Callable[[], Tensor],
    ) -> None:
        self._logits = tf.unstack(logits, axis=1)
        self._kernel = kernel
        self._representation = representation
        self._continuous = continuous
        self._noise = noise

    def sample(self) -> Tensor:
        below = 0.5 * (1.0 + tf.math.erf(self._noise() / math.sqrt(2.0)))
        binary: list[Tensor] = []
        for place, uniform in enumerate(tf.unstack(below, axis=1)):
            least, most = self._representation.bounds(binary)
            drawn = tf.cast(uniform < tf.sigmoid(self._logit(place, binary)), "float32")
            binary.append(tf.maximum(least, tf.minimum(drawn, most)))
        both = tf.stack(binary, 1)
        return tf.concat([self._continuous(both).sample(), both], -1)

    def log_prob(self, target: Tensor) -> Tensor:
        count = len(self._logits)
        both = tf.cast(target[:, -count:], "float32")
        binary = tf.unstack(both, axis=1)
        found = self._continuous(both).log_prob(target[:, :-count])
        for place, value in enumerate(binary):
            least, most = self._representation.bounds(binary[:place])
            free = tf.cast(tf.greater(most, least), "float32")
            logit = self._logit(place, binary[:place])
            found -= free * tf.nn.sigmoid_cross_entropy_with_logits(labels=value, logits=logit)
        return found

    def _logit(self, place: int, before: list[Tensor]) -> Tensor:
        logit = self._logits[place]
        if before:
            logit += tf.linalg.matvec(tf.stack(before, 1), self._kernel[place, : len(before)])
        return logit


@serialisable
class Mixed(Mapper):
    """A mapper of coordinates that end with binary ones, which it draws first.

    The logit of each binary component is a number from a network of the condition plus a linear function of
    the binary components before it (a fully visible belief network, Frey 1998). Components that are not
    free, see `ObjectSets.bounds`, are not drawn.

    Args:
        mapper: mapper from condition and binary components to the continuous ones.
        network: network from condition to one number per binary component.
        representation: representation of the target.
    """

    excluded_from_config = ("shape",)

    def __init__(self, mapper: Mapper, network: Network, representation: ObjectSets, **kwargs: Any) -> None:
        super().__init__(representation.shape, **kwargs)
        self.mapper = mapper
        self.network = network
        self.representation = representation

    @property
    def has_exact_log_prob(self) -> bool:
        return self.mapper.has_exact_log_prob

    @property
    def kind(self) -> str:
        return self.mapper.kind

    def build(self, condition_shape: BatchShape) -> None:
        count = self.representation.binaries
        build(self.network, condition_shape)
        build(self.mapper, (condition_shape[0], math.prod(condition_shape[1:]) + count))
        self.kernel = self.add_weight((count, count), "zeros", name="kernel")
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> Shape:
        count = self.representation.binaries
        inner = self.mapper.noise_shape((math.prod(condition_shape) + count,)) or (0,)
        return (inner[0] + count,)

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> MixedDistribution:
        logits = keras.ops.cast(self.network(condition, training=training), "float32")
        count = self.representation.binaries
        drawn: list[Tensor] = []

        def own() -> Tensor:
            """The noise, drawn once."""
            drawn.extend([] if drawn else [self.draw(condition, noise)()])
            return drawn[0]

        def continuous(binary: Tensor) -> Conditional:
            both = tf.concat([tf.cast(condition, tf.float32), binary], -1)
            rest = None if noise is None else own()[:, :-count]
            return self.mapper.distribution(both, noise=rest, training=training)

        return MixedDistribution(
            logits, self.kernel, self.representation, continuous, lambda: own()[:, -count:]
        )
