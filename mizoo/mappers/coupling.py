"""Coupling layers of rational-quadratic splines, on lines and circles."""

import functools
import math

import keras
import numpy as np
import tensorflow as tf

from mizoo.mappers.spline import bend
from mizoo.representations import planar
from mizoo.serialisation import build, serialisable

_LEAST_BIN = 0.02
_LEAST_SLOPE = 1e-3


@serialisable
class SplineCoupling(keras.layers.Layer):
    """A coupling layer: half of the components bend the others by rational-quadratic splines.

    After Neural Spline Flows (arXiv 1906.04032). Outside ±`bound` it is the identity, as is the
    whole layer before training. Components that are angles have the period 2 `bound`; they are also
    turned, as on tori (arXiv 2002.02428).

    Args:
        components: number of components.
        angles: indices of the components that are angles.
        units: of the two hidden layers.
        bins: of a spline.
        bound: of the square in which the splines bend.
        shuffle: seed that chooses the halves.
        exact: whether to compute in double precision.
    """

    def __init__(
        self, components, angles=(), units=128, bins=8, bound=6.0, shuffle=0, exact=False, **kwargs
    ):
        super().__init__(**kwargs)
        self.components = components
        self.angles = tuple(angles)
        self.units = units
        self.bins = bins
        self.bound = bound
        self.shuffle = shuffle
        self.exact = exact
        order = np.random.default_rng(shuffle).permutation(components)
        self._order = np.concatenate([np.sort(half) for half in np.split(order, [components // 2])])
        self.hidden = [keras.layers.Dense(units) for _ in range(2)]
        self.knots = keras.layers.Dense(
            (components - components // 2) * 3 * bins, kernel_initializer="zeros"
        )

    def build(self, values_shape, context_shape):
        build(self.hidden[0], (None, 2 * (self.components // 2) + context_shape[-1]))
        build(self.hidden[1], (None, self.units))
        build(self.knots, (None, self.units))
        self.built = True

    def call(self, values, context, inverse=False, training=False):
        """Bend `values` (back, if `inverse`): the values, and log |determinant| of what was done."""
        dtype = tf.float64 if self.exact else values.dtype
        layers = (*self.hidden, self.knots)
        weights = [tf.cast(w.value, dtype) for layer in layers for w in (layer.kernel, layer.bias)]
        couple = _shared(self.components, self.units, self.bins, context.shape[-1], bool(training))
        bent, change = couple(
            tf.cast(values, dtype), tf.cast(context, dtype), tf.constant(self._order),
            tf.constant(np.isin(self._order, self.angles)[:, None]), weights, self.bound, inverse,
        )  # fmt: skip
        return tf.cast(bent, values.dtype), tf.cast(change, values.dtype)


def _couple(values, context, order, angular, weights, bound, inverse):
    """The map of a coupling layer, as a function of all it depends on.

    Args:
        order: the components kept, then those bent.
        angular: which of these are angles.
        weights: kernels and biases of the two hidden layers and of the knots'.
    """
    half = values.shape[1] // 2
    values = tf.gather(tf.transpose(values), order)
    kept, bent = values[:half], values[half:]
    angles = kept * (math.pi / bound)  # for the network to see no seam
    seen = [
        tf.where(angular[:half], tf.cos(angles), kept),
        tf.where(angular[:half], tf.sin(angles), 0.0),
        tf.transpose(context),
    ]
    first = tf.nn.silu(_dense(tf.concat(seen, 0), *weights[:2]))
    second = tf.nn.silu(_dense(first, *weights[2:4]))
    knots = _knots(first + second, *weights[4:], bent.shape[0])
    bent, change = _bend(bent, knots, angular[half:], bound, inverse)
    return tf.transpose(tf.gather(tf.concat([kept, bent], 0), tf.argsort(order))), change


def _dense(features, kernel, bias):
    return tf.matmul(kernel, features, transpose_a=True) + bias[:, None]


def _knots(features, kernel, bias, components):
    """What splines follow from, (3 × bins, components, n): so that all of one kind lies together."""
    kinds = bias.shape[0] // components
    kernel = tf.reshape(kernel, (kernel.shape[0], components, kinds))
    kernel = tf.reshape(tf.transpose(kernel, (0, 2, 1)), (kernel.shape[0], -1))
    bias = tf.reshape(tf.transpose(tf.reshape(bias, (components, kinds))), (-1,))
    return tf.reshape(_dense(features, kernel, bias), (kinds, components, -1))


def _bend(values, knots, turns, bound, inverse):
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


def _sizes(logits, bound):
    """Sizes (bins, …) of bins: a softmax along the first axis, for which `tf.nn.softmax` takes longer."""
    powers = tf.exp(logits - tf.stop_gradient(tf.reduce_max(logits, 0)))
    free = 2.0 * bound - logits.shape[0] * _LEAST_BIN
    return powers * (free / tf.reduce_sum(powers, 0)) + _LEAST_BIN


def _turn(values, turn, turns, bound):
    return tf.where(turns, planar.wrap(values + turn, bound), values)


@functools.cache
def _shared(components, units, bins, context, training):
    """One graph function for all couplings of a size.

    A spline is hundreds of small operations: so there is one copy of them in a SavedModel, and in
    training one compilation. At inference, where batches have any size, it would be compiled too often.
    """
    return tf.function(_couple, jit_compile=training, reduce_retracing=not training)
