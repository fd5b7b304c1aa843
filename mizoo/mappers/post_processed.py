"""A mapper followed by a network that touches up its draws."""

from mizoo.core.serialisation import build, serialisable
from mizoo.mappers.base import Wrapped


class _PostProcessed:
    def __init__(self, inner, refine):
        self._inner = inner
        self._refine = refine

    def sample(self):
        return self._refine(self._inner.sample())

    def log_prob(self, target):
        return self._inner.log_prob(target)


@serialisable
class PostProcessed(Wrapped):
    """Another mapper's draws, post-processed by a network of the same shape (arXiv 2005.05334).

    The likelihood is that of the mapper. A `Stage` may freeze either part, `"decoder.mapper"` or
    `"decoder.network"`, while the other is trained.

    Args:
        mapper: what is refined.
        network: from one target to its correction, which is added.
    """

    kind = "refined"
    shares_latent = False

    def __init__(self, mapper, network, **kwargs):
        super().__init__(mapper, **kwargs)
        self.network = network

    def build(self, condition_shape):
        build(self.network, (None, *self.shape))
        super().build(condition_shape)

    def distribution(self, condition, noise=None, training=None):
        inner = self.mapper.distribution(condition, noise=noise, training=training)
        return _PostProcessed(
            inner, lambda draw: draw + self.of_target(self.network(draw, training=training))
        )
