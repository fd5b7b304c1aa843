"""Handwritten digits of MNIST, downloaded or from a file."""

import math
from pathlib import Path

import numpy as np
import pooch
import tensorflow as tf

from mizoo.core.cache import cache
from mizoo.datasets.readers.damage import brief
from mizoo.datasets.readers.numpy_files import load
from mizoo.datasets.samples import Samples, Split

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"  # that of Keras
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
VALIDATION = 5_000  # of the 60 000 training images
_TIMEOUT = 30.0  # seconds without data
_STEEPEST = math.sqrt(20.0)  # largest Sobel gradient of values from 0 to 1


def mnist(path: str | Path | None = None, edges: bool = False) -> Split:
    """Images x of the handwritten digits of MNIST, (28, 28, 1) with values from 0 to 1.

    55 000 for training, 5 000 for validation, 10 000 for test.

    By Y. LeCun, C. Cortes and C. J. C. Burges (CC BY-SA 3.0). The file of 11 MB is downloaded once, to the
    folder `MIZOO_CACHE` or the system's cache, and checked against a SHA-256.

    Args:
        path: a file instead of the download: an `.npz` with arrays `x_train` and `x_test`, or `images`
            alone, or an `.npy`, all uint8 (n, 28, 28). Without `x_test`, a tenth each is for validation and
            for test, in a fixed random order, as the two halves of MNIST's test images differ.
        edges: whether z are the edges of x, see `sobel`.

    Raises:
        ConnectionError: if the file cannot be downloaded.
        FileNotFoundError: if there is no file at `path`.
        ValueError: for a file without such arrays, or a damaged one.
    """
    source = _downloaded() if path is None else Path(path)
    content = load(source)
    arrays = content if isinstance(content, dict) else {"images": content}
    if {"x_train", "x_test"} <= arrays.keys():
        train, test = (_images(arrays[name], name, source) for name in ("x_train", "x_test"))
        validation = min(VALIDATION, len(train) // 10)
        parts = [train[:-validation], train[-validation:], test]
    elif "images" in arrays:
        images = _images(arrays["images"], "images", source)
        images = images[np.random.default_rng(0).permutation(len(images))]
        tenth = len(images) // 10
        parts = [images[: -2 * tenth], images[-2 * tenth : -tenth], images[-tenth:]]
    else:
        raise ValueError(
            f"{source}: arrays x_train and x_test, or images, expected, got {', '.join(arrays)}"
        )
    return Split(*(Samples(x, sobel(x) if edges else None) for x in parts))


def sobel(images: np.ndarray) -> np.ndarray:
    """Edges of images (n, H, W, C) with values from 0 to 1: the size of the Sobel gradient, from 0 to 1."""
    slopes = tf.image.sobel_edges(tf.convert_to_tensor(images))
    return np.asarray(tf.norm(slopes, axis=-1) / _STEEPEST)


def _downloaded() -> Path:
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT)
    try:
        return Path(pooch.retrieve(URL, f"sha256:{SHA256}", "mnist.npz", cache(), downloader=downloader))
    except OSError as error:  # of the network or of the disk
        raise ConnectionError(
            f"{URL} cannot be downloaded to {cache()}: {brief(error)}; a file of your own is read by "
            "mizoo.datasets.mnist(path)"
        ) from error
    except ValueError as error:
        raise ValueError(f"{URL} is damaged or was changed: {brief(error)}") from error


def _images(array: np.ndarray, name: str, source: Path) -> np.ndarray:
    """Images (n, 28, 28, 1) with values from 0 to 1."""
    if array.dtype != np.uint8 or array.shape[1:] != (28, 28) or len(array) < 10:
        raise ValueError(
            f"{source}: {name} must be 10 or more images, uint8 (n, 28, 28), "
            f"got {array.dtype} {array.shape}"
        )
    return (array[..., None] / 255.0).astype("float32")
