"""Handwritten digits, as scikit-learn ships them."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

from mizoo.datasets.samples import Samples, Split

TRAIN, VALIDATION = 1397, 200


def digits(size=8, reduced=0) -> Split:
    """1 797 images x of handwritten digits, (size, size, 1) with values from 0 to 1.

    From UCI's optical recognition data; 1 397 for training, 200 for validation, 200 for test, in an
    order shuffled once and for all.

    Args:
        size: of the images; those larger than the original 8 × 8 are interpolated.
        reduced: if given, there is also z: the images averaged over squares of this many pixels.
    """
    images = load_digits().images[..., None].astype("float32") / 16.0
    images = images[np.random.default_rng(0).permutation(len(images))]
    x = images if size == 8 else tf.image.resize(images, (size, size), "bicubic").numpy().clip(0.0, 1.0)
    z = tf.nn.avg_pool2d(x, reduced, reduced, "VALID").numpy() if reduced else None
    samples = Samples(x, z)
    return Split(samples[:TRAIN], samples[TRAIN : TRAIN + VALIDATION], samples[TRAIN + VALIDATION :])
