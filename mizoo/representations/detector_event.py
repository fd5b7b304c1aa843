"""Detector objects, with what their measurement ties together."""

import numpy as np
import tensorflow as tf

from mizoo.representations import kinematics, planar
from mizoo.representations.detector import DetectorObjects, cms_jet_threshold
from mizoo.serialisation import serialisable


@serialisable
class DetectorEvent(DetectorObjects):
    """Lepton, missing momentum and jets of one event, jets in any order, which is kept.

    The missing momentum is measured as the balance of all that is seen, so the sum of all transverse
    momenta is small: it is what soft particles carry, the recoil. Objects that are each known to some
    GeV would not add up to it, so it is in the coordinates too (pT and azimuth, the last two), and on the
    way back the missing momentum is what balances. Jets of a jet finder are further apart than its
    radius, and from the lepton. So are those of `inverse`: of two that are nearer, the softer one steps
    away from the other by the radius, until none is.

    Args:
        radius: least distance √(Δη² + Δφ²). Jets of anti-kT, R = 0.5, can be a little nearer than R.
    """

    _JET = (75.0, 1.5)
    _RECOIL = (57.0, 5.0)
    _STEPS = 10  # at most; most events need none

    def __init__(self, radius=0.48, **kwargs):
        super().__init__(**kwargs)
        self.radius = radius
        self.shape = (self.shape[0] + 2,)
        self.angles = self.circles = (*self.angles, self.shape[0] - 1)

    def call(self, physical):
        objects = tf.reshape(tf.cast(physical, tf.float64), (-1, 2 + self.jets, 4))
        recoil = tf.reduce_sum(objects, 1)
        line = planar.modulus_to_line(kinematics.pt(recoil), *self._RECOIL)
        recoil = tf.concat([line, planar.azimuth(recoil[:, :2])], -1)
        return tf.concat([super().call(physical), tf.cast(recoil, self.compute_dtype)], -1)

    def inverse(self, coordinates):
        lines, phis, etas = self._read(coordinates[:, :-2])
        lepton, missing, *jets = self._momenta(lines, *self._apart(lines, phis, etas))
        line, phi = tf.split(tf.cast(coordinates[:, -2:], tf.float64), 2, -1)
        recoil = planar.line_to_modulus(line, *self._RECOIL) * planar.direction(phi)
        balance = recoil - tf.add_n([lepton, *jets])[:, :2]
        return self._events([lepton, tf.concat([balance, missing[:, 2:]], -1), *jets])

    def _apart(self, lines, phis, etas):
        """Azimuths and pseudorapidities of jets that are apart from each other and from the lepton."""
        hardness, phi, eta = (tf.concat(columns, -1) for columns in (lines, phis, etas))
        objects = np.arange(2 + self.jets)
        lepton, jet = objects == 0, objects > 1
        gives_way = lepton | (jet & (hardness[:, :, None] < hardness[:, None]))
        gives_way &= jet[:, None]  # [i, j]: i to j

        def step(phi, eta, _):
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

    def _law(self, eta, softer):
        return *self._JET, cms_jet_threshold(eta)
