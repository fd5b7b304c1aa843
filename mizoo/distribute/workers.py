"""`fit` and `evaluate` with several replicas per batch, on one or several machines.

Keras 3 does not train under `tf.distribute.MultiWorkerMirroredStrategy` (keras-team/keras #20585): before
the first step it mistakes a distributed batch for a tensor, and it reduces scalar logs along an axis that
they lack. Here no first batch is needed, and logs are means over the events of all replicas.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from mizoo.compat import all_layers
from mizoo.core.types import Tensor
from mizoo.distribute.train_function import Logs, Trainer, TrainFunction


class AcrossReplicas(Trainer):
    """Mixin for a `keras.Model` that is built at construction and logs `means` (Keras metrics by name)."""

    means: dict[str, keras.metrics.Mean]

    def check_batch(self, batch_size: int) -> None:
        """Check that replicas share a batch evenly.

        Raises:
            ValueError: if they do not; it names their number.
        """
        replicas = self.distribute_strategy.num_replicas_in_sync
        if batch_size % replicas:
            raise ValueError(f"{replicas} replicas cannot share a batch of {batch_size} evenly")

    @property
    def spans_replicas(self) -> bool:
        """Whether several replicas train the model."""
        return bool(self.distribute_strategy.num_replicas_in_sync > 1)

    def make_train_function(self, force: bool = False) -> None:
        """Create the function that trains on batches of an iterator.

        Raises:
            ValueError: if several replicas train a model that is compiled with XLA, which cannot
                synchronise them, that runs eagerly, or that has a batch normalisation which is not
                synchronised; or if the weights are on parameter servers.
        """
        if isinstance(self.distribute_strategy, tf.distribute.ParameterServerStrategy):
            raise ValueError(
                "no training under ParameterServerStrategy: Keras 3 has no `fit` for it, and workers that "
                "update the weights independently do not evaluate a batch with one model; use 'multiworker'"
            )
        if not self.spans_replicas:
            super().make_train_function(force)
        elif force or self.train_function is None:
            options = {"jit_compile": self.jit_compile, "run_eagerly": self.run_eagerly}
            for option, chosen in options.items():
                if chosen:
                    raise ValueError(f"{option}=True does not work under {_name(self.distribute_strategy)}")
            for layer in all_layers(self):
                if isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized:
                    raise ValueError(
                        f"{layer.name} normalises each replica's part of the batch: give it "
                        "synchronized=True"
                    )
            self.train_function = self._across(self.train_step)

    def make_test_function(self, force: bool = False) -> None:
        """Create the function that evaluates batches of an iterator."""
        if not self.spans_replicas:
            super().make_test_function(force)
        elif force or self.test_function is None:
            self.test_function = self._across(self.test_step)

    def _across(self, step: Callable[[Any], dict[str, Tensor]]) -> TrainFunction:
        """Function that runs the steps of one execution on all replicas."""
        strategy = self.distribute_strategy
        names: list[str] = []

        def sums(batch: Any) -> Tensor:
            names[:] = step(batch)
            return tf.stack(
                [(self.means[name].total.value, self.means[name].count.value) for name in names]
            )

        @tf.function(autograph=False, reduce_retracing=True)
        def one(iterator: Iterator[Any]) -> Tensor:
            # One all-reduce for all sums: between machines the number of messages takes the time.
            return strategy.reduce("SUM", strategy.run(sums, args=(next(iterator),)), axis=None)

        def execution(iterator: Iterator[Any]) -> Logs:
            try:
                for _ in range(self.steps_per_execution):
                    reduced = one(iterator)
            except tf.errors.OutOfRangeError:
                raise StopIteration from None
            return dict(zip(names, reduced[:, 0] / reduced[:, 1], strict=True))

        return execution


def _name(strategy: tf.distribute.Strategy) -> str:
    return type(strategy).__name__
