"""The L terms."""

import keras

from mizoo.core.serialisation import serialisable
from mizoo.objectives.base import Objective
from mizoo.objectives.streams import LINKS, link


@serialisable
class Likelihood(Objective):
    """-E log p(target | condition) of a stream's mapper, in nats (arXiv 2112.10629, eqs. 3-8).

    On `z_tilde` and `x_tilde` it compares true pairs; on `x_hat` and `z_hat` it closes a cycle.

    Args:
        stream: `"z_tilde"`, `"x_hat"`, `"x_tilde"` or `"z_hat"`.
        weight: of the term.
        features: layer through which target and draw are compared, if any: then the likelihood is that
            of a normal distribution of variance 1 in the space of its outputs, up to a constant (arXiv
            1512.09300, eq. 8). The layer's weights are not trained by this term.
        label: appended to the term's name.
    """

    symbol = "L"

    def __init__(self, stream, weight=1.0, features=None, label="", **kwargs):
        super().__init__(stream, weight, label, **kwargs)
        self.features = features

    @property
    def draws(self):
        if self.features is not None:
            return [self.stream]
        condition = link(self.stream).condition
        return [condition] if condition in LINKS else []

    def loss(self, streams):
        # A target that is itself learnt, such as a prior, is not drawn towards what should reach it.
        target = keras.ops.stop_gradient(streams.target(self.stream))
        if self.features is None:
            return -keras.ops.mean(streams.distribution(self.stream).log_prob(target))
        drawn, true = (
            keras.ops.cast(self.features(events, training=streams.training), "float32")
            for events in (streams[self.stream], target)
        )
        gap = drawn - true
        return keras.ops.mean(keras.ops.sum(keras.ops.square(gap), range(1, len(gap.shape)))) / 2.0
