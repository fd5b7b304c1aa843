"""Mappers of the residual between the target and a reference that the condition gives."""

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.tracing import shared
from mizoo.mappers import residuals
from mizoo.mappers.base import Wrapped

# References on a line are clipped: beyond are momenta that the coordinates of the target do not reach.
_REFERENCE_BOUND = 3.0
_TELLING = 0.5  # a reference tells something of a component if it is nearer than this part of its spread


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

    The objects of the condition, in the coordinates of the target, are a reference for it (the residual
    networks of OTUS, arXiv 2101.08944); the inner mapper sees what `mizoo.mappers.residuals` makes of the
    two. In a cycle the target is the condition; the inner mapper then draws the target itself.

    Args:
        mapper: from condition to residual.
        source, target: representations of condition and target, with four-momenta of the same objects as
            physical units.
        scales: of the residuals, one per component, such as their median modulus; 0 for components of which
            the condition gives no reference. If None, `adapt` sets them.
        view: layer of the target's coordinates, and of their errors by the noise that they have, if the
            inner mapper's network is to see more than the residual; the mapper is a `Diffusion`, or has
            one.
        partners: place of the source's object that is the reference of each object of the target, -1 if
            there is none; by default both spaces have the same objects.

    Raises:
        ValueError: if there is not one scale of 0 or more for each component, or one partner for each
            object.
    """

    def __init__(self, mapper, source, target, scales=None, view=None, partners=None, **kwargs):
        super().__init__(mapper, **kwargs)
        self.source = source
        self.target = target
        self.scales = None if scales is None else tuple(scales)
        if scales is not None and (len(self.scales) != self.shape[0] or min(self.scales) < 0.0):
            raise ValueError(f"scales must be {self.shape[0]} numbers of 0 or more, not {list(scales)}")
        self.view = view
        self.partners = None if partners is None else tuple(partners)
        if partners is not None and len(self.partners) != (count := target.physical_shape[0] // 4):
            raise ValueError(f"partners must be {count} places, not {list(partners)}")
        self._circular = np.isin(np.arange(self.shape[0]), target.circles)
        self._reference = shared(self._of_same_event)
        if scales is None:
            self.fitted_scales = self.add_weight(self.shape, "ones", name="scales", trainable=False)
            self.adapted = self.add_weight((), "zeros", name="adapted", trainable=False)

    @property
    def is_adapted(self):
        own = self.scales is not None or bool(self.adapted.numpy())
        return own and self.mapper.is_adapted

    def adapt(self, condition, target):
        """Set the scales: the median moduli of the residuals, 0 where the reference says little.

        Azimuths always have a reference, be it that of the condition's first object.
        """
        reference = self._of_same_event(condition)
        gap = residuals.gap(target, reference, self._circular).numpy()
        spread = np.median(np.abs(target - np.median(target, 0)), 0)
        scales = np.median(np.abs(gap), 0)
        tells = self._circular | (scales < _TELLING * spread)
        self.fitted_scales.assign(np.where(tells, np.maximum(scales, 1e-4), 0.0))
        self.adapted.assign(1.0)
        self.mapper.adapt(condition, self.forward(target, reference)[0])

    def _statistics(self):
        """Scales, 1 where the condition gives no reference, and where it gives one."""
        known = self.fitted_scales if self.scales is None else tf.constant(self.scales)
        scales = tf.cast(known, tf.float32)
        return tf.where(scales > 0.0, scales, 1.0), scales > 0.0

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
        scale, tells = self._statistics()
        residual, slopes = residuals.forward(target, reference, scale, self._circular)
        return tf.where(tells, residual, target), tf.reduce_sum(tf.where(tells, slopes, 0.0), -1)

    def inverse(self, residual, reference):
        """The target of a residual: inverse of `forward`."""
        scale, tells = self._statistics()
        drawn = tf.where(tells, residual, 0.0)
        return tf.where(tells, residuals.inverse(drawn, reference, scale, self._circular), residual)

    def slope(self, residual):
        """Derivatives (n, d) of the target by the residual."""
        scale, tells = self._statistics()
        return tf.where(tells, residuals.slope(residual, scale, self._circular), 1.0)

    def _of_same_event(self, condition):
        events = self.source.inverse(condition)
        if self.partners is not None:
            objects = tf.unstack(tf.reshape(events, (-1, events.shape[1] // 4, 4)), axis=1)
            nothing = tf.zeros_like(objects[0])
            taken = [nothing if place < 0 else objects[place] for place in self.partners]
            events = tf.concat(taken, -1)
        reference = tf.cast(self.target(events), tf.float32)
        return tf.where(
            self._circular, reference, tf.clip_by_value(reference, -_REFERENCE_BOUND, _REFERENCE_BOUND)
        )
