"""The order of an event's objects, learnt where it is known."""

from typing import Any

import keras

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.objectives.base import Objective
from mizoo.objectives.streams import Streams
from mizoo.representations.jet_assignment import JetAssignment


@serialisable
class AssignmentLikelihood(Objective):
    """-E log p(order of the objects of x | x), in nats: for x in the representation `JetAssignment`.

    With L_z_tilde, which is given the order, it makes the likelihood of z and the order given x.

    Args:
        weight: of the term.
        stream: names the term, which is of x itself.

    Raises:
        ValueError: for another stream than z_tilde, or another representation of x.
    """

    symbol = "C"

    def __init__(
        self, weight: float = 1.0, stream: str = "z_tilde", label: str = "", **kwargs: Any
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        if stream != "z_tilde":
            raise ValueError(f"the order of x is learnt beside z_tilde, not {stream!r}")

    @property
    def draws(self) -> list[str]:
        return []

    def loss(self, streams: Streams) -> Tensor:
        x = streams.representations["x"]
        if not isinstance(x, JetAssignment):
            raise ValueError(f"{self.term} needs x in the representation JetAssignment")
        of_order = x.log_prob(streams["x"], training=streams.training)
        return -keras.ops.mean(of_order)
