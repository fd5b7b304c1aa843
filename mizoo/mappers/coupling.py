"""Coupling layers of rational-quadratic splines, on lines and circles."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Config, Tensor
from mizoo.mappers.components import indices
from mizoo.mappers.masks import by_seed
from mizoo.mappers.spline import bend
from mizoo.physics import planar

_LEAST_BIN = 0.02
_LEAST_SLOPE = 1e-3


@serialisable
class SplineCoupling(keras.layers.Layer):
    """A coupling layer: rational-quadratic splines transform masked components, given all others.

    After Neural Spline Flows (arXiv 1906.04032). The layer is the identity outside ±`bound`, and everywhere
    before training. Components that are angles have the period 2 `bound` and are also rotated, as on tori
    (arXiv 2002.02428).

    Values, splines and log-determinants are in at least single precision. The precision policy applies to
    the matrix products only.

    Args:
        components: number of components.
        mask: indices of the components to transform, given the others and the context. A single component
            is transformed given the context alone.
        angles: indices of the components that are angles.
        units: units of the two hidden layers.
        bins: bins per spline.
        bound: half the width of the square in which the splines act.
        exact: whether to compute in double precision, matrix products included.

    Raises:
        ValueError: for indices that are out of range or repeated, and for a mask of no component or, if
            there are several, of all.
    """

    def __init__(
        self, components: int, mask: Sequence[int], angles: Sequence[int] = (), units: int = 128,
        bins: int = 8, bound: float = 6.0, exact: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs, autocast=False)
        self.components = components
        self.mask = tuple(sorted(indices("mask", mask, components)))
        self.angles = indices("angles", angles, components)
        self.units = units
        self.bins = bins
        self.bound = bound
        self.exact = exact
        if not self.mask or len(self.mask) == components > 1:
            raise ValueError(
                f"mask must have some of {components} components, not all and not none: {list(mask)}"
            )
        kept = [i for i in range(components) if i not in self.mask]
        self._order = np.array([*kept, *self.mask])
        self._kept = len(kept)
        self.hidden = [keras.layers.Dense(units) for _ in range(2)]
        self.knots = keras.layers.Dense(len(self.mask) * 3 * bins, kernel_initializer="zeros")

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A coupling from its configuration, or from a former one with a seed `shuffle` as the mask."""
        former = dict(config)
        if "shuffle" in former:
            former["mask"] = by_seed(former["components"], former.pop("shuffle"))
        return cls(**former)

    def build(self, values_shape: BatchShape, context_shape: BatchShape) -> None:
        build(self.hidden[0], (None, 2 * self._kept + math.prod(context_shape[1:])))
        build(self.hidden[1], (None, self.units))
        build(self.knots, (None, self.units))
        self.built = True

    def call(
        self, values: Tensor, context: Tensor, inverse: bool = False, training: bool | None = False
    ) -> tuple[Tensor, Tensor]:
        """Transform `values` (n, d) given `context` (n, c), inversely if `inverse`.

        Returns:
            The transformed values (n, d), and the log |determinant| of the transformation, (n,).
        """
        dtype = tf.float64 if self.exact else values.dtype
        product = dtype if self.exact else tf.as_dtype(self.compute_dtype)
        layers = (*self.hidden, self.knots)
        weights = [tf.cast(w.value, product) for layer in layers for w in (layer.kernel, layer.bias)]
        couple = _shared(
            self.components, self._kept, self.units, self.bins, context.shape[-1], product, bool(training)
        )
        bent, change = couple(
            tf.cast(values, dtype), tf.cast(context, product), tf.constant(self._order),
            tf.constant(np.isin(self._order, self.angles)[:, None]), weights, self.bound, inverse,
        )  # fmt: skip
        return tf.cast(bent, values.dtype), tf.cast(change, values.dtype)


