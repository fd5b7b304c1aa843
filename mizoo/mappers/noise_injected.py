"""Networks with and without noise in their input: the mappers of Turbo-Sim and of auto-encoders."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Network, Shape, Tensor
from mizoo.mappers.base import NetworkMapper
from mizoo.mappers.conditional import Conditional, sum_over_components

LIKELIHOODS = {"normal": tfp.distributions.Normal, "laplace": tfp.distributions.Laplace}


class FixedScale(Conditional):
    """A distribution of fixed scale around a draw."""

    def __init__(self, draw: Tensor, family: str, scale: float) -> None:
        self._draw = draw
        self._density = LIKELIHOODS[family](draw, scale)

    def sample(self) -> Tensor:
        return self._draw

    def log_prob(self, target: Tensor) -> Tensor:
        return sum_over_components(self._density.log_prob(tf.cast(target, tf.float32)))


@serialisable
class Deterministic(NetworkMapper):
    """A network, with a likelihood of fixed scale around its output.

    Up to a factor and a constant, the negative log-likelihood is the squared error (`likelihood="normal"`)
    or the absolute error (`"laplace"`).

    Args:
        network: Keras layer or model from condition to target.
        shape: shape of one target.
        likelihood: `"normal"` or `"laplace"`.
        scale: scale of the likelihood, above 0, in units of the target.

    Raises:
        ValueError: for an unknown likelihood, or a scale that is not above 0.
    """

    kind = "deterministic"

    def __init__(
        self, network: Network, shape: Shape, likelihood: str = "normal", scale: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(network, shape, **kwargs)
        if likelihood not in LIKELIHOODS:
            raise ValueError(f"likelihood must be one of {', '.join(LIKELIHOODS)}, not {likelihood!r}")
        if not scale > 0.0:
            raise ValueError(f"scale must be above 0, not {scale}")
        self.likelihood = likelihood
        self.scale = scale

    def noise_shape(self, condition_shape: Shape) -> Shape | None:
        return None

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> FixedScale:
        self.draw(condition, noise)  # raises an error if noise is given, as it would not be used
        return self.around(self.network(condition, training=training))

    def around(self, draw: Tensor) -> FixedScale:
        """The distribution whose sample is `draw` and whose likelihood is centred on it."""
        return FixedScale(self.of_target(draw), self.likelihood, self.scale)


@serialisable
class NoiseInjected(Deterministic):
    """A network with Gaussian noise added to its input (Turbo-Sim, arXiv 2112.10629).

    Args:
        network, shape, likelihood, scale: see `Deterministic`.
        stddev: standard deviation of the noise, above 0.

    Raises:
        ValueError: as `Deterministic` does, or for a `stddev` that is not above 0.
    """

    kind = "noise-injected"

    def __init__(self, network: Network, shape: Shape, stddev: float = 0.05, **kwargs: Any) -> None:
        super().__init__(network, shape, **kwargs)
        if not stddev > 0.0:
            raise ValueError(f"stddev must be above 0, not {stddev}; without noise, use Deterministic")
        self.stddev = stddev

    def noise_shape(self, condition_shape: Shape) -> Shape | None:
        return condition_shape

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> FixedScale:
        noise = keras.ops.cast(self.draw(condition, noise)(), condition.dtype)
        return super().distribution(condition + self.stddev * noise, training=training)
