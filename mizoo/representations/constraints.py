"""Moves of coordinates that make events satisfy constraints."""

import numpy as np
import tensorflow as tf

from mizoo.core.types import Tensor


def least_move(slopes: Tensor, gaps: Tensor, tolerance: float) -> Tensor:
    """The smallest moves (n, d) that close gaps (n, k) with slopes (n, k, d).

    If the gaps result from standard normal noise in what is moved, and from normal errors of standard
    deviation `tolerance` in themselves, a number or (n, k), this subtracts the mean of the noise given the
    gaps.
    """
    errors = tf.square(tolerance * tf.ones_like(gaps))
    squares = tf.matmul(slopes, slopes, transpose_b=True) + errors[..., None] * np.eye(slopes.shape[1])
    return -tf.matmul(slopes, _solve(squares, gaps[..., None]), transpose_a=True)[..., 0]


def _solve(matrix: Tensor, vector: Tensor) -> Tensor:
    """Solution (n, k, 1) of positive definite equations, by elimination, which ONNX supports."""
    # Events along the last axis make the rows long.
    rows = tf.unstack(tf.transpose(tf.concat([matrix, vector], -1), (1, 2, 0)))
    for k in range(len(rows)):
        pivot = rows[k] / rows[k][k]
        rows = [pivot if i == k else row - row[k] * pivot for i, row in enumerate(rows)]
    return tf.transpose(tf.stack([row[-1:] for row in rows]), (2, 0, 1))
