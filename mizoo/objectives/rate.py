"""The R term of the bottleneck family."""

from collections.abc import Callable, Mapping, Set
from typing import Any

import keras

from mizoo.core.prior import Prior
from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.mappers.base import Mapper
from mizoo.objectives.base import Objective
from mizoo.objectives.informative import NO_ENTROPY, Information, Informative, source
from mizoo.objectives.streams import Streams, link


@serialisable
class Rate(Informative, Objective):
    """R = E KL(q(z|x) ‖ p_z) in nats, a bound on the information of z_tilde on x (arXiv 1912.00830).

    In closed form for normal distributions (arXiv 1312.6114, appendix B), otherwise from one draw per
    event.

    Args:
        weight: weight of the term, the β of arXiv 1804.03599.
        stream: stream of a space with a prior, such as `Latent`.

    Raises:
        ValueError: for a stream of a space without a prior.
    """

    symbol = "R"

    def __init__(
        self, weight: float = 1.0, stream: str = "z_tilde", label: str = "", **kwargs: Any
    ) -> None:
        super().__init__(stream, weight, label, **kwargs)

    def informs(self, mappers: Mapping[str, Mapper | None], data: Set[str], priors: Set[str]) -> bool:
        return source(self.stream) in data | priors

    def nats(self, streams: Streams) -> Tensor:
        return self.loss(streams)

    def information(self, nats: float, entropy: Callable[[str], float]) -> Information:
        return Information(f"I({link(self.stream).condition}; {self.stream}) ≤", NO_ENTROPY, nats)

    def loss(self, streams: Streams) -> Tensor:
        prior = streams.representations[self.stream[0]]
        if not isinstance(prior, Prior):
            raise ValueError(f"{self.term} needs a prior, which {self.stream[0]} does not have")
        given = streams.distribution(self.stream)
        return keras.ops.mean(given.kl_divergence(prior, lambda: streams[self.stream]))
