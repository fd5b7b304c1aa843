"""The efficiency of a selection, learnt from the partons of generated events."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import Array, BatchShape, Tensor
from mizoo.networks import mlp
from mizoo.physics import kinematics, planar
from mizoo.physics.particles import DetectorObject
from mizoo.physics.process import Process

_NEAR = 0.1  # distances in η and φ below which objects are as good as at one place
_SHARPNESS = 0.2  # of the steps at thresholds, in η and in log pT


@serialisable
class Efficiency(keras.Model):
    """The probability that an event passes the selection of its detector objects, given its partons.

    It is compiled with the binary cross-entropy, trained by `fit(z, passed)` as any Keras model, and saved
    by `save("efficiency.keras")`. Predictions are an array (n, 1). The inputs of the network do not change
    if the event rotates about the beam: log(1 + pT/20 GeV) and pseudorapidity of each parton, the distances
    √(Δη² + Δφ²) of all pairs, and steps where partons pass the thresholds of the objects that they become.

    A network that has been trained for too long is too certain. `calibrate` mends this.

    Args:
        process: process of the events.
        hidden: units of the hidden layers.
        learning_rate: learning rate of Adam.
    """

    def __init__(
        self,
        process: Process | dict[str, Any],
        hidden: Sequence[int] = (64, 64),
        learning_rate: float = 0.005,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.process = process if isinstance(process, Process) else Process(**process)
        self.hidden = tuple(hidden)
        self.learning_rate = learning_rate
        self.network = mlp(self.hidden, 1, activation="silu")
        self.slope = self.add_weight((), "ones", name="slope", trainable=False)
        self.offset = self.add_weight((), "zeros", name="offset", trainable=False)
        optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=0.1)
        self.compile(optimizer, "binary_crossentropy", jit_compile=False)
        build(self, (None, 4 * len(self.process.partons)))
        self.optimizer.build(self.trainable_variables)  # so that it is saved

    def build(self, input_shape: BatchShape) -> None:
        """Build the network."""
        count = len(self.process.partons)
        width = 3 * count + count * (count - 1) // 2 + 2 * len(_visible(self.process))
        build(self.network, (None, width))
        self.built = True

    def call(self, z: Tensor, training: bool | None = None) -> Tensor:
        """Probabilities (n, 1) of partons (n, 4 × partons) in GeV."""
        return tf.sigmoid(self.slope * self._logit(z, training) + self.offset)

    def probability(self, z: Array, batch_size: int = 10_000) -> np.ndarray:
        """Probabilities (n,) of partons.

        Args:
            z: partons (n, 4 × partons) in GeV.
            batch_size: number of events at a time.

        Raises:
            ValueError: for another shape.
        """
        events = _partons(z, self.process)
        found = [self(events[i : i + batch_size]).numpy() for i in range(0, len(events), batch_size)]
        return np.concatenate([np.empty((0, 1), "float32"), *found])[:, 0]

    def calibrate(self, z: Array, passed: ArrayLike) -> None:
        """Scale and shift the logarithm of the odds, so that it fits events not used for training.

        This is Platt scaling (Platt 1999). Without the shift, a network trained on a few thousand events
        expects too many or too few to pass. The result replaces that of an earlier call.

        Args:
            z: partons (n, 4 × partons) in GeV.
            passed: whether the events pass, (n,).

        Raises:
            ValueError: for another shape, or if all events pass or none.
        """
        events, label = _partons(z, self.process), np.asarray(passed)
        if label.shape != (len(events),) or len(set(label.tolist())) != 2:
            raise ValueError(
                f"passed must be a flag for each of {len(events)} events, of either value, got an array "
                f"{label.shape} of {sorted(set(label.ravel().tolist()))[:3]}"
            )
        fit = LogisticRegression(C=np.inf).fit(self._logit(events).numpy(), label)
        self.slope.assign(fit.coef_[0, 0])
        self.offset.assign(fit.intercept_[0])

    def _logit(self, z: Tensor, training: bool | None = None) -> Tensor:
        return self.network(inputs(z, self.process), training=training)


def _partons(z: Array, process: Process) -> np.ndarray:
    events = np.asarray(z, "float32")
    if events.ndim != 2 or events.shape[1] != 4 * len(process.partons):
        raise ValueError(
            f"z must be partons of {process.name}, (n, {4 * len(process.partons)}), got {events.shape}"
        )
    return events


def inputs(z: Tensor, process: Process) -> Tensor:
    """Inputs (n, k) of the network for partons (n, 4 × partons) in GeV."""
    count = len(process.partons)
    momenta = tf.reshape(tf.cast(z, tf.float32), (-1, count, 4))
    pt, eta = kinematics.pt(momenta)[..., 0], kinematics.eta(momenta)[..., 0]
    # Scaled to a deviation of about 1.
    features = [2.0 * tf.math.log(1.0 + pt / 20.0) - 2.5, eta / 1.5, tf.abs(eta) - 1.0]
    if count > 1:
        first, second = np.transpose(list(combinations(range(count), 2)))
        phi = planar.azimuth(momenta[..., :2])[..., 0]
        of_eta, of_phi = (
            tf.gather(one, first, axis=1) - tf.gather(one, second, axis=1) for one in (eta, phi)
        )
        distance = tf.sqrt(tf.square(of_eta) + tf.square(planar.wrap(of_phi)) + 1e-12)
        features.append(2.0 * tf.math.log(_NEAR + distance) - 1.5)
    for parton, one in _visible(process):
        own = eta[:, parton : parton + 1]
        threshold = kinematics.threshold(one, own)
        excess = tf.math.log((1.0 + pt[:, parton : parton + 1]) / (1.0 + threshold))
        features += [tf.tanh(excess / _SHARPNESS), tf.tanh((tf.abs(own) - one.eta) / _SHARPNESS)]
    return tf.concat(features, -1)


def _visible(process: Process) -> list[tuple[int, DetectorObject]]:
    """Partons that become objects with thresholds, by place, and the first such object of each."""
    matches = [match for match in process.matches if match.kind != "met"]
    return [(parton, process.x[match.objects[0]]) for match in matches for parton in match.partons]
