"""Stages of a training, with different terms or trainable parts."""

from collections.abc import Iterable, Mapping

from mizoo.core.serialisation import serialisable


@serialisable
class Stage:
    """From a fraction of the epochs on, train these terms and freeze these parts.

    Args:
        start: fraction of the epochs, 0 to 1, after which the stage begins. Each stage has at least one
            epoch, if there are as many epochs as stages.
        weights: weights of the terms to train; all others are off.
        frozen: parts of the model to freeze, such as `"decoder.mapper"`.

    Raises:
        ValueError: for a `start` that is not a fraction.
    """

    def __init__(self, start: float, weights: Mapping[str, float], frozen: Iterable[str] = ()) -> None:
        if not 0.0 <= start <= 1.0:
            raise ValueError(f"a stage starts at a fraction of the epochs, 0 to 1, not at {start}")
        self.start = start
        self.weights = dict(weights)
        self.frozen = tuple(frozen)
