"""Smooth maps of moduli, directions and intervals to unbounded coordinates.

Each maps a typical distribution of its quantity to a standard normal or logistic one. All use functions
that ONNX converters support, on tensors of any float type.
"""

import math

import numpy as np
import tensorflow as tf

from mizoo.core.types import Tensor

# Standard deviation of the standard logistic distribution.
LOGISTIC = math.pi / math.sqrt(3.0)
_TINY = 1e-12


def _polar(vector: Tensor) -> Tensor:
    """Modulus and unit vector along the last axis."""
    modulus = tf.sqrt(tf.reduce_sum(tf.square(vector), -1, keepdims=True) + _TINY)
    return modulus, vector / modulus


def modulus_to_line(modulus: Tensor, scale: float, tail: float, threshold: Tensor | float = 0.0) -> Tensor:
    """A modulus above `threshold` to the line.

    The distribution P(R > r) = (1 + (r² - threshold²)/scale²)^-tail becomes the logistic one of variance 1.
    """
    excess = tf.maximum(tf.square(modulus) - threshold**2, 0.0) / scale**2
    surprise = tf.maximum(tail * tf.math.log(1.0 + excess), _TINY)  # -log P
    return (surprise + tf.math.log(1.0 - tf.exp(-surprise))) / LOGISTIC


def median_scale(excess: np.ndarray, tail: float) -> float:
    """The scale with which `modulus_to_line` maps the median to 0.

    Args:
        excess: squares of moduli (n,) minus those of their thresholds.
        tail: see `modulus_to_line`.
    """
    return float(np.sqrt(max(np.median(excess), 1e-6) / (2.0 ** (1.0 / tail) - 1.0)))


def line_to_modulus(line: Tensor, scale: float, tail: float, threshold: Tensor | float = 0.0) -> Tensor:
    """Inverse of `modulus_to_line`."""
    excess = tf.exp(tf.nn.softplus(LOGISTIC * line) / tail) - 1.0
    return tf.sqrt(threshold**2 + scale**2 * excess)


def azimuth(vector: Tensor) -> Tensor:
    """Angle in (-π, π] of planar vectors (…, 2), with a last axis of 1."""
    return atan2(vector[..., 1:2], vector[..., :1])


def atan2(y: Tensor, x: Tensor) -> Tensor:
    """Angle of (x, y), in (-π, π]."""
    # onnxruntime has it in single precision only; a Newton step makes it double.
    angle = tf.cast(tf.atan2(tf.cast(y, tf.float32), tf.cast(x, tf.float32)), y.dtype)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return angle + tf.math.divide_no_nan(y * cosine - x * sine, x * cosine + y * sine)


def direction(angle: Tensor) -> Tensor:
    """Unit vectors (…, 2) of angles (…, 1)."""
    return tf.concat([tf.cos(angle), tf.sin(angle)], -1)


def wrap(angle: Tensor, half: float = math.pi) -> Tensor:
    """The same angle in [-half, half), where `half` is half a turn."""
    # A remainder takes five times as long, and ONNX rounds it differently.
    return angle - 2.0 * half * tf.floor((angle + half) / (2.0 * half))


def sphere_to_normal(direction: Tensor) -> Tensor:
    """Unit vectors (…, 3) to normal pairs: the isotropic distribution becomes the standard normal one.

    The first axis is the origin of the plane; its opposite is the point at infinity.
    """
    missing = tf.maximum((1.0 - direction[..., :1]) / 2.0, 0.0)
    # Bounded from below, as the square root has no gradient at 0.
    radius = tf.sqrt(tf.maximum(-2.0 * tf.math.log(tf.maximum(1.0 - missing, 1e-7)), _TINY**2))
    _, azimuth = _polar(direction[..., 1:])
    return radius * azimuth


def normal_to_sphere(pair: Tensor) -> Tensor:
    """Inverse of `sphere_to_normal`."""
    radius, azimuth = _polar(pair)
    cosine = 2.0 * tf.exp(-tf.square(radius) / 2.0) - 1.0
    sine = tf.sqrt(tf.maximum(1.0 - tf.square(cosine), 0.0))
    return tf.concat([cosine, sine * azimuth], -1)


def interval_to_line(value: Tensor, bound: float) -> Tensor:
    """(-bound, bound) to the line; the uniform distribution becomes the logistic one of variance 1."""
    share = tf.clip_by_value(value / bound, -1.0 + 1e-6, 1.0 - 1e-6)
    return tf.math.log((1.0 + share) / (1.0 - share)) / LOGISTIC


def line_to_interval(value: Tensor, bound: float) -> Tensor:
    """Inverse of `interval_to_line`."""
    return bound * tf.tanh(LOGISTIC * value / 2.0)


def asinh(value: Tensor) -> Tensor:
    """Inverse hyperbolic sine, odd to the last bit and exact for large arguments."""
    modulus = tf.abs(value)
    return tf.sign(value) * tf.math.log(modulus + tf.sqrt(tf.square(modulus) + 1.0))


def cosh(value: Tensor) -> Tensor:
    """Hyperbolic cosine."""
    return (tf.exp(value) + tf.exp(-value)) / 2.0


def sinh(value: Tensor) -> Tensor:
    """Hyperbolic sine."""
    return (tf.exp(value) - tf.exp(-value)) / 2.0
