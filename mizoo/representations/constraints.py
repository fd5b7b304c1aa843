"""Moves of coordinates that bring an event to where its constraints hold."""

import numpy as np
import tensorflow as tf


def least_move(slopes, gaps, tolerance):
    """The least moves (n, d) that close gaps (n, k), which have slopes (n, k, d).

    Where gaps are the effect of standard normal noise in what is moved, and of normal ones of standard
    deviation `tolerance` in themselves, this takes back the mean of the noise, given the gaps.
    """
    squares = tf.matmul(slopes, slopes, transpose_b=True) + tolerance**2 * np.eye(slopes.shape[1])
    return -tf.matmul(slopes, _solve(squares, gaps[..., None]), transpose_a=True)[..., 0]


def _solve(matrix, vector):
    """Solution (n, k, 1) of positive definite equations, by elimination, which ONNX knows."""
    rows, size = tf.concat([matrix, vector], -1), matrix.shape[-1]
    for k in range(size):
        pivot = rows[:, k : k + 1] / rows[:, k : k + 1, k : k + 1]
        rows -= (rows[:, :, k : k + 1] - np.eye(size)[k][:, None]) * pivot
    return rows[:, :, -1:]
