"""The order of an event's objects, learnt where it is known."""

import keras

from mizoo.core.serialisation import serialisable
from mizoo.objectives.base import Objective


@serialisable
class AssignmentLikelihood(Objective):
    """-E log p(order of the objects of x | x), in nats: for x in the representation `JetAssignment`.

    With L_z_tilde, which is given the order, it makes the likelihood of z and the order given x.

    Args:
        weight: of the term.
        stream: names the term, which is of x itself.

    Raises:
        ValueError: for another stream than z_tilde.
    """

    symbol = "C"

    def __init__(self, weight=1.0, stream="z_tilde", label="", **kwargs):
        super().__init__(stream, weight, label, **kwargs)
        if stream != "z_tilde":
            raise ValueError(f"the order of x is learnt beside z_tilde, not {stream!r}")

    @property
    def draws(self):
        return []

    def loss(self, streams):
        of_order = streams.representations["x"].log_prob(streams["x"], training=streams.training)
        return -keras.ops.mean(of_order)
