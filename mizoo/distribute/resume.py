"""Training that starts in the middle of an epoch."""

from collections.abc import Iterator
from typing import Any

from mizoo.distribute.train_function import Logs, TrainFunction, WrappedTrainFunction


class Resumable(WrappedTrainFunction):
    """Mixin for a `keras.Model` that skips the steps done before an interruption."""

    _done_before = 0

    def pass_over(self, steps: int) -> None:
        """Skip the first steps of the next epoch; its data must begin after them.

        Args:
            steps: number of steps, a multiple of `steps_per_execution`; 0 for none.
        """
        self._done_before = steps

    def execute(self, train: TrainFunction, iterator: Iterator[Any]) -> Logs:
        """Train on the batches of one execution, or skip it if it was done before."""
        if self._done_before <= 0:
            return super().execute(train, iterator)
        self._done_before -= self.steps_per_execution
        logs: Logs = self.get_metrics_result()
        return logs
