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
    """A coupling layer: components of a mask are bent by rational-quadratic splines, given all others.

    After Neural Spline Flows (arXiv 1906.04032). Outside ±`bound` it is the identity, as is the
    whole layer before training. Components that are angles have the period 2 `bound`; they are also
    turned, as on tori (arXiv 2002.02428).

    Values, splines and log-determinants are in at least single precision, whatever the precision policy; it
    decides in what the matrices are multiplied.

    Args:
        components: number of components.
        mask: indices of the components that are transformed, given the others and the context. A single
            component is transformed given the context alone.
        angles: indices of the components that are angles.
        units: of the two hidden layers.
        bins: of a spline.
        bound: of the square in which the splines bend.
        exact: whether to compute in double precision, matrices included.

    Raises:
        ValueError: for indices that are out of range or given twice, and for a mask of no component or, if
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
        """A coupling of what `get_config` gave, or of its former seed `shuffle` in place of the mask."""
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
        """Bend `values` (n, d), back if `inverse`, given `context` (n, c).

        Returns:
            The bent values (n, d), and log |determinant| of what was done, (n,).
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
    """The map of a coupling layer, as a function of all it depends on.

    Args:
        kept: number of components that are kept.
        order: the components kept, then those bent.
        angular: which of these are angles.
        weights: kernels and biases of the two hidden layers and of the knots'.
    """
    values = tf.gather(tf.transpose(values), order)
    # XLA knows no gradient of arrays of no elements.
    given: Tensor = values[:kept] if kept else None
    bent: Tensor = values[kept:] if kept else values
    seen = [tf.transpose(context)]
    if kept:
        angles = given * (math.pi / bound)  # for the network to see no seam
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
    """What splines follow from, (3 × bins, components, n): so that all of one kind lies together."""
    kinds = bias.shape[0] // components
    kernel = tf.reshape(kernel, (kernel.shape[0], components, kinds))
    kernel = tf.reshape(tf.transpose(kernel, (0, 2, 1)), (kernel.shape[0], -1))
    bias = tf.reshape(tf.transpose(tf.reshape(bias, (components, kinds))), (-1,))
    return tf.reshape(_dense(features, kernel, bias), (kinds, components, -1))


def _bend(
    values: Tensor, knots: Tensor, turns: Tensor, bound: float, inverse: bool
) -> tuple[Tensor, Tensor]:
    """Splines, and turns where `turns`, of values (k, n) by knots (3 × bins, k, n)."""
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
    """Sizes (bins, …) of bins: a softmax along the first axis, for which `tf.nn.softmax` takes longer."""
    powers = tf.exp(logits - tf.stop_gradient(tf.reduce_max(logits, 0)))
    free = 2.0 * bound - logits.shape[0] * _LEAST_BIN
    return powers * (free / tf.reduce_sum(powers, 0)) + _LEAST_BIN


def _turn(values: Tensor, turn: Tensor, turns: Tensor, bound: float) -> Tensor:
    return tf.where(turns, planar.wrap(values + turn, bound), values)


@functools.cache
def _shared(
    components: int, kept: int, units: int, bins: int, context: int, product: tf.DType, training: bool
) -> Callable[..., tuple[Tensor, Tensor]]:
    """One graph function for all couplings of a size.

    A spline is hundreds of small operations: so there is one copy of them in a SavedModel, and in
    training one compilation. At inference, where batches have any size, it would be compiled too often.
    """
    couple = functools.partial(_couple, kept)
    shared: Callable[..., tuple[Tensor, Tensor]] = tf.function(
        couple, jit_compile=training, reduce_retracing=not training
    )
    return shared
