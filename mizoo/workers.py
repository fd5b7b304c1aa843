"""`fit` and `evaluate` on several machines.

Keras 3 does not train under `tf.distribute.MultiWorkerMirroredStrategy` (keras-team/keras #20585): before
the first step it takes a batch that lies across workers for a tensor, and it reduces scalar logs along an
axis that they have not. Here there is no such batch, and logs are reduced as they are.
"""

import tensorflow as tf


class AcrossWorkers:
    """Mixin for a `keras.Model` with `train_step` and `test_step` of its own, built at construction."""

    distribute_strategy: tf.distribute.Strategy

    @property
    def spans_workers(self) -> bool:
        """Whether the model lives on several machines."""
        return isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def make_train_function(self, force=False):
        """Function that trains on batches of an iterator."""
        if not self.spans_workers:
            super().make_train_function(force)
        elif force or self.train_function is None:
            self.train_function = self._across(self.train_step)

    def make_test_function(self, force=False):
        """Function that evaluates batches of an iterator."""
        if not self.spans_workers:
            super().make_test_function(force)
        elif force or self.test_function is None:
            self.test_function = self._across(self.test_step)

    def _across(self, step):
        """Steps on batches of an iterator, as many as an execution has; logs are means of replicas."""
        strategy = self.distribute_strategy

        @tf.function(reduce_retracing=True)
        def one(iterator):
            logs = strategy.run(step, args=(next(iterator),))
            return {name: strategy.reduce("MEAN", value, axis=None) for name, value in logs.items()}

        def several(iterator):
            for _ in range(self.steps_per_execution):
                logs = one(iterator)
            return logs

        return several

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if not self.spans_workers:
            super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)
