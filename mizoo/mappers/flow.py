"""Conditional normalising flows, with bijectors of TensorFlow Probability."""

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.mappers.base import Mapper
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
    """

    def __init__(self, components, angles=(), units=128, bins=8, bound=6.0, shuffle=0, **kwargs):
        super().__init__(**kwargs)
        self.components = components
        self.angles = tuple(angles)
        self.units = units
        self.bins = bins
        self.bound = bound
        self.shuffle = shuffle
        order = np.random.default_rng(shuffle).permutation(components)
        self._order = np.concatenate([np.sort(half) for half in np.split(order, [components // 2])])
        self.hidden = [keras.layers.Dense(units) for _ in range(2)]
        self.knots = keras.layers.Dense(
            (components - components // 2) * 3 * bins, kernel_initializer="zeros"
        )

    def get_config(self):
        return {
            **super().get_config(),
            "components": self.components,
            "angles": list(self.angles),
            "units": self.units,
            "bins": self.bins,
            "bound": self.bound,
            "shuffle": self.shuffle,
        }

    def build(self, values_shape, context_shape):
        build(self.hidden[0], (None, 2 * (self.components // 2) + context_shape[-1]))
        build(self.hidden[1], (None, self.units))
        build(self.knots, (None, self.units))
        self.built = True

    def call(self, values, context, inverse=False, training=False):
        """Bend `values` (back, if `inverse`): the values, and log |determinant| of what was done."""
        weights = [w.value for layer in (*self.hidden, self.knots) for w in (layer.kernel, layer.bias)]
        couple = _compiled_couple if training else _couple
        return couple(
            values, tf.cast(context, values.dtype), tf.constant(self._order),
            tf.constant(np.isin(self._order, self.angles)), weights, self.bound, inverse,
        )  # fmt: skip


def _couple(values, context, order, angular, weights, bound, inverse):
    """The map of a coupling layer, as a function of all it depends on.

    Args:
        order: the components kept, then those bent.
        angular: which of these are angles.
        weights: kernels and biases of the two hidden layers and of the knots'.
    """
    half = values.shape[1] // 2
    values = tf.gather(values, order, axis=1)
    kept, bent = values[:, :half], values[:, half:]
    angles = kept * (math.pi / bound)  # for the network to see no seam
    seen = [
        tf.where(angular[:half], tf.cos(angles), kept),
        tf.where(angular[:half], tf.sin(angles), 0.0),
        context,
    ]
    first = tf.nn.silu(tf.concat(seen, -1) @ weights[0] + weights[1])
    second = tf.nn.silu(first @ weights[2] + weights[3])
    knots = tf.reshape(
        (first + second) @ weights[4] + weights[5],
        (-1, bent.shape[1], weights[5].shape[0] // bent.shape[1]),
    )
    bent, change = _bend(bent, knots, angular[half:], bound, inverse)
    return tf.gather(tf.concat([kept, bent], -1), tf.argsort(order), axis=1), change


def _bend(values, knots, turns, bound, inverse):
    """Splines, and turns where `turns`, of values (n, k) by knots (n, k, 3 × bins)."""
    bins = knots.shape[-1] // 3
    widths, heights, slopes, turn = tf.split(knots, [bins, bins, bins - 1, 1], -1)
    turn = tf.where(turns, bound * turn[..., 0], 0.0)
    free = 2.0 * bound - bins * _LEAST_BIN
    unit_slope = math.log(math.expm1(1.0 - _LEAST_SLOPE))
    spline = tfp.bijectors.RationalQuadraticSpline(
        bin_widths=tf.nn.softmax(widths) * free + _LEAST_BIN,
        bin_heights=tf.nn.softmax(heights) * free + _LEAST_BIN,
        knot_slopes=tf.nn.softplus(slopes + unit_slope) + _LEAST_SLOPE,
        range_min=-bound,
    )
    if inverse:
        values = _turn(values, -turn, turns, bound)
        return spline.inverse(values), tf.reduce_sum(spline.inverse_log_det_jacobian(values, 0), -1)
    bent, change = spline.forward(values), spline.forward_log_det_jacobian(values, 0)
    return _turn(bent, turn, turns, bound), tf.reduce_sum(change, -1)


def _turn(values, turn, turns, bound):
    turned = tf.math.floormod(values + turn + bound, 2.0 * bound) - bound
    return tf.where(turns, turned, values)


# A spline is hundreds of small operations. A coupling compiled alone, not with the step around it, is compiled
# once for all; at inference, where batches have any size, it would be compiled too often.
_compiled_couple = tf.function(_couple, jit_compile=True)


class _Pushed:
    """The law of noise pushed through couplings, given a context."""

    def __init__(self, flow, context, noise, training):
        self._flow = flow
        self._training = training
        self._context = context
        self._noise = noise

    def sample(self):
        values = self._flow.base(self._noise())
        for coupling in self._flow.couplings:
            values, _ = coupling(values, self._context, training=self._training)
        return tf.reshape(values * self._flow.unit, (-1, *self._flow.shape))

    def log_prob(self, target):
        flow = self._flow
        values = tf.reshape(tf.cast(target, tf.float32), (-1, len(flow.unit))) / flow.unit
        total = -np.log(flow.unit).sum()
        for coupling in reversed(flow.couplings):
            values, change = coupling(values, self._context, inverse=True, training=self._training)
            total += change
        return total + tf.reduce_sum(flow.base_log_prob(values), -1)


@serialisable
class Flow(Mapper):
    """A conditional coupling flow: exact likelihood and one-pass, differentiable samples.

    Args:
        shape: of one target.
        angles: indices of components that are angles in [-π, π).
        couplings: number of `SplineCoupling` layers.
        units: of the hidden layers; the network of the context has twice as many.
        bins, bound: of the splines.
        dropout: rate at which the context's features are dropped in training.
        view: layer applied to the condition first, if any.
    """

    def __init__(
        self, shape, angles=(), couplings=8, units=128, bins=8, bound=6.0, dropout=0.0, view=None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(shape, **kwargs)
        self.angles = tuple(angles)
        self.units = units
        self.bins = bins
        self.bound = bound
        self.dropout = dropout
        self.view = view
        components = math.prod(self.shape)
        self._angular = np.isin(np.arange(components), self.angles)
        # What one unit inside the flow is outside: there, angles have the period 2 bound.
        self.unit = np.where(self._angular, math.pi / bound, 1.0).astype("float32")
        self.context = keras.Sequential(
            [
                keras.layers.Dense(2 * units, activation="silu"),
                keras.layers.Dropout(dropout),
                keras.layers.Dense(2 * units, activation="silu"),
                keras.layers.Dropout(dropout),
                keras.layers.Dense(units // 2),
            ],
            name="context",
        )
        self.couplings = [
            SplineCoupling(components, self.angles, units, bins, bound, shuffle=i) for i in range(couplings)
        ]

    def get_config(self):
        return {
            **super().get_config(),
            "angles": list(self.angles),
            "couplings": len(self.couplings),
            "units": self.units,
            "bins": self.bins,
            "bound": self.bound,
            "dropout": self.dropout,
            "view": self.view,
        }

    def build(self, condition_shape):
        if self.view is not None:
            build(self.view, condition_shape)
            condition_shape = self.view.compute_output_shape(condition_shape)
        build(self.context, condition_shape)
        for coupling in self.couplings:
            build(coupling, (None, math.prod(self.shape)), (None, self.units // 2))
        self.built = True

    def noise_shape(self, condition_shape):
        return (math.prod(self.shape),)

    def base(self, noise):
        """Standard normal noise to the base law: normal, and uniform for angles."""
        return tf.where(self._angular, self.bound * tf.math.erf(noise / math.sqrt(2.0)), noise)

    def base_log_prob(self, values):
        """Log-density of the base law, component by component."""
        normal = -0.5 * (tf.square(values) + math.log(2.0 * math.pi))
        return tf.where(self._angular, -math.log(2.0 * self.bound), normal)

    def given(self, condition, noise=None, training=None):
        seen = condition if self.view is None else self.view(condition, training=training)
        context = self.context(seen, training=training)
        draw = (lambda: self.noise(condition)) if noise is None else lambda: noise
        return _Pushed(self, context, draw, training)
