"""Likelihood of the jet assignment."""

from typing import Any

import keras

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.objectives.base import Objective
from mizoo.objectives.streams import Streams
from mizoo.representations.jet_assignment import JetAssignment


@serialisable
class AssignmentLikelihood(Objective):
    """-E log p(order of the objects of x | x), in nats, for x in the representation `JetAssignment`.

    The sum with L_z_tilde, which is conditional on the order, is the negative log-likelihood of z and the
    order given x.

    Args:
        weight: weight of the term.
        stream: `"z_tilde"`, for the name of the term, which uses x only.

    Raises:
        ValueError: for a stream other than z_tilde, or another representation of x.
    """

    symbol = "C"

    def __init__(
        self, weight: float = 1.0, stream: str = "z_tilde", label: str = "", **kwargs: Any
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        if stream != "z_tilde":
            raise ValueError(f"stream must be 'z_tilde', not {stream!r}")

    @property
    def draws(self) -> list[str]:
        return []

    def loss(self, streams: Streams) -> Tensor:
        x = streams.representations["x"]
        if not isinstance(x, JetAssignment):
            raise ValueError(f"{self.term} needs x in the representation JetAssignment")
        of_order = x.log_prob(streams["x"], training=streams.training)
        return -keras.ops.mean(of_order)
