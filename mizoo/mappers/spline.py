"""Monotone rational-quadratic splines (arXiv 1906.04032, section 3.1).

Those of TensorFlow Probability use operations that ONNX does not have.
"""

import tensorflow as tf

from mizoo.core.types import Tensor


def bend(
    values: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, start: float, inverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Transform values by splines; values outside of their range are unchanged.

    Args:
        values: array of any shape, (…,).
        widths, heights: widths and heights of the bins, (b, …), both with the same sum.
        slopes: slopes at the knots between the bins, (b - 1, …); they are 1 at the ends.
        start: start of the first bin, on both axes.
        inverse: whether to apply the inverse.

    Returns:
        Transformed values, and the logarithm of the derivative, (…,).
    """
    widths, heights = tf.unstack(widths), tf.unstack(heights)
    end = start + tf.add_n(heights if inverse else widths)
    inside = (values >= start) & (values < end)
    safe = tf.where(inside, values, start)
    left, bottom, width, height, first, second = _bin(safe, widths, heights, slopes, start, inverse)
    chord = height / width
    curvature = first + second - 2.0 * chord
    if inverse:
        up = safe - bottom
        a = height * (chord - first) + up * curvature
        b = height * first - up * curvature
        c = -chord * up
        root = tf.sqrt(tf.maximum(tf.square(b) - 4.0 * a * c, 0.0))
        share = 2.0 * c / (-b - root)
        bent = left + share * width
    else:
        share = (safe - left) / width
    rest = 1.0 - share
    below = chord + curvature * share * rest
    if not inverse:
        bent = bottom + height * share * (chord * share + first * rest) / below
    slope = second * tf.square(share) + 2.0 * chord * share * rest + first * tf.square(rest)
    change = 2.0 * tf.math.log(chord) + tf.math.log(slope) - 2.0 * tf.math.log(below)
    change = -change if inverse else change
    return tf.where(inside, bent, values), tf.where(inside, change, 0.0)


def _bin(
    values: Tensor,
    widths: list[Tensor],
    heights: list[Tensor],
    slopes: Tensor,
    start: float,
    inverse: bool,
) -> list[Tensor]:
    """Left and lower end, width, height and slopes at both ends of the bin of each value."""
    edge = tf.ones_like(values)
    slopes = [edge, *tf.unstack(slopes), edge]
    x = y = start * edge
    found = [x, y, widths[0], heights[0], *slopes[:2]]
    # A loop over the bins is faster than gathering, and than a sum over all of them.
    for i in range(1, len(widths)):
        x, y = x + widths[i - 1], y + heights[i - 1]
        beyond = values >= (y if inverse else x)
        of_bin = x, y, widths[i], heights[i], *slopes[i : i + 2]
        found = [tf.where(beyond, new, old) for new, old in zip(of_bin, found, strict=True)]
    return found
