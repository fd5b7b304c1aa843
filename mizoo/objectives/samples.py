"""Divergences estimated from two samples, without a critic.

Replicas that share a batch estimate from the whole batch. The mean of estimates from its parts would have
more bias (sliced Wasserstein) or more noise (the others).

Samples of too few events raise an error where their size is known, which is eagerly or as graphs are
traced. Otherwise the value is NaN. `Turbo` refuses such batches by `Objective.least_events`, and
`StopWhereNotFinite` ends a training that still meets one.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Tensor
from mizoo.distribute import collectives
from mizoo.objectives.estimators import Estimator

KERNELS = {
    "rbf": lambda squares: tf.exp(-squares),
    "imq": lambda squares: 1.0 / (1.0 + squares),
}


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances (n, m) of events a (n, d) and b (m, d)."""
    squares = tf.reduce_sum(tf.square(a), 1)[:, None] + tf.reduce_sum(tf.square(b), 1)
    return tf.maximum(squares - 2.0 * tf.matmul(a, b, transpose_b=True), 0.0)


def _mean_of_others(matrix: Tensor) -> Tensor:
    """Mean of a square matrix over pairs of different events, without its diagonal."""
    n = tf.cast(tf.shape(matrix)[0], matrix.dtype)
    return (tf.reduce_sum(matrix) - tf.linalg.trace(matrix)) / (n * (n - 1.0))


class _OfSamples(Estimator):
    """An estimator from two samples, without a critic."""

    def loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.estimate(self._flat(real), self._flat(fake))

    @abstractmethod
    def estimate(self, real: Tensor, fake: Tensor) -> Tensor:
        """The estimate, a scalar, from samples (n, d) and (m, d) in single precision."""

    def _flat(self, sample: Tensor) -> Tensor:
        flat = tf.reshape(tf.cast(sample, tf.float32), (-1, math.prod(sample.shape[1:])))
        flat = self.enough(collectives.gather(flat))
        return tf.where(tf.shape(flat)[0] < self.least_events, math.nan, flat)


@serialisable
class MMD(_OfSamples):
    """Maximum mean discrepancy, squared and unbiased (Gretton et al., JMLR 13, 2012, lemma 6).

    With s = squared distance / (2 width² × components), the kernel is the mean over the widths of exp(-s)
    or of 1 / (1 + s) (inverse multiquadratic, arXiv 1711.01558).

    Args:
        kernel: `"imq"` or `"rbf"`.
        widths: widths of the kernel, in units of the coordinates.

    Raises:
        ValueError: for an unknown kernel, and for no width or one that is not positive.
    """

    kind = "MMD"
    least_events = 2

    def __init__(
        self, kernel: str = "imq", widths: Sequence[float] = (0.2, 0.5, 1.0, 2.0, 5.0), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}, not {kernel!r}")
        self.kernel = kernel
        self.widths = [float(width) for width in widths]
        if not self.widths or min(self.widths) <= 0.0:
            raise ValueError(f"widths must be positive numbers, not {self.widths}")

    def _kernel(self, a: Tensor, b: Tensor) -> Tensor:
        squares = _squared_distances(a, b) / (2.0 * a.shape[1])
        return sum(KERNELS[self.kernel](squares / w**2) for w in self.widths) / len(self.widths)

    def estimate(self, real: Tensor, fake: Tensor) -> Tensor:
        within = _mean_of_others(self._kernel(real, real)) + _mean_of_others(self._kernel(fake, fake))
        return within - 2.0 * tf.reduce_mean(self._kernel(real, fake))


@serialisable
class EnergyDistance(_OfSamples):
    """2 E|X - Y| - E|X - X'| - E|Y - Y'|, unbiased (Székely and Rizzo, JSPI 143, 2013)."""

    kind = "energy distance"
    least_events = 2

    def estimate(self, real: Tensor, fake: Tensor) -> Tensor:
        within = _mean_of_others(self._distances(real, real)) + _mean_of_others(self._distances(fake, fake))
        return 2.0 * tf.reduce_mean(self._distances(real, fake)) - within

    @staticmethod
    def _distances(a: Tensor, b: Tensor) -> Tensor:
        return tf.sqrt(_squared_distances(a, b) + 1e-9)  # the root has no gradient at 0


@serialisable
class SlicedWasserstein(_OfSamples):
    """Mean of W_p^p over random directions (arXiv 1804.01947); both samples must have the same size.

    Args:
        projections: number of directions, drawn anew for each estimate.
        power: p, 2 or 1.

    Raises:
        ValueError: for no projections, another power, and samples of different sizes (an
            `InvalidArgumentError` where these are known at run time only).
    """

    kind = "sliced Wasserstein"

    def __init__(self, projections: int = 100, power: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if projections < 1 or power not in (1, 2):
            raise ValueError(
                f"projections must be 1 or more and power 1 or 2, not {projections} and {power}"
            )
        self.projections = projections
        self.power = power
        self.seed_generator = keras.random.SeedGenerator()

    def estimate(self, real: Tensor, fake: Tensor) -> Tensor:
        if not real.shape.is_compatible_with(fake.shape):
            raise ValueError(f"samples must be of one size, got {real.shape[0]} and {fake.shape[0]} events")
        shape = (real.shape[1], self.projections)
        directions = keras.random.normal(shape, dtype="float32", seed=self.seed_generator)
        directions = directions / tf.norm(directions, axis=0)
        # Sorting is fast along the last axis.
        real, fake = (tf.sort(tf.matmul(directions, s, True, True)) for s in (real, fake))
        # A difference would broadcast a single event.
        gap = tf.reduce_sum(tf.stack([real, -fake]), 0)
        return tf.reduce_mean(tf.abs(gap) ** self.power)


@serialisable
class NormalKL(_OfSamples):
    """KL(real ‖ generated) in nats, in closed form, of normal distributions with the samples' moments.

    Without a ridge, samples of d components need d + 1 events, as covariances of fewer are singular.

    Args:
        ridge: value added to the variances.

    Raises:
        ValueError: for a negative ridge.
    """

    kind = "KL of normals"

    def __init__(self, ridge: float = 1e-4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if ridge < 0.0:
            raise ValueError(f"ridge must be 0 or more, not {ridge}")
        self.ridge = ridge
        self._least_events = 2

    def build(self, shape: BatchShape) -> None:
        if not self.ridge:
            self._least_events = 1 + math.prod(shape[1:])
        self.built = True

    @property
    def least_events(self) -> int:
        return self._least_events

    def _normal(self, sample: Tensor) -> tfp.distributions.MultivariateNormalTriL:
        covariance = tfp.stats.covariance(sample) + self.ridge * tf.eye(sample.shape[1])
        return tfp.distributions.MultivariateNormalTriL(
            tf.reduce_mean(sample, 0), tf.linalg.cholesky(covariance)
        )

    def loss(self, real: Tensor, fake: Tensor) -> Tensor:
        build(self, real.shape)
        return super().loss(real, fake)

    def estimate(self, real: Tensor, fake: Tensor) -> Tensor:
        return tfp.distributions.kl_divergence(self._normal(real), self._normal(fake))
