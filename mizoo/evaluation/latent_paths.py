"""Latents of true images, and images on lines between them, of auto-encoders."""

from typing import NamedTuple

import numpy as np

from mizoo.datasets.samples import Samples
from mizoo.evaluation.streams import Model
from mizoo.model.tensors import TensorModel
from mizoo.networks import is_image

_LINES, _STEPS = 8, 8
_LATENTS = 2000


class LatentPaths(NamedTuple):
    """Latents (n, d) of the first true x, and images (lines, steps, H, W, C) between pairs of them."""

    latents: np.ndarray
    paths: np.ndarray


def latent_paths(model: Model, data: Samples) -> LatentPaths | None:
    """Latents and paths of a model of images x with a prior of z; None for other models and data."""
    if data.x is None or data.z is not None or not is_image(data.x.shape[1:]):
        return None
    if not isinstance(model, TensorModel) or not {"encode", "decode", "sample"} <= set(model.endpoints):
        return None
    x = data.x[:_LATENTS]
    given = {"x": x} if data.c is None else {"x": x, "c": data.c[:_LATENTS]}
    lines = min(_LINES, len(x) // 2)
    condition = None if data.c is None else data.c[:lines]
    paths = model.interpolate(x[:lines], x[lines : 2 * lines], _STEPS, condition=condition)
    return LatentPaths(np.asarray(model.latents(given)["x"]), np.asarray(paths))
