"""Coordinates of detector objects, with thresholds, order and mass shell built in."""

from typing import Any

import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.representations.base import OnShell


def cms_jet_threshold(eta: Tensor) -> Tensor:
    """Minimum jet pT in GeV at pseudorapidity `eta`: 20 GeV times the jet energy scale of the card."""
    return 20.0 * tf.sqrt(tf.square(2.5 - 0.15 * tf.abs(eta)) / 20.0 + 1.0)


@serialisable
class DetectorObjects(OnShell):
    """One lepton, the missing momentum and jets, all massless.

    Each object has a coordinate of pT, its azimuth and a coordinate of pseudorapidity (of p_z, for the
    missing momentum). The range of pT begins at the threshold for lepton and jets, and at the pT of the
    next jet, if that is larger, as jets are in order of falling pT. Thresholds and order thus hold by
    construction.

    Args:
        jets: number of jets.
        lepton_pt, lepton_eta: minimum pT in GeV and maximum |η| of the lepton.
        jet_eta: maximum |η| of a jet.
    """

    # Scale (GeV) and tail of the distributions of pT in the tt̄ events, rounded: see
    # `planar.modulus_to_line`.
    _LEPTON = (75.0, 1.7)
    _MISSING = (75.0, 1.5)
    _JET_TAIL = 1.3  # above the pT of the next jet, which is the scale
    _MISSING_PZ = 300.0  # GeV
    _JET_ETA = 0.4

    def __init__(
        self,
        jets: int = 4,
        lepton_pt: float = 10.0,
        lepton_eta: float = 2.5,
        jet_eta: float = 5.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.jets = jets
        self.lepton_pt = lepton_pt
        self.lepton_eta = lepton_eta
        self.jet_eta = jet_eta
        self.physical_shape = (4 * (2 + jets),)
        self.shape = (3 * (2 + jets),)
        self.angles = self.circles = tuple(range(1, *self.shape, 3))

    def call(self, physical: Tensor) -> Tensor:
        objects = tf.unstack(tf.reshape(tf.cast(physical, tf.float64), (-1, 2 + self.jets, 4)), axis=1)
        lepton, missing, *jets = objects
        coordinates = [
            planar.modulus_to_line(kinematics.pt(lepton), *self._LEPTON, self.lepton_pt),
            planar.azimuth(lepton[:, :2]),
            planar.interval_to_line(kinematics.eta(lepton), self.lepton_eta),
            planar.modulus_to_line(kinematics.pt(missing), *self._MISSING),
            planar.azimuth(missing[:, :2]),
            planar.asinh(missing[:, 2:3] / self._MISSING_PZ),
        ]
        pts = [kinematics.pt(jet) for jet in jets]
        for jet, pt, softer in zip(jets, pts, [*pts[1:], None], strict=True):
            eta = kinematics.eta(jet)
            coordinates += [
                planar.modulus_to_line(pt, *self._law(eta, softer)),
                planar.azimuth(jet[:, :2]),
                planar.interval_to_line(eta, self.jet_eta) / self._JET_ETA,
            ]
        return tf.cast(tf.concat(coordinates, -1), self.compute_dtype)

    def momenta(self, coordinates: Tensor) -> Tensor:
        return tf.stack(self._objects(*self._read(coordinates)), 1)

    def _read(self, coordinates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Lines of pT, azimuths and pseudorapidities (p_z in GeV for missing momentum) of all objects."""
        columns = tf.split(tf.cast(coordinates, tf.float64), 3 * (2 + self.jets), -1)
        lines, phis, (lepton, missing, *jets) = columns[::3], columns[1::3], columns[2::3]
        etas = [planar.line_to_interval(lepton, self.lepton_eta), planar.sinh(missing) * self._MISSING_PZ]
        return lines, phis, etas + [planar.line_to_interval(e * self._JET_ETA, self.jet_eta) for e in jets]

    def _objects(self, lines: Tensor, phis: Tensor, etas: Tensor) -> Tensor:
        """Momenta, (n, 3) each, of lepton, missing momentum and jets, from the result of `_read`."""
        pt = planar.line_to_modulus(lines[0], *self._LEPTON, self.lepton_pt)
        lepton = _momentum(pt, phis[0], pt * planar.sinh(etas[0]))
        missing = _momentum(planar.line_to_modulus(lines[1], *self._MISSING), phis[1], etas[1])
        jets, softer = [], None
        for line, phi, eta in reversed(list(zip(lines, phis, etas, strict=True))[2:]):
            softer = planar.line_to_modulus(line, *self._law(eta, softer))
            jets.append(_momentum(softer, phi, softer * planar.sinh(eta)))
        return [lepton, missing, *reversed(jets)]

    def _law(self, eta: Tensor, softer: Tensor) -> Tensor:
        """Scale, tail and minimum of a jet's pT, above that of the next softer jet, if there is one."""
        floor = cms_jet_threshold(eta)
        floor = floor if softer is None else tf.maximum(floor, softer)
        return floor, self._JET_TAIL, floor


def _momentum(pt: Tensor, phi: Tensor, pz: Tensor) -> Tensor:
    return tf.concat([pt * planar.direction(phi), pz], -1)
