"""Divergences estimated from two samples alone, without a critic.

Where replicas share a batch the samples are the whole of it: the mean of estimates from parts would be
another estimate, with more bias (sliced Wasserstein) or more noise (the others).
"""

import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from mizoo import replicas
from mizoo.objectives.estimators import Estimator
from mizoo.serialisation import serialisable

KERNELS = {
    "rbf": lambda squares: tf.exp(-squares),
    "imq": lambda squares: 1.0 / (1.0 + squares),
}


def _flat(sample):
    return replicas.gather(tf.reshape(tf.cast(sample, tf.float32), (-1, math.prod(sample.shape[1:]))))


def _squared_distances(a, b):
    """Squared distances (n, m) of events a (n, d) and b (m, d)."""
    squares = tf.reduce_sum(tf.square(a), 1)[:, None] + tf.reduce_sum(tf.square(b), 1)
    return tf.maximum(squares - 2.0 * tf.matmul(a, b, transpose_b=True), 0.0)


def _mean_of_others(matrix):
    """Mean of a square matrix without its diagonal: over pairs of different events."""
    n = tf.cast(tf.shape(matrix)[0], matrix.dtype)
    return (tf.reduce_sum(matrix) - tf.linalg.trace(matrix)) / (n * (n - 1.0))


@serialisable
class MMD(Estimator):
    """Maximum mean discrepancy, squared and unbiased (Gretton et al., JMLR 13, 2012, lemma 6).

    With s = squared distance / (2 width² × components), the kernel is the mean over the widths of
    exp(-s) or of 1 / (1 + s) (inverse multiquadratic, arXiv 1711.01558).

    Args:
        kernel: `"imq"` or `"rbf"`.
        widths: in units of the coordinates.
    """

    kind = "MMD"

    def __init__(self, kernel="imq", widths=(0.2, 0.5, 1.0, 2.0, 5.0), **kwargs):
        super().__init__(**kwargs)
        if kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}, not {kernel!r}")
        self.kernel = kernel
        self.widths = [float(width) for width in widths]

    def _kernel(self, a, b):
        squares = _squared_distances(a, b) / (2.0 * a.shape[1])
        return sum(KERNELS[self.kernel](squares / w**2) for w in self.widths) / len(self.widths)

    def loss(self, real, fake):
        real, fake = _flat(real), _flat(fake)
        within = _mean_of_others(self._kernel(real, real)) + _mean_of_others(self._kernel(fake, fake))
        return within - 2.0 * tf.reduce_mean(self._kernel(real, fake))


@serialisable
class EnergyDistance(Estimator):
    """2 E|X - Y| - E|X - X'| - E|Y - Y'|, unbiased (Székely and Rizzo, JSPI 143, 2013)."""

    kind = "energy distance"

    def loss(self, real, fake):
        real, fake = _flat(real), _flat(fake)
        within = _mean_of_others(self._distances(real, real)) + _mean_of_others(self._distances(fake, fake))
        return 2.0 * tf.reduce_mean(self._distances(real, fake)) - within

    @staticmethod
    def _distances(a, b):
        return tf.sqrt(_squared_distances(a, b) + 1e-9)  # the root has no slope at 0


@serialisable
class SlicedWasserstein(Estimator):
    """Mean of W_p^p over random directions (arXiv 1804.01947); both samples must have one size.

    Args:
        projections: number of directions, drawn anew each time.
        power: p, 2 or 1.
    """

    kind = "sliced Wasserstein"

    def __init__(self, projections=100, power=2, **kwargs):
        super().__init__(**kwargs)
        self.projections = projections
        self.power = power
        self.seed_generator = keras.random.SeedGenerator()

    def loss(self, real, fake):
        real, fake = _flat(real), _flat(fake)
        shape = (real.shape[1], self.projections)
        directions = keras.random.normal(shape, dtype="float32", seed=self.seed_generator)
        directions = directions / tf.norm(directions, axis=0)
        # The last axis is the one that is sorted fast.
        real, fake = (tf.sort(tf.matmul(directions, s, True, True)) for s in (real, fake))
        return tf.reduce_mean(tf.abs(real - fake) ** self.power)


@serialisable
class NormalKL(Estimator):
    """KL(real ‖ generated) in nats, in closed form, of normal laws with the samples' moments.

    Args:
        ridge: added to the variances.
    """

    kind = "KL of normals"

    def __init__(self, ridge=1e-4, **kwargs):
        super().__init__(**kwargs)
        self.ridge = ridge

    def _normal(self, sample):
        covariance = tfp.stats.covariance(sample) + self.ridge * tf.eye(sample.shape[1])
        return tfp.distributions.MultivariateNormalTriL(
            tf.reduce_mean(sample, 0), tf.linalg.cholesky(covariance)
        )

    def loss(self, real, fake):
        return tfp.distributions.kl_divergence(self._normal(_flat(real)), self._normal(_flat(fake)))
