"""What a divergence is estimated with."""

from abc import ABC, abstractmethod

import keras

from mizoo.core.types import Tensor


class Estimator(keras.layers.Layer, ABC):
    """An estimate of the divergence between the distributions of two samples, for the mappers to make
    small.
    """

    @property
    def kind(self) -> str:
        """What the zoo's table calls it: the name of its class, unless a subclass says otherwise."""
        return type(self).__name__

    @property
    def least_events(self) -> int:
        """How many events a sample must have, at least, for an estimate; where replicas share a batch, the
        samples of all of them together.
        """
        return 1

    def enough(self, sample: Tensor) -> Tensor:
        """The sample (n, …), if it is known to have `least_events` or if its size is not known yet.

        Raises:
            ValueError: if it has fewer events.
        """
        if sample.shape[0] is not None and sample.shape[0] < self.least_events:
            raise ValueError(
                f"{self.kind} needs {self.least_events} events at least, got {sample.shape[0]}"
            )
        return sample

    @abstractmethod
    def loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the mappers minimise, a scalar, from batches (n, …) of real and generated events."""

    @property
    def critic_variables(self) -> list[keras.Variable]:
        """Trainable variables of the critic; none without one."""
        return []

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the critic minimises, a scalar, from batches (n, …) of real and generated events.

        Raises:
            ValueError: without a critic.
        """
        raise ValueError(f"{self.kind} has no critic")

    @property
    def has_nats(self) -> bool:
        """Whether the critic says what the divergence is, in nats."""
        return False

    def nats(self, real: Tensor) -> Tensor:
        """KL(real ‖ generated) in nats, a scalar, as the trained critic estimates it.

        Raises:
            ValueError: if it does not.
        """
        raise ValueError(f"{self.kind} says nothing in nats")
