"""Invertible mappers: a flow whose noise is the other space."""

import math

import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.mappers.base import Mapper


class _Point:
    """The one value that a condition leads to."""

    def __init__(self, value):
        self._value = value

    def sample(self):
        return self._value

    def log_prob(self, target):
        raise ValueError("a bijection has no likelihood given its condition; use MaximumLikelihood")


@serialisable
class Bijection(Mapper):
    """A flow that maps z to x one to one, or, inverted, x to z; both may share the flow.

    Draws are exact inverses of each other: reconstruction needs no term. The density of what comes out,
    where the condition follows the flow's base distribution, is known by the change of variables.

    Args:
        flow: a `Flow` to the space of x, without condition.
        inverse: map x to z instead.
    """

    kind = "invertible"
    excluded_from_config = ("shape",)

    def __init__(self, flow, inverse=False, **kwargs):
        super().__init__((math.prod(flow.shape),) if inverse else flow.shape, **kwargs)
        self.flow = flow
        self.inverse = inverse

    def build(self, condition_shape):
        expected = self.flow.shape if self.inverse else (math.prod(self.flow.shape),)
        if tuple(condition_shape[1:]) != tuple(expected):
            raise ValueError(
                f"a bijection to {self.shape} maps from {expected}, not from {tuple(condition_shape[1:])}"
            )
        build(self.flow, (None, 1))
        self.built = True

    def noise_shape(self, condition_shape):
        return None

    def distribution(self, condition, noise=None, training=None):
        self.draw(condition, noise)  # refuses noise
        if self.inverse:
            return _Point(self._unconditional(condition, None, training).noise_of(condition))
        return _Point(self._unconditional(condition, condition, training).sample())

    def density(self, target):
        """Log-density, in nats, of draws at `target` (n, …), one per event.

        Raises:
            ValueError: if inverted: the distribution of x is not known.
        """
        if self.inverse:
            raise ValueError("the density of the inverse of a flow is that of the data, which is not known")
        return self._unconditional(target, None, None).log_prob(target)

    def _unconditional(self, events, noise, training):
        return self.flow.distribution(tf.zeros((tf.shape(events)[0], 1)), noise=noise, training=training)
