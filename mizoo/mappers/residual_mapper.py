"""Mappers of the residual between the target and a reference computed from the condition."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.tracing import shared
from mizoo.core.types import Tensor
from mizoo.mappers import residuals
from mizoo.mappers.base import Mapper, Wrapped
from mizoo.mappers.conditional import Conditional, Transformed
from mizoo.representations.base import Representation

# Bound of references other than angles; momenta beyond it are out of reach of the target's coordinates.
_REFERENCE_BOUND = 3.0
_TELLING = 0.5  # a reference informs on a component if its distance is below this fraction of the spread


class ShiftedDistribution(Transformed):
    """The inner mapper's distribution, shifted by the reference."""

    def __init__(self, residual: "ResidualMapper", inner: Conditional, reference: Tensor) -> None:
        super().__init__(inner)
        self._residual = residual
        self._reference = reference

    def sample(self) -> Tensor:
        return self._residual.inverse(self._inner.sample(), self._reference)

    def log_prob(self, target: Tensor) -> Tensor:
        residual, log_slope = self._residual.forward(target, self._reference)
        log_prob = self._inner.log_prob(residual)
        return log_prob + log_slope if self._residual.has_exact_log_prob else log_prob


@serialisable
class ResidualMapper(Wrapped):
    """Another mapper, of the residual between the target and the condition.

    The objects of the condition, in the coordinates of the target, are a reference for the target (as in
    the residual networks of OTUS, arXiv 2101.08944). The inner mapper models the residual of the two, see
    `mizoo.mappers.residuals`. `adapt` sets the scales of the residuals.

    Args:
        mapper: mapper from condition to residual.
        source, target: representations of condition and target, with four-momenta of the same objects as
            physical units.
        partners: place of the source's object that is the reference of each object of the target, -1 for
            none; by default both spaces have the same objects.

    Raises:
        ValueError: if there is not one partner for each object.
    """

    def __init__(
        self, mapper: Mapper, source: Representation, target: Representation,
        partners: Sequence[int] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(mapper, **kwargs)
        self.source = source
        self.target = target
        self.partners = None if partners is None else tuple(partners)
        count = target.physical_shape[0] // 4
        if self.partners is not None and len(self.partners) != count:
            raise ValueError(f"partners must be {count} places, not {self.partners}")
        self._circular = np.isin(np.arange(self.shape[0]), target.circles)
        self._reference = shared(self._of_same_event)
        self.scales = self.add_weight(self.shape, "ones", name="scales", trainable=False)
        self.adapted = self.add_weight((), "zeros", name="adapted", trainable=False)

    @property
    def is_adapted(self) -> bool:
        return bool(self.adapted.numpy()) and self.mapper.is_adapted

    def adapt(self, condition: Tensor, target: Tensor) -> None:
        """Set the scales: the median moduli of the residuals, or 0 where the reference is not informative.

        Azimuths always have a reference, even if only that of the condition's first object.
        """
        reference = self._of_same_event(condition)
        gap = residuals.gap(target, reference, self._circular).numpy()
        spread = np.median(np.abs(target - np.median(target, 0)), 0)
        scales = np.median(np.abs(gap), 0)
        tells = self._circular | (scales < _TELLING * spread)
        self.scales.assign(np.where(tells, np.maximum(scales, 1e-4), 0.0))
        self.adapted.assign(1.0)
        self.mapper.adapt(condition, self.forward(target, reference)[0])

    def _statistics(self) -> tuple[Tensor, Tensor]:
        """Scales (d,), 1 for components without reference, and which components have a reference, (d,)."""
        scales = tf.cast(self.scales, tf.float32)
        return tf.where(scales > 0.0, scales, 1.0), scales > 0.0

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> ShiftedDistribution:
        reference = self._reference(condition, training=training)
        inner = self.mapper.distribution(condition, noise=noise, training=training)
        return ShiftedDistribution(self, inner, reference)

    def forward(self, target: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """The residual (n, d) that the inner mapper models, and its log-determinant in the target, (n,)."""
        scale, tells = self._statistics()
        residual, slopes = residuals.forward(target, reference, scale, self._circular)
        return tf.where(tells, residual, target), tf.reduce_sum(tf.where(tells, slopes, 0.0), -1)

    def inverse(self, residual: Tensor, reference: Tensor) -> Tensor:
        """The target of a residual: inverse of `forward`."""
        scale, tells = self._statistics()
        drawn = tf.where(tells, residual, 0.0)
        return tf.where(tells, residuals.inverse(drawn, reference, scale, self._circular), residual)

    def _of_same_event(self, condition: Tensor) -> Tensor:
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
