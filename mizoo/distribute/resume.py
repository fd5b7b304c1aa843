"""Trainings that begin in the middle of an epoch."""


class Resumable:
    """Mixin for a `keras.Model`: steps that were done before are passed over."""

    _done_before = 0

    def pass_over(self, steps):
        """Leave out so many steps of the epoch to be trained next; its data must begin after them.

        Args:
            steps: a multiple of the steps of an execution; 0 for none.
        """
        self._done_before = steps

    def make_train_function(self, force=False):
        """Function that trains on batches of an iterator, but for those that were trained on before."""
        if not force and self.train_function is not None:
            return
        super().make_train_function(force=True)
        train = self.train_function

        def function(iterator):
            if self._done_before <= 0:
                return train(iterator)
            self._done_before -= self.steps_per_execution
            return self.get_metrics_result()

        self.train_function = function
