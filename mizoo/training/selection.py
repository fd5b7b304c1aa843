"""The distance on validation data by which a run selects the epoch that it keeps."""

from mizoo.datasets.samples import Samples
from mizoo.training.callbacks import KSDistance
from mizoo.training.image_distance import FrechetDistance, image_spaces
from mizoo.training.measured import Measured

_DISTANCES: dict[str, type[Measured]] = {"ks": KSDistance, "frechet": FrechetDistance}


def check_selection(select_by: str) -> None:
    """Check the name of a distance, see `Recipe`.

    Raises:
        ValueError: for another name.
    """
    if select_by not in (names := ("auto", *_DISTANCES)):
        raise ValueError(f"select_by must be one of {', '.join(names)}, not {select_by!r}")


def resolved(select_by: str, validation: Samples) -> str:
    """The name of a distance in place of `"auto"`: `"frechet"` if x are images, else `"ks"`.

    Raises:
        ValueError: for a Fréchet distance without two validation images or more.
    """
    images = image_spaces(validation)
    if select_by == "frechet" and not images:
        raise ValueError("select_by is 'frechet', which needs two validation images (n, H, W, C) or more")
    if select_by != "auto":
        return select_by
    return "frechet" if "x" in images else "ks"


def measured(select_by: str, validation: Samples, every: int, start: int) -> Measured:
    """The callback of a distance that is `resolved`."""
    return _DISTANCES[select_by](validation, every, start)
