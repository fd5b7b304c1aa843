"""Features of images, by which the distances between sets of images are measured."""

from collections.abc import Callable
from functools import cache
from importlib import resources

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

Features = Callable[[np.ndarray], ArrayLike]
"""A function from images (n, H, W, C), in the units of the data, to features (n, …)."""

SIDE = 16  # pixels of the images that the packaged network takes
_CHUNK = 500


class DigitFeatures:
    """Features (n, 32) by a small convolutional classifier of handwritten digits, which is packaged.

    They are the last hidden layer of a network that `tests/studies/digit_features.py` trains on
    `mizoo.datasets.digits`, where their variance is 1. Images of any size are made grey and 16 × 16 pixels
    large. For photographs use features of a network that knows them, such as `keras.applications`.

    Args:
        low, high: values of black and of white.

    Raises:
        ValueError: if `low` is not below `high`.
    """

    def __init__(self, low: float, high: float) -> None:
        if not low < high:
            raise ValueError(f"black must be below white: all images have values from {low:g} to {high:g}")
        self.low, self.high = float(low), float(high)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features (n, 32) of images (n, H, W, C)."""
        return np.asarray(_network()(small(images, self.low, self.high), training=False))


def small(images: ArrayLike, low: float, high: float) -> tf.Tensor:
    """Images (n, H, W, C) as the packaged network takes them: grey, from 0 to 1, (n, 16, 16, 1)."""
    grey = np.asarray(images, "float32").mean(-1, keepdims=True)
    shares = (grey - low) / (high - low)
    return tf.image.resize(shares, (SIDE, SIDE), antialias=True)


@cache
def _network() -> keras.Model:
    with resources.as_file(resources.files("mizoo.evaluation") / "data" / "digit_features.keras") as path:
        return keras.saving.load_model(path, compile=False)


def features_of(images: np.ndarray, features: Features) -> np.ndarray:
    """Features of images as vectors (n, d) in double precision, by 500 images at a time.

    Args:
        images: images (n, H, W, C).
        features: function, layer or model of Keras from images to an array or tensor (n, …).

    Raises:
        ValueError: if `features` gives another number of rows, no vectors, or a value that is not finite.
    """
    parts = []
    for i in range(0, len(images), _CHUNK):
        given = images[i : i + _CHUNK]
        part = np.asarray(features(given), "float64")
        if part.ndim < 2 or len(part) != len(given):
            raise ValueError(
                f"features must be one vector per image, ({len(given)}, d), got shape {part.shape}"
            )
        parts.append(part.reshape(len(part), -1))
    found = np.concatenate(parts)
    if not np.isfinite(found).all():
        raise ValueError(f"the features of image {np.argwhere(~np.isfinite(found))[0, 0]} are not finite")
    return found
