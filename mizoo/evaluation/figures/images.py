"""Figures of images: samples, reconstructions and interpolations."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from mizoo.evaluation.figures.grid import image_grid
from mizoo.evaluation.figures.latent import latent_scatter
from mizoo.networks import is_image
from mizoo.objectives import LINKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mizoo.evaluation.report import Report

_SHOWN = 64
_COLUMNS = 8


def image_pairs_grid(truth: np.ndarray, made: np.ndarray, columns: int = _COLUMNS) -> Figure:
    """Rows of true images, each above the row of images made of them, such as reconstructions.

    Args:
        truth, made: images (n, H, W, C); rows belong together.
        columns: images per row.

    Raises:
        ValueError: if shapes differ.
    """
    truth, made = np.asarray(truth), np.asarray(made)
    if truth.shape != made.shape:
        raise ValueError(f"pairs of images must have one shape, got {truth.shape} and {made.shape}")
    columns = min(columns, len(truth))
    rows = []
    for i in range(0, len(truth), columns):
        for images in (truth, made):
            row = images[i : i + columns]
            missing = np.full((columns - len(row), *row.shape[1:]), max(truth.max(), made.max()), row.dtype)
            rows.append(np.concatenate([row, missing]))
    return image_grid(np.concatenate(rows), columns)


def interpolation_grid(paths: np.ndarray) -> Figure:
    """Images on lines in the latent space, a row per line.

    Args:
        paths: images (lines, steps, H, W, C), as from `Turbo.interpolate`.

    Raises:
        ValueError: for another rank.
    """
    paths = np.asarray(paths)
    if paths.ndim != 5:
        raise ValueError(f"paths must have shape (lines, steps, H, W, C), got {paths.shape}")
    return image_grid(paths.reshape(-1, *paths.shape[2:]), columns=paths.shape[1])


def of_images(report: "Report") -> "Iterator[tuple[str, Callable[[], Figure]]]":
    """Yield the names of the figures of a report of images, with functions that make them."""
    arrays, half = report.truth.arrays(), _SHOWN // 2
    spaces = {LINKS[stream].target for stream in report.streams}
    for space in sorted(space for space in spaces if is_image(arrays[space].shape[1:])):
        truth = arrays[space]
        yield f"{space}_truth", partial(image_grid, truth[:_SHOWN])
        for stream in (one for one in report.streams if LINKS[one].target == space):
            made = report.streams[stream]
            yield stream, partial(image_grid, made[:_SHOWN])
            if _has_pairs(report, stream):
                yield f"{stream}_pairs", partial(image_pairs_grid, truth[:half], made[:half])
    if report.latent is not None:
        latents, paths = report.latent
        yield "interpolations", partial(interpolation_grid, paths)
        if latents.shape[1] > 1:
            c = report.truth.c
            labels = None if c is None or c.shape[1:] != (1,) else c[: len(latents), 0]
            yield "latents", partial(latent_scatter, latents, labels)


def _has_pairs(report: "Report", stream: str) -> bool:
    assert report.images is not None  # as the report has images
    return "mae" in report.images and bool(report.images["mae"].notna()[stream])
