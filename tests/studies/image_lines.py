"""Figures with a line of images for each model."""

import numpy as np
from matplotlib import pyplot as plt


def draw(lines, path, height, dpi=100, width=9, **look):
    """Write a figure of images (n, H, W) by name, side by side.

    Args:
        lines: the images of each line by its name.
        path: path of the file.
        height: height of a line in inches.
        dpi, width: resolution, and width of the figure in inches.
        look: options of `matplotlib.axes.Axes.imshow`.
    """
    figure, axes = plt.subplots(
        len(lines), 1, figsize=(width, height * len(lines)), squeeze=False, layout="constrained"
    )
    for axis, (name, images) in zip(axes[:, 0], lines.items(), strict=True):
        axis.imshow(np.concatenate(images, 1), **{"cmap": "gray_r", "vmin": 0, "vmax": 1, **look})
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        axis.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=dpi, bbox_inches="tight")
