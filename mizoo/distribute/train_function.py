"""What is done around every execution of a model's train function."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from mizoo.core.types import Tensor

Logs: TypeAlias = dict[str, Tensor]
TrainFunction: TypeAlias = Callable[[Iterator[Any]], Logs]


class Trainer(keras.Model):
    """What Keras keeps of a model that is trained, with its types."""

    train_function: TrainFunction | None
    test_function: TrainFunction | None
    predict_function: Callable[[Iterator[Any]], Any] | None
    steps_per_execution: int
    distribute_strategy: tf.distribute.Strategy


class WrappedTrainFunction(Trainer):
    """Mixin for a `keras.Model`: mixins before it decide what an execution is, by `execute`."""

    def execute(self, train: TrainFunction, iterator: Iterator[Any]) -> Logs:
        """Train on the batches of one execution, as many as an iterator gives for `steps_per_execution`."""
        return train(iterator)

    def make_train_function(self, force: bool = False) -> None:
        """Function that trains on batches of an iterator."""
        if not force and self.train_function is not None:
            return
        super().make_train_function(force=True)
        if (train := self.train_function) is not None:
            self.train_function = lambda iterator: self.execute(train, iterator)
