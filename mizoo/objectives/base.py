"""What a sub-objective is: one named, weighted term of a model's loss."""

from abc import ABC, abstractmethod
from typing import Any

import keras

from mizoo.core.types import BatchShape, Tensor
from mizoo.objectives.streams import Streams, link


class Objective(keras.layers.Layer, ABC):
    """One term of the loss that the mappers minimise.

    Subclasses set `symbol`, which with the stream names the term, and implement `loss(streams)`.

    Args:
        stream: that the term is of.
        weight: of the term; a term of weight 0 is not computed.
        label: appended to the term's name, to tell apart terms of one kind on one stream.

    Raises:
        ValueError: for a name that is none of the four streams'.
    """

    symbol: str

    def __init__(self, stream: str, weight: float = 1.0, label: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        link(stream)
        self.stream = stream
        self.weight = float(weight)
        self.label = label

    def build(self, x_shape: BatchShape, z_shape: BatchShape) -> None:
        """Make weights for batches of coordinates of these shapes."""
        self.built = True

    @property
    def term(self) -> str:
        """Name of the term in logs: the paper's letter and the stream, as in `L_z_tilde`."""
        return "_".join(part for part in (self.symbol, self.stream, self.label) if part)

    @property
    def note(self) -> str:
        """What is special about the term, for the zoo's table."""
        return self.label

    @property
    def critic_term(self) -> str:
        """Name of the critic's loss in logs, as in `critic_z_tilde`."""
        return "_".join(part for part in ("critic", self.stream, self.label) if part)

    @property
    def least_events(self) -> int:
        """How many events a batch must have, at least, for the term to have a value.

        The losses cannot refuse batches of a size that is known at run time alone: `Turbo` does, by this.
        """
        return 1

    @property
    def draws(self) -> list[str]:
        """The streams of which this term needs draws: its own, unless a subclass knows better."""
        return [self.stream]

    @property
    def critic_variables(self) -> list[keras.Variable]:
        """Trainable variables of this term's critic; none without one."""
        return []

    def critic_loss(self, streams: Streams) -> Tensor:
        """Loss of this term's critic on (detached) streams, a scalar.

        Raises:
            ValueError: without a critic.
        """
        raise ValueError(f"{self.term} has no critic")

    @abstractmethod
    def loss(self, streams: Streams) -> Tensor:
        """The term's value on one batch of `Streams`, a scalar."""
