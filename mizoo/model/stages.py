"""Trainings in several stages, with other terms or other parts in each."""

from collections.abc import Iterable, Mapping

from mizoo.core.serialisation import serialisable


@serialisable
class Stage:
    """From a share of the epochs on, train these terms and leave these parts alone.

    Args:
        start: share of the epochs, 0 to 1, after which the stage begins. Each stage has an epoch at
            least, if there are as many epochs as stages.
        weights: of the terms that are trained in it; all others are off.
        frozen: parts of the model that are not trained in it, as in `"decoder.mapper"`.

    Raises:
        ValueError: for a `start` that is no share.
    """

    def __init__(self, start: float, weights: Mapping[str, float], frozen: Iterable[str] = ()) -> None:
        if not 0.0 <= start <= 1.0:
            raise ValueError(f"a stage starts at a share of the epochs, 0 to 1, not at {start}")
        self.start = start
        self.weights = dict(weights)
        self.frozen = tuple(frozen)
