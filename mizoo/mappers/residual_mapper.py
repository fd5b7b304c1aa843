"""Mappers of the residual between the target and a reference that the condition gives."""

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.tracing import shared
from mizoo.mappers.base import Wrapped
from mizoo.physics import planar

_SPREAD = 1.5  # of asinh(residual / its median): distributions with a narrow peak and wide tails
# References on a line are clipped: beyond are momenta that the coordinates of the target do not reach.
_REFERENCE_BOUND = 3.0


class _Shifted:
    """The inner mapper's distribution, moved to the reference."""

    def __init__(self, residual, inner, reference):
        self._residual = residual
        self._inner = inner
        self._reference = reference
        self.latent = getattr(inner, "latent", None)

    def sample(self):
        return self._residual.inverse(self._inner.sample(), self._reference)

    def log_prob(self, target):
        residual, log_slope = self._residual.forward(target, self._reference)
        log_prob = self._inner.log_prob(residual)
        return log_prob + log_slope if self._residual.has_exact_log_prob else log_prob


@serialisable
class ResidualMapper(Wrapped):
    """Another mapper, of the residual between the target and the condition.

    Both spaces have the same objects, so that the condition in the coordinates of the target is a reference
    for it (the residual networks of OTUS, arXiv 2101.08944). Residuals Δ have narrow peaks and wide tails.
    The inner mapper sees v with Δ = scale sinh(1.5 v), continued as a straight line from where the slope is
    1, so that small errors stay small in the tails. Azimuths have 2 tan(Δ/2) in place of Δ and no straight
    part. In a cycle the target is the condition; the inner mapper then draws the target itself.

    Args:
        mapper: from condition to residual.
        source, target: representations of condition and target, with four-momenta of the same objects as
            physical units.
        scales: of the residuals, one per component, such as their median modulus; 0 for components of which
            the condition gives no reference.
        view: layer of the target's coordinates, and of their errors by the noise that they have, if the
            inner mapper's network is to see more than the residual; the mapper is a `Diffusion`, or has
            one.

    Raises:
        ValueError: if there is not one scale of 0 or more for each component.
    """

    def __init__(self, mapper, source, target, scales, view=None, **kwargs):
        super().__init__(mapper, **kwargs)
        self.source = source
        self.target = target
        self.scales = tuple(scales)
        if len(self.scales) != self.shape[0] or min(self.scales) < 0.0:
            raise ValueError(f"scales must be {self.shape[0]} numbers of 0 or more, not {list(scales)}")
        self.view = view
        self._scale = np.array([scale or 1.0 for scale in scales], "float32")
        self._has_reference = np.array(scales) > 0.0
        self._circular = np.isin(np.arange(len(scales)), target.circles)
        # Where the slope is 1, in units of the scale: there the straight part begins.
        steepest = np.maximum(1.0 / (_SPREAD * self._scale), 1.0)
        self._edge = np.where(self._circular, np.inf, np.sqrt(steepest**2 - 1.0)).astype("float32")
        self._reference = shared(self._of_same_event)

    def distribution(self, condition, noise=None, training=None):
        reference = self._reference(condition, training=training)
        features = self._features(lambda residual: self.inverse(residual, reference), self.slope, training)
        return _Shifted(
            self, self.mapper.distribution(condition, noise=noise, training=training, **features), reference
        )

    def decode_latent(self, given, training=None):
        features = self._features(tf.identity, tf.ones_like, training)
        return self.mapper.decode_latent(given, training=training, **features)

    def _features(self, invert, slope, training):
        if self.view is None:
            return {}
        return {
            "features": lambda residual, noise: self.view(
                invert(residual), noise * slope(residual), training=training
            )
        }

    def forward(self, target, reference):
        """What the inner mapper draws, and the logarithm of its slope in the target, (n,)."""
        gap = tf.cast(target, tf.float32) - reference
        half = planar.wrap(gap) / 2.0
        gap = tf.where(self._circular, 2.0 * tf.tan(half), gap)
        line = gap / self._scale
        curved = tf.minimum(tf.abs(line), self._edge)
        steep = tf.sqrt(1.0 + tf.square(curved))
        residual = tf.sign(line) * (planar.asinh(curved) + (tf.abs(line) - curved) / steep) / _SPREAD
        slope = -tf.math.log(_SPREAD * self._scale) - tf.math.log(steep)
        slope -= tf.where(self._circular, 2.0 * tf.math.log(tf.abs(tf.cos(half)) + 1e-6), 0.0)
        residual = tf.where(self._has_reference, residual, target)
        return residual, tf.reduce_sum(tf.where(self._has_reference, slope, 0.0), -1)

    def inverse(self, residual, reference):
        """The target of a residual: inverse of `forward`."""
        turns = _SPREAD * tf.abs(tf.where(self._has_reference, residual, 0.0))
        curved = tf.minimum(turns, np.arcsinh(self._edge))
        line = planar.sinh(curved) + (turns - curved) * planar.cosh(curved)
        gap = self._scale * tf.sign(residual) * line
        gap = tf.where(self._circular, 2.0 * tf.atan(gap / 2.0), gap)
        moved = reference + gap
        moved = tf.where(self._circular, planar.wrap(moved), moved)
        return tf.where(self._has_reference, moved, residual)

    def slope(self, residual):
        """Derivatives (n, d) of the target by the residual."""
        turns = _SPREAD * tf.abs(residual)
        gap = _SPREAD * self._scale * planar.cosh(tf.minimum(turns, np.arcsinh(self._edge)))
        half = self._scale * planar.sinh(tf.where(self._circular, turns, 0.0)) / 2.0
        gap = tf.where(self._circular, gap / (1.0 + tf.square(half)), gap)
        return tf.where(self._has_reference, gap, 1.0)

    def _of_same_event(self, condition):
        reference = tf.cast(self.target(self.source.inverse(condition)), tf.float32)
        return tf.where(
            self._circular, reference, tf.clip_by_value(reference, -_REFERENCE_BOUND, _REFERENCE_BOUND)
        )
