"""The L terms: negative log-likelihoods."""

from collections.abc import Callable, Mapping, Set
from typing import Any

import keras

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Network, Tensor
from mizoo.mappers.base import Mapper
from mizoo.objectives.base import Objective
from mizoo.objectives.informative import Information, Informative
from mizoo.objectives.streams import LINKS, Streams, link


@serialisable
class Likelihood(Informative, Objective):
    """-E log p(target | condition) of a stream's mapper, in nats (arXiv 2112.10629, eqs. 3-8).

    On `z_tilde` and `x_tilde` it compares true pairs; on `x_hat` and `z_hat` it closes a cycle.

    Args:
        stream: `"z_tilde"`, `"x_hat"`, `"x_tilde"` or `"z_hat"`.
        weight: weight of the term.
        features: layer whose outputs of target and draw are compared instead, if any. The likelihood is
            then that of a normal distribution of variance 1 in the space of its outputs, up to a constant
            (arXiv 1512.09300, eq. 8). This term does not train the layer's weights. A condition of the
            model is joined with its input.
        label: suffix of the term's name.
    """

    symbol = "L"

    def __init__(
        self,
        stream: str,
        weight: float = 1.0,
        features: Network | None = None,
        label: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)
        self.features = features

    @property
    def draws(self) -> list[str]:
        if self.features is not None:
            return [self.stream]
        condition = link(self.stream).condition
        return [condition] if condition in LINKS else []

    def informs(self, mappers: Mapping[str, Mapper | None], data: Set[str], priors: Set[str]) -> bool:
        mapper, condition, target = link(self.stream)
        decoder = mappers[mapper]
        exact = self.features is None and decoder is not None and decoder.has_exact_log_prob
        of_pairs = condition not in LINKS
        return exact and ({"x", "z"} <= data if of_pairs else target in data | priors)

    def nats(self, streams: Streams) -> Tensor:
        return self.loss(streams)

    def information(self, nats: float, entropy: Callable[[str], float]) -> Information:
        _, condition, target = link(self.stream)
        return Information(f"I({condition}; {target}) ≥", entropy(target), entropy(target) - nats)

    def loss(self, streams: Streams) -> Tensor:
        # Draws should move towards a learnt target, such as a prior, and not the target towards them.
        target = keras.ops.stop_gradient(streams.target(self.stream))
        if self.features is None:
            return -keras.ops.mean(streams.distribution(self.stream).log_prob(target))
        drawn, true = (
            keras.ops.cast(self.features(streams.joined(events), training=streams.training), "float32")
            for events in (streams[self.stream], target)
        )
        gap = drawn - true
        return keras.ops.mean(keras.ops.sum(keras.ops.square(gap), range(1, len(gap.shape)))) / 2.0
