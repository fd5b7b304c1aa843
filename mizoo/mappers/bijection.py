"""Invertible mappers: flows whose noise is the other space."""

import math
from typing import Any

import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Shape, Tensor
from mizoo.mappers.base import Mapper
from mizoo.mappers.conditional import Conditional
from mizoo.mappers.flow import Flow, FlowDistribution


class PointMass(Conditional):
    """A point mass at the image of the condition."""

    def __init__(self, value: Tensor) -> None:
        self._value = value

    def sample(self) -> Tensor:
        return self._value

    def log_prob(self, target: Tensor) -> Tensor:
        raise ValueError("a bijection has no likelihood given its condition; use MaximumLikelihood")


@serialisable
class Bijection(Mapper):
    """A flow that maps z to x one to one or, inverted, x to z; both mappers may share the flow.

    The two directions are exact inverses of each other, so that reconstruction needs no term. If the
    conditions follow the flow's base distribution, the change of variables gives the density of the draws.

    Args:
        flow: unconditional `Flow` to the space of x.
        inverse: whether to map x to z instead.
    """

    kind = "invertible"
    excluded_from_config = ("shape",)

    def __init__(self, flow: Flow, inverse: bool = False, **kwargs: Any) -> None:
        super().__init__((math.prod(flow.shape),) if inverse else flow.shape, **kwargs)
        self.flow = flow
        self.inverse = inverse

    def build(self, condition_shape: BatchShape) -> None:
        expected = self.flow.shape if self.inverse else (math.prod(self.flow.shape),)
        if tuple(condition_shape[1:]) != tuple(expected):
            raise ValueError(
                f"a bijection to {self.shape} maps from {expected}, not from {tuple(condition_shape[1:])}"
            )
        build(self.flow, (None, 1))
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> None:
        return None

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> PointMass:
        self.draw(condition, noise)  # raises an error if noise is given
        if self.inverse:
            return PointMass(self._unconditional(condition, None, training).noise_of(condition))
        return PointMass(self._unconditional(condition, condition, training).sample())

    def density(self, target: Tensor) -> Tensor:
        """Log-density of draws at `target` (n, …) in nats, one per event, (n,).

        Raises:
            ValueError: if inverted, as the distribution of x is not known.
        """
        if self.inverse:
            raise ValueError("an inverted bijection has the density of the data, which is not known")
        return self._unconditional(target, None, None).log_prob(target)

    def _unconditional(
        self, events: Tensor, noise: Tensor | None, training: bool | None
    ) -> FlowDistribution:
        return self.flow.distribution(tf.zeros((tf.shape(events)[0], 1)), noise=noise, training=training)
