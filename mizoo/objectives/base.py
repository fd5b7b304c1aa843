"""The base class of sub-objectives, which are named, weighted terms of a model's loss."""

from abc import ABC, abstractmethod
from typing import Any

import keras

from mizoo.core.types import BatchShape, Tensor
from mizoo.objectives.streams import Streams, link


class Objective(keras.layers.Layer, ABC):
    """One term of the loss that the mappers minimise.

    Subclasses set `symbol`, which names the term together with the stream, and implement `loss(streams)`.

    Args:
        stream: stream of the term.
        weight: weight of the term; a term of weight 0 is not computed.
        label: suffix of the term's name, to distinguish terms of one kind on one stream.

    Raises:
        ValueError: for an unknown stream.
    """

    symbol: str

    def __init__(self, stream: str, weight: float = 1.0, label: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        link(stream)
        self.stream = stream
        self.weight = float(weight)
        self.label = label

    def build(self, x_shape: BatchShape, z_shape: BatchShape, c_shape: BatchShape | None = None) -> None:
        """Build the weights for batches of coordinates of these shapes; c is a condition, if any."""
        self.built = True

    @property
    def term(self) -> str:
        """Name of the term in logs: the paper's letter and the stream, such as `L_z_tilde`."""
        return "_".join(part for part in (self.symbol, self.stream, self.label) if part)

    @property
    def note(self) -> str:
        """Details of the term for the table of models."""
        return self.label

    @property
    def critic_term(self) -> str:
        """Name of the critic's loss in logs, such as `critic_z_tilde`."""
        return "_".join(part for part in ("critic", self.stream, self.label) if part)

    @property
    def least_events(self) -> int:
        """Minimum number of events per batch.

        `Turbo` checks it, as losses cannot check batch sizes that are known at run time only.
        """
        return 1

    @property
    def draws(self) -> list[str]:
        """Streams whose draws the term needs; by default its own."""
        return [self.stream]

    @property
    def critic_variables(self) -> list[keras.Variable]:
        """Trainable variables of this term's critic, if it has one."""
        return []

    def critic_loss(self, streams: Streams) -> Tensor:
        """Loss of this term's critic on (detached) streams, a scalar.

        Raises:
            ValueError: if the term has no critic.
        """
        raise ValueError(f"{self.term} has no critic")

    @abstractmethod
    def loss(self, streams: Streams) -> Tensor:
        """The term's value on one batch of `Streams`, a scalar."""
