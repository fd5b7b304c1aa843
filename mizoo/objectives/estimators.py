"""The base class of estimators of divergences."""

from abc import ABC, abstractmethod

import keras

from mizoo.core.types import Tensor


class Estimator(keras.layers.Layer, ABC):
    """Estimates the divergence between two distributions from samples, for the mappers to minimise."""

    @property
    def kind(self) -> str:
        """Name in the table of models; by default the name of the class."""
        return type(self).__name__

    @property
    def least_events(self) -> int:
        """Minimum number of events per sample; replicas that share a batch count together."""
        return 1

    def enough(self, sample: Tensor) -> Tensor:
        """The sample (n, …), if its size is unknown or at least `least_events`.

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
        """Loss of the mappers, a scalar, from batches (n, …) of real and generated events."""

    @property
    def critic_variables(self) -> list[keras.Variable]:
        """Trainable variables of the critic, if there is one."""
        return []

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the critic, a scalar, from batches (n, …) of real and generated events.

        Raises:
            ValueError: if there is no critic.
        """
        raise ValueError(f"{self.kind} has no critic")

    @property
    def has_nats(self) -> bool:
        """Whether the critic estimates the divergence in nats."""
        return False

    def nats(self, real: Tensor) -> Tensor:
        """KL(real ‖ generated) in nats, a scalar, as the trained critic estimates it.

        Raises:
            ValueError: if there is no such estimate.
        """
        raise ValueError(f"{self.kind} has no estimate in nats")
