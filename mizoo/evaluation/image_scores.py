"""What is reported for images: distances of sets in features, and errors of pairs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mizoo.datasets.samples import Samples
from mizoo.evaluation.feature_distances import feature_distances
from mizoo.evaluation.image_features import DigitFeatures, Features, features_of
from mizoo.evaluation.image_pairs import image_pairs
from mizoo.networks import is_image
from mizoo.objectives import LINKS

_NEIGHBOURS = 5


def image_scores(
    truth: np.ndarray, made: np.ndarray, features: Features | None = None, neighbours: int = _NEIGHBOURS
) -> dict[str, float]:
    """Fréchet and kernel distance, precision, recall, density and coverage of generated images.

    See `mizoo.evaluation.feature_distances`. All depend on the numbers of images: as a reference, take as
    many true images that are not in `truth` in place of generated ones.

    Args:
        truth, made: images (n, H, W, C) and (m, H, W, C).
        features: function, layer or model of Keras from such images to vectors; by default
            `DigitFeatures`, with black and white at the least and the largest true value.
        neighbours: number of the neighbour at which the ball of an image ends.

    Raises:
        ValueError: if there are no more images than `neighbours`, or features are not one finite vector
            per image.
    """
    truth, made = np.asarray(truth), np.asarray(made)
    chosen = DigitFeatures(truth.min(), truth.max()) if features is None else features
    return feature_distances(features_of(truth, chosen), features_of(made, chosen), neighbours)


def image_table(
    truth: Samples, streams: Mapping[str, np.ndarray], features: Features | None = None, pairs: bool = True
) -> pd.DataFrame | None:
    """Scores of all streams of images, one row each; None if there are none.

    Columns are those of `image_scores`, which are NaN for fewer than three images; `neighbours`, which are
    fewer than five for few images; and those of `image_pairs`, NaN for draws that belong to no true image.

    Args:
        truth: true data.
        streams: generated data by stream.
        features: see `image_scores`.
        pairs: whether rows of the streams belong to rows of the truth, where they have the same source.
    """
    rows = {}
    for stream, made in streams.items():
        true = truth.arrays()[LINKS[stream].target]
        if not is_image(true.shape[1:]):
            continue
        neighbours = min(_NEIGHBOURS, len(true) - 1, len(made) - 1)
        rows[stream] = {"neighbours": float(neighbours)}
        if neighbours > 1:
            rows[stream] |= image_scores(true, made, features, neighbours)
        if pairs and _belongs(stream, truth):
            rows[stream] |= image_pairs(true, made)
    if not rows:
        return None
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("stream")


def _belongs(stream: str, truth: Samples) -> bool:
    """Whether rows of a stream are made of the true rows of its space, or of their partners."""
    if stream.endswith("hat"):
        return True
    return truth.paired and truth.x is not None and truth.z is not None
