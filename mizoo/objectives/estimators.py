"""What a divergence is estimated with."""

import keras


class Estimator(keras.layers.Layer):
    """An estimate of the divergence between the distributions of two samples, for the mappers to make
    small.

    Attributes:
        kind: what the zoo's table calls it.
        least_events: how many events a sample must have, at least, for an estimate; where replicas share a
            batch, the samples of all of them together.
    """

    kind: str
    least_events: int = 1

    def enough(self, sample):
        """The sample (n, …), if it is known to have `least_events` or if its size is not known yet.

        Raises:
            ValueError: if it has fewer events.
        """
        if sample.shape[0] is not None and sample.shape[0] < self.least_events:
            raise ValueError(
                f"{self.kind} needs {self.least_events} events at least, got {sample.shape[0]}"
            )
        return sample

    def loss(self, real, fake):
        """What the mappers minimise, a scalar, from batches of real and generated events."""
        raise NotImplementedError

    @property
    def critic_variables(self):
        """Trainable variables of the critic, if there is one."""
        return []

    def critic_loss(self, real, fake):
        """What the critic minimises, a scalar; None without a critic."""
        return None
