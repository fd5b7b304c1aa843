"""The Fréchet distance of generated from validation images."""

import numpy as np

from mizoo.core.types import Array
from mizoo.datasets.samples import Samples
from mizoo.evaluation.feature_distances import frechet
from mizoo.evaluation.image_features import DigitFeatures, Features, features_of
from mizoo.networks import is_image
from mizoo.training.measured import Measured


class FrechetDistance(Measured):
    """Log the sum over spaces of images of the Fréchet distances of generated from validation images.

    x is drawn given z, or, without z, from the prior; it is reconstructed by models whose only terms are
    those of reconstructions. z is drawn given x. Seeds are numbers of epochs. Give `ModelCheckpoint` the
    monitor `"val_frechet"`.

    Args:
        events: validation `Samples` of two images or more, for a distance of little bias some hundreds.
        every: number of epochs between two measurements; NaN is logged in between.
        start: first epoch that is measured, from 0.
        features: see `mizoo.evaluation.image_scores`.

    Raises:
        ValueError: if no space has two images or more; in training, if the model draws no images.
    """

    monitor = "val_frechet"

    def __init__(
        self, events: Samples, every: int = 1, start: int = 0, features: Features | None = None
    ) -> None:
        super().__init__(events, every, start)
        self._features: dict[str, Features] = {}
        self._true: dict[str, np.ndarray] = {}
        for space in image_spaces(events):
            images = events.arrays()[space]
            chosen = features or DigitFeatures(images.min(), images.max())
            self._features[space], self._true[space] = chosen, features_of(images, chosen)
        if not self._true:
            raise ValueError("a Fréchet distance needs two validation images (n, H, W, C) or more")

    def distance(self, epoch: int) -> float:
        drawn = {space: np.asarray(images) for space, images in self._drawn(epoch).items()}
        if not drawn:
            raise ValueError(f"{self.model.name} draws no images: select its epoch by another distance")
        return sum(
            frechet(self._true[space], features_of(images, self._features[space]))
            for space, images in drawn.items()
        )

    def _drawn(self, seed: int) -> dict[str, Array]:
        """Generated images by space."""
        model, x, z, c = self.model, self.events.x, self.events.z, self.events.c
        drawn = {}
        if "z" in self._true and x is not None and "encode" in model.endpoints:
            drawn["z"] = model.encode(x, seed=seed, condition=c)
        if "x" not in self._true:
            return drawn
        if z is not None and "decode" in model.endpoints:
            return {**drawn, "x": model.decode(z, seed=seed, condition=c)}
        if "sample" in model.endpoints and self.streams() & {"z_tilde", "x_tilde"}:
            return {**drawn, "x": model.sample(len(self._true["x"]), seed=seed, condition=c)}
        if "reconstruct" in model.endpoints:
            return {**drawn, "x": model.reconstruct(x, seed=seed, condition=c)}
        return drawn


def image_spaces(events: Samples) -> list[str]:
    """The spaces of events that are two images or more."""
    arrays = events.arrays()
    return [s for s in ("x", "z") if s in arrays and is_image(arrays[s].shape[1:]) and len(arrays[s]) > 1]
