"""Detector objects with jets in any order, separated from each other."""

from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.representations.constraints import least_move
from mizoo.representations.detector import DetectorObjects, cms_jet_threshold


@serialisable
class DetectorEvent(DetectorObjects):
    """Lepton, missing momentum and jets of one event, with jets in any order, which is kept.

    A jet finder separates jets by more than its radius from each other and from the lepton. `momenta` does
    so for any coordinates: the softer of two objects that are closer moves away from the other by the
    radius, until all are separated.

    Args:
        radius: minimum distance √(Δη² + Δφ²); 0 leaves jets where they are. Anti-kT jets with R = 0.5 can
            be slightly closer than R.
    """

    _JET = (75.0, 1.5)
    _IMBALANCE = 18.0  # GeV, standard deviation of the sum of all momenta along a transverse axis
    _STEPS = 10  # maximum number; most events need none

    def __init__(self, radius: float = 0.48, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.radius = radius

    def momenta(self, coordinates: Tensor) -> Tensor:
        lines, phis, etas = self._read(coordinates)
        if self.radius:
            phis, etas = self._apart(lines, phis, etas)
        return tf.stack(self._objects(lines, phis, etas), 1)

    def closing(self, coordinates: Tensor, units: Tensor) -> Tensor:
        """The smallest move (n, d) of coordinates, in `units` (n, d), that balances the transverse momenta.

        They balance up to the spread in data. Jets are not separated here.
        """
        lines, phis, etas = self._read(coordinates)
        momenta = tf.stack(self._objects(lines, phis, etas), 1)[..., :2]
        distributions = [
            (*self._LEPTON, self.lepton_pt),
            self._MISSING,
            *(self._law(eta, None) for eta in etas[2:]),
        ]
        pts = tf.unstack(kinematics.pt(momenta), axis=1)
        growth = [
            planar.modulus_slope(pt, x, *distribution)
            for pt, x, distribution in zip(pts, lines, distributions, strict=True)
        ]
        x, y = tf.split(momenta, 2, -1)
        along = kinematics.unit(momenta) * tf.stack(growth, 1)
        slopes = tf.stack([along, tf.concat([-y, x], -1), tf.zeros_like(along)], 2)
        slopes = tf.transpose(tf.reshape(slopes, (-1, *self.shape, 2)), (0, 2, 1))
        slopes *= tf.cast(units, slopes.dtype)[:, None]
        move = least_move(slopes, tf.reduce_sum(momenta, 1), self._IMBALANCE)
        return tf.cast(move, self.compute_dtype)

    def _apart(self, lines: Tensor, phis: Tensor, etas: Tensor) -> tuple[Tensor, Tensor]:
        """Azimuths and pseudorapidities of jets, separated from each other and from the lepton."""
        hardness, phi, eta = (tf.concat(columns, -1) for columns in (lines, phis, etas))
        objects = np.arange(2 + self.jets)
        lepton, jet = objects == 0, objects > 1
        gives_way = lepton | (jet & (hardness[:, :, None] < hardness[:, None]))
        gives_way &= jet[:, None]  # [i, j]: i moves away from j

        def step(phi: Tensor, eta: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            of_phi = planar.wrap(phi[:, :, None] - phi[:, None])
            of_eta = eta[:, :, None] - eta[:, None]
            distance = tf.sqrt(tf.square(of_phi) + tf.square(of_eta) + 1e-12)
            near = gives_way & (distance < self.radius)
            share = tf.where(near, self.radius / distance, 0.0)
            moved = (phi + tf.reduce_sum(share * of_phi, -1), eta + tf.reduce_sum(share * of_eta, -1))
            return *moved, near

        phi, eta, _ = tf.while_loop(
            lambda *state: tf.reduce_any(state[-1]), step, (phi, eta, gives_way),
            maximum_iterations=self._STEPS,
        )  # fmt: skip
        eta = tf.where(jet, tf.clip_by_value(eta, -self.jet_eta, self.jet_eta), eta)
        return tf.split(phi, len(lines), -1), tf.split(eta, len(lines), -1)

    def _law(self, eta: Tensor, softer: Tensor) -> Tensor:
        return *self._JET, cms_jet_threshold(eta)
