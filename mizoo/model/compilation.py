"""A message where TensorFlow takes long to compile a step, which it does once per shape."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from mizoo.distribute.train_function import Logs, TrainFunction

PATIENCE = 3.0  # seconds until the message


class Announced(keras.Model):
    """Mixin of `Turbo`: prints a message if the first call of a step takes longer than `PATIENCE`.

    TensorFlow traces a step when it is called with data of new shapes, and XLA then compiles parts of it.
    The traced code calls `announce`, which starts a timer. The timer is cancelled when the call returns.
    """

    train_function: Any  # of `keras.Model`, which does not annotate it
    test_function: Any
    _audible = False
    _due: threading.Timer | None = None

    @contextmanager
    def announcing(self, verbose: Any) -> Iterator[None]:
        """Context in which long compilations are announced, unless `verbose` is 0."""
        former, self._audible = self._audible, bool(verbose)
        try:
            yield
        finally:
            self._audible = former

    def announce(self, step: str) -> None:
        """Start the timer for the step of this name, as it is traced; without effect if run eagerly."""
        if self._audible and self._due is None and not tf.executing_eagerly():
            line = f"compiling the {step} step of {self.name}, once; this may take a minute"
            self._due = threading.Timer(PATIENCE, print, [line], {"flush": True})
            self._due.daemon = True
            self._due.start()

    def make_train_function(self, force: bool = False) -> None:
        """Make the function that trains on batches, which cancels the timer when it returns."""
        if force or self.train_function is None:
            super().make_train_function(force)
            self.train_function = self._returning(self.train_function)

    def make_test_function(self, force: bool = False) -> None:
        """Make the function that evaluates on batches, which cancels the timer when it returns."""
        if force or self.test_function is None:
            super().make_test_function(force)
            self.test_function = self._returning(self.test_function)

    def _returning(self, call: TrainFunction) -> TrainFunction:
        def returning(iterator: Iterator[Any]) -> Logs:
            try:
                return call(iterator)
            finally:
                if self._due is not None:
                    self._due.cancel()
                    self._due = None

        return returning
