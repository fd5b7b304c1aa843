"""Distances on validation data, logged per epoch, by which a run selects the epoch that it keeps."""

from abc import ABC, abstractmethod
from typing import Any

import keras

from mizoo.datasets.samples import Samples


class Measured(keras.callbacks.Callback, ABC):
    """Log a distance of generated from validation data under the name `monitor`.

    Args:
        events: validation `Samples`.
        every: number of epochs between two measurements; NaN is logged in between.
        start: first epoch that is measured, from 0.
    """

    monitor: str

    def __init__(self, events: Samples, every: int = 1, start: int = 0) -> None:
        super().__init__()
        self.events = events
        self.every = every
        self.start = start

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None  # Keras passes them
        measured = epoch >= self.start and (epoch + 1) % self.every == 0
        logs[self.monitor] = self.distance(epoch) if measured else float("nan")

    @abstractmethod
    def distance(self, epoch: int) -> float:
        """The distance at the end of an epoch, from 0."""

    def streams(self) -> set[str]:
        """The streams of the model that have a term."""
        return {objective.stream for objective in self.model.objectives}
