"""Grids of images."""

import math

import numpy as np
from matplotlib.figure import Figure

DPI = 100.0  # at which a pixel of an image has `_PIXELS` pixels of the figure
_PIXELS = 4


def image_grid(images: np.ndarray, columns: int | None = None) -> Figure:
    """Images side by side, in rows, without axes.

    Args:
        images: images (n, H, W, C), of which one channel is shown in grey and the first three of several in
            colours. The range of values of all images is that of the grey scale and of each colour.
        columns: images per row; by default as many as rows, or one more.

    Raises:
        ValueError: if these are no images.
    """
    images = np.asarray(images, "float32")
    if images.ndim != 4 or not len(images):
        raise ValueError(f"images must have shape (n, H, W, C) with n of 1 or more, got {images.shape}")
    columns = columns or math.ceil(math.sqrt(len(images)))
    low, high = images.min(), images.max()
    shown = (images[..., :3] if images.shape[-1] >= 3 else images[..., :1]) - low
    shown = shown / max(high - low, 1e-9)
    rows = math.ceil(len(shown) / columns)
    padded = np.ones((rows * columns, *shown.shape[1:]), "float32")
    padded[: len(shown)] = shown
    height, width = shown.shape[1:3]
    mosaic = padded.reshape(rows, columns, height, width, -1).swapaxes(1, 2)
    mosaic = mosaic.reshape(rows * height, columns * width, -1).repeat(_PIXELS, 0).repeat(_PIXELS, 1)
    figure = Figure((mosaic.shape[1] / DPI, mosaic.shape[0] / DPI), dpi=DPI)
    ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))  # of any resolution, which `Figure.figimage` would crop to
    grey = mosaic.shape[-1] == 1
    ax.imshow(
        mosaic[..., 0] if grey else mosaic,
        cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest", aspect="auto",
    )  # fmt: skip
    ax.set_axis_off()
    return figure
