"""A mapper followed by a network that post-processes its draws."""

from collections.abc import Callable
from typing import Any

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.mappers.base import Mapper, Wrapped
from mizoo.mappers.conditional import Conditional, Transformed


class PostProcessedDistribution(Transformed):
    """A distribution with post-processed draws and the likelihood of the inner distribution."""

    def __init__(self, inner: Conditional, refine: Callable[[Tensor], Tensor]) -> None:
        super().__init__(inner)
        self._refine = refine

    def sample(self) -> Tensor:
        return self._refine(self._inner.sample())

    def log_prob(self, target: Tensor) -> Tensor:
        return self._inner.log_prob(target)


@serialisable
class PostProcessed(Wrapped):
    """Another mapper, with draws post-processed by a network of the same shape (arXiv 2005.05334).

    The likelihood is that of the inner mapper. A `Stage` may freeze either part, `"decoder.mapper"` or
    `"decoder.network"`, while the other is trained.

    Args:
        mapper: mapper whose draws are post-processed.
        network: network from one target to its correction, which is added.
    """

    kind = "refined"
    shares_latent = False

    def __init__(self, mapper: Mapper, network: Network, **kwargs: Any) -> None:
        super().__init__(mapper, **kwargs)
        self.network = network

    def build(self, condition_shape: BatchShape) -> None:
        build(self.network, (None, *self.shape))
        super().build(condition_shape)

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> PostProcessedDistribution:
        inner = self.mapper.distribution(condition, noise=noise, training=training)
        return PostProcessedDistribution(
            inner, lambda draw: draw + self.of_target(self.network(draw, training=training))
        )
