"""Scores of generated images that belong to true ones, such as reconstructions and translations."""

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

_WINDOW = 11  # pixels of the side of the window of SSIM, or less for smaller images


def image_pairs(truth: ArrayLike, made: ArrayLike, value_range: float | None = None) -> dict[str, float]:
    """Means over pairs of images of PSNR in decibels, SSIM, and mean absolute error.

    PSNR is infinite if an image is reproduced exactly. SSIM (Wang et al., IEEE TIP 13, 2004) has a Gaussian
    window of 11 pixels, or of the shorter side of smaller images.

    Args:
        truth, made: images (n, H, W, C); rows belong together.
        value_range: difference of the largest and the least possible value; by default of the true ones.

    Returns:
        `psnr`, `ssim` and `mae`, the latter in the unit of the data.

    Raises:
        ValueError: for other shapes, or if all true images have one value.
    """
    true, other = (np.asarray(images, "float32") for images in (truth, made))
    if true.ndim != 4 or true.shape != other.shape or not len(true):
        raise ValueError(
            f"pairs of images must have one shape (n, H, W, C), got {true.shape}, {other.shape}"
        )
    span = float(np.ptp(true)) if value_range is None else float(value_range)
    if not span > 0.0:
        raise ValueError(f"the range of values of images must be positive, got {span:g}")
    window = min(_WINDOW, *true.shape[1:3])
    return {
        "psnr": float(np.mean(tf.image.psnr(true, other, span))),
        "ssim": float(np.mean(tf.image.ssim(true, other, span, filter_size=window))),
        "mae": float(np.abs(true.astype("float64") - other).mean()),
    }
