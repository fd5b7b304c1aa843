"""Trainings that begin in the middle of an epoch."""

from collections.abc import Iterator
from typing import Any

from mizoo.distribute.train_function import Logs, TrainFunction, WrappedTrainFunction


class Resumable(WrappedTrainFunction):
    """Mixin for a `keras.Model`: steps that were done before are passed over."""

    _done_before = 0

    def pass_over(self, steps: int) -> None:
        """Leave out so many steps of the epoch to be trained next; its data must begin after them.

        Args:
            steps: a multiple of the steps of an execution; 0 for none.
        """
        self._done_before = steps

    def execute(self, train: TrainFunction, iterator: Iterator[Any]) -> Logs:
        """Train on the batches of one execution, unless it was done before."""
        if self._done_before <= 0:
            return super().execute(train, iterator)
        self._done_before -= self.steps_per_execution
        logs: Logs = self.get_metrics_result()
        return logs