def _couple(
    kept: int, values: Tensor, context: Tensor, order: Tensor, angular: Tensor, weights: list[Tensor],
    bound: float, inverse: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The map of a coupling layer, as a function of all that it depends on.

    Args:
        kept: number of components that are kept.
        order: indices of the components that are kept, then of those that are transformed.
        angular: which of these are angles, (d, 1).
        weights: kernels and biases of the two hidden layers and of the layer of knots.
    """
    values = tf.gather(tf.transpose(values), order)
    # XLA cannot differentiate empty arrays.
    given: Tensor = values[:kept] if kept else None
    bent: Tensor = values[kept:] if kept else values
    seen = [tf.transpose(context)]
    if kept:
        angles = given * (math.pi / bound)  # cosine and sine do not jump at ±π
        cosines = tf.where(angular[:kept], tf.cos(angles), given)
        seen = [cosines, tf.where(angular[:kept], tf.sin(angles), 0.0), *seen]
    first = tf.nn.silu(_dense(tf.concat([tf.cast(s, context.dtype) for s in seen], 0), *weights[:2]))
    second = tf.nn.silu(_dense(first, *weights[2:4]))
    knots = tf.cast(_knots(first + second, weights[4], weights[5], bent.shape[0]), values.dtype)
    bent, change = _bend(bent, knots, angular[kept:], bound, inverse)
    values = tf.concat([given, bent], 0) if kept else bent
    return tf.transpose(tf.gather(values, tf.argsort(order))), change


def _dense(features: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    return tf.matmul(kernel, features, transpose_a=True) + bias[:, None]


def _knots(features: Tensor, kernel: Tensor, bias: Tensor, components: int) -> Tensor:
    """Parameters of splines, (3 × bins, components, n), with those of one kind contiguous."""
    kinds = bias.shape[0] // components
    kernel = tf.reshape(kernel, (kernel.shape[0], components, kinds))
    kernel = tf.reshape(tf.transpose(kernel, (0, 2, 1)), (kernel.shape[0], -1))
    bias = tf.reshape(tf.transpose(tf.reshape(bias, (components, kinds))), (-1,))
    return tf.reshape(_dense(features, kernel, bias), (kinds, components, -1))


def _bend(
    values: Tensor, knots: Tensor, turns: Tensor, bound: float, inverse: bool
) -> tuple[Tensor, Tensor]:
    """Transform values (k, n) by splines with knots (3 × bins, k, n), and rotate those where `turns`."""
    bins = knots.shape[0] // 3
    widths, heights, slopes, turn = tf.split(knots, [bins, bins, bins - 1, 1])
    turn = tf.where(turns, bound * turn[0], 0.0)
    unit_slope = math.log(math.expm1(1.0 - _LEAST_SLOPE))
    spline = (
        _sizes(widths, bound),
        _sizes(heights, bound),
        tf.nn.softplus(slopes + unit_slope) + _LEAST_SLOPE,
        -bound,
    )
    if inverse:
        values = _turn(values, -turn, turns, bound)
    bent, change = bend(values, *spline, inverse)
    return bent if inverse else _turn(bent, turn, turns, bound), tf.reduce_sum(change, 0)


def _sizes(logits: Tensor, bound: float) -> Tensor:
    """Sizes (bins, …) of bins: a softmax along the first axis, where `tf.nn.softmax` is slower."""
    powers = tf.exp(logits - tf.stop_gradient(tf.reduce_max(logits, 0)))
    free = 2.0 * bound - logits.shape[0] * _LEAST_BIN
    return powers * (free / tf.reduce_sum(powers, 0)) + _LEAST_BIN


def _turn(values: Tensor, turn: Tensor, turns: Tensor, bound: float) -> Tensor:
    return tf.where(turns, planar.wrap(values + turn, bound), values)


@functools.cache
def _shared(
    components: int, kept: int, units: int, bins: int, context: int, product: tf.DType, training: bool
) -> Callable[..., tuple[Tensor, Tensor]]:
    """One graph function for all couplings of one size.

    A spline takes hundreds of small operations. With a shared graph, a SavedModel has one copy of them and
    training compiles them once. Inference does not compile them, as it would for every batch size.
    """
    couple = functools.partial(_couple, kept)
    shared: Callable[..., tuple[Tensor, Tensor]] = tf.function(
        couple, jit_compile=training, reduce_retracing=not training
    )
    return shared
