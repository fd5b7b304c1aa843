"""Handwritten digits, as scikit-learn ships them."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

from mizoo.datasets.samples import Samples, Split

TRAIN, VALIDATION = 1397, 200


def labelled() -> tuple[np.ndarray, np.ndarray]:
    """The 1 797 images (n, 8, 8, 1) with values from 0 to 1, and the digits (n,) they show.

    UCI's optical recognition data, in a fixed shuffled order.
    """
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    return (data.images[order, ..., None] / 16.0).astype("float32"), data.target[order]


def digits(size: int = 8, reduced: int = 0) -> Split:
    """Images x of handwritten digits, (size, size, 1) with values from 0 to 1: see `labelled`.

    1 397 for training, 200 for validation, 200 for test.

    Args:
        size: height and width of the images in pixels; other sizes than the original 8 are interpolated.
        reduced: side in pixels of the squares over which images are averaged for z; 0 for no z.
    """
    x, _ = labelled()
    if size != x.shape[1]:
        x = tf.image.resize(x, (size, size), "bicubic").numpy().clip(0.0, 1.0)
    samples = Samples(x, tf.nn.avg_pool2d(x, reduced, reduced, "VALID").numpy() if reduced else None)
    parts = samples[:TRAIN], samples[TRAIN : TRAIN + VALIDATION], samples[TRAIN + VALIDATION :]
    return Split(*parts)
