"""Monotone rational-quadratic splines (arXiv 1906.04032, section 3.1).

TensorFlow Probability has them, too, by operations that ONNX has not.
"""

import tensorflow as tf


def bend(values, widths, heights, slopes, start, inverse=False):
    """Bend values by splines, and leave alone those outside of them.

    Args:
        values: (…,).
        widths, heights: of the bins, (…, b), both of one sum.
        slopes: at the knots between the bins, (…, b - 1); 1 at the ends.
        start: of the first bin, on both axes.
        inverse: go the way back.

    Returns:
        Bent values, and the logarithm of the derivative, (…,).
    """
    x, y = _knots(widths, start), _knots(heights, start)
    slopes = tf.pad(slopes, [[0, 0]] * (len(slopes.shape) - 1) + [[1, 1]], constant_values=1.0)
    from_, end = (y, y[..., -1]) if inverse else (x, x[..., -1])
    inside = (values >= start) & (values < end)
    safe = tf.where(inside, values, start)
    # One bin's numbers are picked by a sum: gathering is slower, and not compiled as well.
    above = tf.cast(safe[..., None] >= from_, values.dtype)
    bin_ = above[..., :-1] - above[..., 1:]

    def of_bin(numbers):
        return tf.reduce_sum(bin_ * numbers, -1)

    left, bottom, width, height = map(of_bin, (x[..., :-1], y[..., :-1], widths, heights))
    first, second = of_bin(slopes[..., :-1]), of_bin(slopes[..., 1:])
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


def _knots(sizes, start):
    """Ends of bins of given sizes (…, b): (…, b + 1)."""
    ends = tf.cumsum(sizes, axis=-1)
    return start + tf.pad(ends, [[0, 0]] * (len(sizes.shape) - 1) + [[1, 0]])
