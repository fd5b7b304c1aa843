"""The L terms."""

import keras

from mizoo.objectives.base import Objective
from mizoo.objectives.streams import LINKS, link
from mizoo.serialisation import serialisable


@serialisable
class Likelihood(Objective):
    """-E log p(target | condition) of a stream's mapper, in nats (arXiv 2112.10629, eqs. 3-8).

    On `z_tilde` and `x_tilde` it compares true pairs; on `x_hat` and `z_hat` it closes a cycle.

    Args:
        stream: `"z_tilde"`, `"x_hat"`, `"x_tilde"` or `"z_hat"`.
        weight: of the term.
    """

    symbol = "L"

    def __init__(self, stream, weight=1.0, **kwargs):
        link(stream)
        super().__init__(stream, weight, **kwargs)

    @property
    def draws(self):
        condition = link(self.stream).condition
        return [condition] if condition in LINKS else []

    def loss(self, streams):
        return -keras.ops.mean(streams.given(self.stream).log_prob(streams.target(self.stream)))
