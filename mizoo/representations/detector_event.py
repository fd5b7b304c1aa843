"""Detector objects in any order, jets apart from each other."""

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
    """Lepton, missing momentum and jets of one event, jets in any order, which is kept.

    Jets of a jet finder are further apart than its radius, and from the lepton. So are those of any
    coordinates: of two that are nearer, the softer one steps away from the other by the radius, until none
    is.

    Args:
        radius: least distance √(Δη² + Δφ²); 0 leaves jets where they are. Jets of anti-kT with R = 0.5 can
            be a little nearer than R.
    """

    _JET = (75.0, 1.5)
    _IMBALANCE = 18.0  # GeV, standard deviation of the sum of all momenta along a transverse axis
    _STEPS = 10  # at most; most events need none

    def __init__(self, radius: float = 0.48, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.radius = radius

    def momenta(self, coordinates: Tensor) -> Tensor:
        lines, phis, etas = self._read(coordinates)
        if self.radius:
            phis, etas = self._apart(lines, phis, etas)
        return tf.stack(self._objects(lines, phis, etas), 1)

    def closing(self, coordinates: Tensor, units: Tensor) -> Tensor:
        """The least move (n, d) of coordinates, in `units` (n, d) of theirs, that balances the transverse
        momenta as far as they do in data; jets are where they are.
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
        """Azimuths and pseudorapidities of jets that are apart from each other and from the lepton."""
        hardness, phi, eta = (tf.concat(columns, -1) for columns in (lines, phis, etas))
        objects = np.arange(2 + self.jets)
        lepton, jet = objects == 0, objects > 1
        gives_way = lepton | (jet & (hardness[:, :, None] < hardness[:, None]))
        gives_way &= jet[:, None]  # [i, j]: i to j

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
