"""Stochastic residual networks: the mappers of OTUS."""

from typing import Any

import keras
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Shape, Tensor
from mizoo.mappers.gaussian import normal
from mizoo.mappers.noise_injected import Deterministic, FixedScale


@serialisable
class StochasticResidual(Deterministic):
    """condition + network([condition, noise]), where the noise's distribution depends on the condition.

    The mapper of OTUS, with conditional noise and a residual connection (arXiv 2101.08944, methods). Its
    likelihood is that of `Deterministic`. Condition and target have the same shape, (d,).

    Args:
        network: network from d + `noises` numbers to d.
        noise_network: network from d numbers to 2 × `noises`: means and logarithms of standard deviations.
        shape: shape of one target.
        noises: number of noise components.
        likelihood, scale: see `Deterministic`.

    Raises:
        ValueError: as `Deterministic` does, and for conditions of another shape.
    """

    kind = "stochastic residual"

    def __init__(
        self, network: Network, noise_network: Network, shape: Shape, noises: int, **kwargs: Any
    ) -> None:
        super().__init__(network, shape, **kwargs)
        self.noise_network = noise_network
        self.noises = noises

    def build(self, condition_shape: BatchShape) -> None:
        if tuple(condition_shape[1:]) != self.shape:
            found = tuple(condition_shape[1:])
            raise ValueError(f"a residual mapper to {self.shape} adds to such conditions, not to {found}")
        build(self.noise_network, condition_shape)
        build(self.network, (None, self.shape[0] + self.noises))
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> Shape | None:
        return (self.noises,)

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> FixedScale:
        noise_distribution = normal(self.noise_network(condition, training=training))
        drawn = noise_distribution.loc + noise_distribution.scale * self.draw(condition, noise)()
        features = tf.concat([condition, drawn], -1)
        residual = keras.ops.cast(self.network(features, training=training), condition.dtype)
        return self.around(condition + residual)
