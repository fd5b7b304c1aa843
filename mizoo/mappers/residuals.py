"""Residuals between a target and a reference, on a scale that suits narrow peaks with wide tails."""

import numpy as np
import tensorflow as tf

from mizoo.core.types import Tensor
from mizoo.physics import planar

_SPREAD = 1.5  # spread of asinh(residual / median), for distributions with a narrow peak and wide tails


def gap(target: Tensor, reference: Tensor, circular: np.ndarray) -> Tensor:
    """Difference Δ (n, d) of target and reference; 2 tan(Δ/2) of components that are `circular`, (d,)."""
    difference = tf.cast(target, tf.float32) - reference
    return tf.where(circular, 2.0 * tf.tan(planar.wrap(difference) / 2.0), difference)


def forward(
    target: Tensor, reference: Tensor, scale: Tensor, circular: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Residuals v (n, d) with Δ = scale sinh(1.5 v), and the logarithms (n, d) of their slopes.

    Slopes are with respect to the target. Beyond the point where the slope of the target is 1, the map
    continues as a straight line, so that small errors stay small in the tails. Angles have 2 tan(Δ/2) in
    place of Δ and no straight part.

    Args:
        target, reference: coordinates (n, d).
        scale: scale of the residuals, (d,) or (n, d), above 0.
        circular: which components are angles, (d,).
    """
    edge = _edge(scale, circular)
    line = gap(target, reference, circular) / scale
    curved = tf.minimum(tf.abs(line), edge)
    steep = tf.sqrt(1.0 + tf.square(curved))
    residual = tf.sign(line) * (planar.asinh(curved) + (tf.abs(line) - curved) / steep) / _SPREAD
    slope = -tf.math.log(_SPREAD * scale) - tf.math.log(steep)
    half = planar.wrap(tf.cast(target, tf.float32) - reference) / 2.0
    return residual, slope - tf.where(circular, 2.0 * tf.math.log(tf.abs(tf.cos(half)) + 1e-6), 0.0)


def inverse(residual: Tensor, reference: Tensor, scale: Tensor, circular: np.ndarray) -> Tensor:
    """The target (n, d) of a residual: inverse of `forward`."""
    turns = _SPREAD * tf.abs(residual)
    curved = tf.minimum(turns, planar.asinh(_edge(scale, circular)))
    line = planar.sinh(curved) + (turns - curved) * planar.cosh(curved)
    moved = scale * tf.sign(residual) * line
    moved = reference + tf.where(circular, 2.0 * tf.atan(moved / 2.0), moved)
    return tf.where(circular, planar.wrap(moved), moved)


def _edge(scale: Tensor, circular: np.ndarray) -> Tensor:
    """Start of the straight part, in units of the scale: far out for angles, which have none."""
    steepest = tf.maximum(1.0 / (_SPREAD * scale), 1.0)
    return tf.where(circular, np.float32(1e9), tf.sqrt(tf.square(steepest) - 1.0))
