"""Hooks around every execution of a model's train function."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from mizoo.core.types import Tensor

Logs: TypeAlias = dict[str, Tensor]
TrainFunction: TypeAlias = Callable[[Iterator[Any]], Logs]


class Trainer(keras.Model):
    """Types of the attributes that Keras sets on a trained model."""

    train_function: TrainFunction | None
    test_function: TrainFunction | None
    predict_function: Callable[[Iterator[Any]], Any] | None
    steps_per_execution: int
    distribute_strategy: tf.distribute.Strategy


class WrappedTrainFunction(Trainer):
    """Mixin for a `keras.Model` whose executions other mixins wrap by overriding `execute`."""

    def execute(self, train: TrainFunction, iterator: Iterator[Any]) -> Logs:
        """Train on the `steps_per_execution` batches of one execution."""
        return train(iterator)

    def make_train_function(self, force: bool = False) -> None:
        """Create the function that trains on batches of an iterator."""
        if not force and self.train_function is not None:
            return
        super().make_train_function(force=True)
        if (train := self.train_function) is not None:
            self.train_function = lambda iterator: self.execute(train, iterator)
