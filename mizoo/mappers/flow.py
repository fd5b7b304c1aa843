"""Conditional normalising flows, with bijectors of TensorFlow Probability."""

import math

import keras
import numpy as np
import tensorflow as tf

from mizoo.mappers.base import Mapper
from mizoo.mappers.coupling import SplineCoupling
from mizoo.networks.dropout import Dropout
from mizoo.serialisation import build, serialisable

# The first couplings bend hardest, as a circle to a narrow peak, which makes an error of 1e-6 one of 1e-4.
_EXACT = 2


class _Pushed:
    """The law of noise pushed through couplings, given a context."""

    def __init__(self, flow, context, noise, training):
        self._flow = flow
        self._training = training
        self.latent = context
        self._noise = noise

    def sample(self):
        values = self._flow.base(self._noise())
        for coupling in self._flow.chain:
            values, _ = coupling(values, self.latent, training=self._training)
        return tf.reshape(values * self._flow.unit, (-1, *self._flow.shape))

    def noise_of(self, target):
        """The noise that `target` is made from."""
        values, _ = self._pulled(target)
        return self._flow.unbase(values)

    def log_prob(self, target):
        values, change = self._pulled(target)
        return change + tf.reduce_sum(self._flow.base_log_prob(values), -1)

    def _pulled(self, target):
        """Base values of a target, and the log-determinant of the way there."""
        flow = self._flow
        values = tf.reshape(tf.cast(target, tf.float32), (-1, len(flow.unit))) / flow.unit
        total = -np.log(flow.unit).sum()
        for coupling in reversed(flow.chain):
            values, change = coupling(values, self.latent, inverse=True, training=self._training)
            total += change
        return values, total


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

    kind = "flow"

    def __init__(
        self, shape, angles=(), couplings=8, units=128, bins=8, bound=6.0, dropout=0.0, view=None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(shape, **kwargs)
        self.angles = tuple(angles)
        self.couplings = couplings
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
                Dropout(dropout),
                keras.layers.Dense(2 * units, activation="silu"),
                Dropout(dropout),
                keras.layers.Dense(units // 2),
            ],
            name="context",
        )
        self.chain = [
            SplineCoupling(components, self.angles, units, bins, bound, shuffle=i, exact=i < _EXACT)
            for i in range(couplings)
        ]

    def build(self, condition_shape):
        if self.view is not None:
            build(self.view, condition_shape)
            condition_shape = self.view.compute_output_shape(condition_shape)
        build(self.context, condition_shape)
        for coupling in self.chain:
            build(coupling, (None, math.prod(self.shape)), (None, self.units // 2))
        self.built = True

    def noise_shape(self, condition_shape):
        return (math.prod(self.shape),)

    def base(self, noise):
        """Standard normal noise to the base law: normal, and uniform for angles."""
        return tf.where(self._angular, self.bound * tf.math.erf(noise / math.sqrt(2.0)), noise)

    def unbase(self, values):
        """Inverse of `base`."""
        share = tf.clip_by_value(values / self.bound, -1.0 + 1e-7, 1.0 - 1e-7)
        return tf.where(self._angular, math.sqrt(2.0) * tf.math.erfinv(share), values)

    def base_log_prob(self, values):
        """Log-density of the base law, component by component."""
        normal = -0.5 * (tf.square(values) + math.log(2.0 * math.pi))
        return tf.where(self._angular, -math.log(2.0 * self.bound), normal)

    def given(self, condition, noise=None, training=None):
        seen = condition if self.view is None else self.view(condition, training=training)
        context = self.context(seen, training=training)
        return _Pushed(self, context, self.draw(condition, noise), training)
