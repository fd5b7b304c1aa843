"""Models that record the batches that they are given."""

import keras
import numpy as np
import tensorflow as tf

from mizoo import Turbo
from mizoo.datasets import Samples
from mizoo.mappers import Gaussian
from mizoo.networks import mlp
from mizoo.objectives import Divergence, terms
from mizoo.objectives.estimators import Estimator
from mizoo.representations import Identity


class Watched(Turbo):
    """A model that records the x of each batch that it is trained or evaluated on."""

    def compile(self, **options):
        super().compile(**{"optimizer": "sgd", **options, "run_eagerly": True})
        self.trained, self.tested = [], []

    def train_step(self, data):
        self.trained.append(keras.utils.unpack_x_y_sample_weight(data)[0])
        return super().train_step(data)

    def test_step(self, data):
        self.tested.append(keras.utils.unpack_x_y_sample_weight(data)[0])
        return super().test_step(data)

    def seen(self, which="trained"):
        """Batches of x, which are numbers, as lists."""
        batches = [batch["x"] if isinstance(batch, dict) else batch for batch in getattr(self, which)]
        return [batch.numpy().ravel().astype(int).tolist() for batch in batches]

    def all_seen(self, which="trained"):
        """The same, in one list."""
        return [number for batch in self.seen(which) for number in batch]


def watched(objectives=None):
    """A model of numbers x given numbers z."""
    decoder = Gaussian(mlp([], 2), (1,))
    model = Watched(None, decoder, objectives or terms({"L_x_tilde": 1.0}), Identity((1,)), Identity((1,)))
    model.compile()
    return model


def numbers(n):
    return np.arange(float(n))[:, None]


def numbered(n, **options):
    """Samples whose x are the numbers of the events."""
    return Samples(numbers(n), np.zeros((n, 1)), **options)


@keras.saving.register_keras_serializable("tests")
class Spread(Estimator):
    """Difference of standard deviations, which one event does not have."""

    kind = "spread"
    least_events = 2

    def loss(self, real, fake):
        variance = [tf.reduce_sum((v - tf.reduce_mean(v, 0)) ** 2) for v in (real, fake)]
        return tf.abs(variance[0] - variance[1]) / (tf.cast(tf.shape(real)[0], tf.float32) - 1.0)


def needy():
    return watched([Divergence("x_tilde", Spread())])


PAIRS = {"x": numbers(20), "z": np.zeros((20, 1))}
