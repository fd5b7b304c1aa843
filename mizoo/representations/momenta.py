"""Standardised momenta, with energies from the mass shell."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.physics.particles import DetectorObject
from mizoo.physics.process import Process
from mizoo.representations.standardise import Standardise

_EDGE = 1e-6  # relative margin by which objects are inside the acceptance, against rounding


@serialisable
class Momenta(Standardise):
    """Three-momenta of objects, standardised by component; energies follow from the masses.

    Physical units are px, py, pz, E of each object in turn, in GeV. As in OTUS (arXiv 2101.08944).

    Args:
        masses: masses of the objects, in GeV.
    """

    excluded_from_config: tuple[str, ...] = ("shape", "scalar")

    def __init__(self, masses: Sequence[float], **kwargs: Any) -> None:
        super().__init__((3 * len(masses),), **kwargs)
        self.masses = [float(mass) for mass in masses]
        self.physical_shape = (4 * len(self.masses),)

    def _fit(self, data: np.ndarray) -> None:
        super()._fit(np.asarray(data).reshape(-1, len(self.masses), 4)[..., :3].reshape(-1, *self.shape))

    def call(self, physical: Tensor) -> Tensor:
        objects = keras.ops.reshape(physical, (-1, len(self.masses), 4))
        return super().call(keras.ops.reshape(objects[..., :3], (-1, *self.shape)))

    def inverse(self, coordinates: Tensor) -> Tensor:
        momenta = keras.ops.reshape(super().inverse(coordinates), (-1, len(self.masses), 3))
        objects = kinematics.on_shell(momenta, self.masses, self.compute_dtype)
        return keras.ops.reshape(objects, (-1, *self.physical_shape))


@serialisable
class AcceptedMomenta(Momenta):
    """Momenta of the detector objects of a process, inside the detector's acceptance.

    `inverse` raises objects below a threshold to it, moves those beyond the maximum |η| to it, and sorts
    objects of a kind by falling pT. Missing momentum of two components has no p_z. Events of data are
    unchanged.

    Args:
        process: process of the events.
    """

    excluded_from_config = ("shape", "scalar", "masses")

    def __init__(self, process: Process | dict[str, Any], **kwargs: Any) -> None:
        self.process = process if isinstance(process, Process) else Process(**process)
        self.process.check_plain(type(self).__name__)
        if massive := [one.name for one in self.process.x if one.massive]:
            raise ValueError(
                f"{self.process.name}: {massive[0]} is massive, and standardised momenta have no masses"
            )
        super().__init__(self.process.masses("x"), **kwargs)

    @property
    def process_of_events(self) -> Process:
        return self.process

    def _fit(self, data: np.ndarray) -> None:
        spread = np.asarray(data, "float64").reshape(-1, len(self.masses), 4)[..., :3]
        flat = spread.reshape(-1, *self.shape)
        deviation = np.where(flat.std(0) > 0.0, flat.std(0), 1.0)  # p_z of missing momentum may be 0
        self.mean.assign(flat.mean(0))
        self.deviation.assign(deviation)

    def inverse(self, coordinates: Tensor) -> Tensor:
        events = tf.reshape(super().inverse(coordinates), (-1, len(self.masses), 4))
        objects = tf.unstack(tf.cast(events, tf.float64), axis=1)
        momenta = [self._accepted(*pair) for pair in zip(self.process.x, objects, strict=True)]
        ordered = kinematics.by_falling_pt(tf.stack(momenta, 1), self.process.ordered)
        four = kinematics.on_shell(ordered, self.masses, self.compute_dtype)
        return tf.reshape(four, (-1, *self.physical_shape))

    def _accepted(self, one: DetectorObject, momentum: Tensor) -> Tensor:
        """Momentum (n, 3) of an object, moved into the acceptance."""
        pt = tf.maximum(kinematics.pt(momentum), 1e-6)
        direction = momentum[:, :2] / pt
        if one.kind == "met":
            pz = momentum[:, 2:3] if one.components == 3 else tf.zeros_like(pt)
            return tf.concat([momentum[:, :2], pz], -1)
        eta = kinematics.eta(momentum)
        bound = one.eta * (1.0 - _EDGE) if np.isfinite(one.eta) else np.inf
        inside = tf.clip_by_value(eta, -bound, bound)
        least = tf.cast(kinematics.threshold(one, inside), tf.float64)
        raised = tf.maximum(pt, least * (1.0 + _EDGE))
        moved = tf.concat([raised * direction, raised * planar.sinh(inside)], -1)
        # Objects inside the acceptance keep their last bit.
        return tf.where((raised > pt) | (tf.abs(eta) > bound), moved, momentum[:, :3])
