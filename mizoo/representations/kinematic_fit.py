"""Partons with the resolution of a detector, fitted to the masses of their resonances."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.representations.base import OnShell
from mizoo.representations.constraints import least_move
from mizoo.representations.decay_chain import Resonance


@serialisable
class KinematicFit(OnShell):
    """Final objects of decays, and the masses of the resonances that they come from.

    Coordinates of an event: transverse momentum, azimuth and pseudorapidity of each object, then the mass
    of each resonance, daughters before mothers. They overdetermine the event. The inverse is a kinematic
    fit like those in top-quark reconstruction (arXiv 1312.5595). It finds the nearest momenta, in units of
    `resolutions`, that have these masses and balance in the transverse plane, by Newton steps with one
    Lagrange multiplier per constraint. Objects are then known to the precision of a detector, and narrow
    masses to their natural width. No small error becomes large, as it may with the angles of decays.

    Args:
        roots: `Resonance` objects at the roots of the decays.
        masses: masses of the final objects in column order, in GeV.
        resolutions: resolutions of relative energy and of direction (in radians) of the final objects, in
            column order, (objects, 2).
        steps: maximum number of steps of the fit; most events need three. 0 leaves momenta as they are.
    """

    _PT = (
        75.0,
        1.5,
    )  # scale (GeV) and tail of the distributions of pT, rounded: see `planar.modulus_to_line`
    _ETA = 1.2  # standard deviation of pseudorapidities, rounded
    _CLOSE = 1e-3  # GeV, deviation from masses and balance at which the fit ends, and its tolerance
    _BENT = 0.05  # fraction of a gap allowed for non-linearity: moves over large gaps mean little
    _REACH = 20.0  # GeV by which a step may move an object, in addition to its energy

    def __init__(
        self,
        roots: Sequence[Resonance],
        masses: Sequence[float],
        resolutions: Sequence[tuple[float, float]],
        steps: int = 15,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.roots = tuple(roots)
        self.masses = tuple(float(m) for m in masses)
        self.resolutions = tuple(tuple(pair) for pair in resolutions)
        self.steps = steps
        self._resonances = [resonance for root in self.roots for resonance in _below(root)]
        objects, leaves = np.arange(len(self.masses)), [r.leaves for r in self._resonances]
        self._members = np.array([np.isin(objects, leaf) for leaf in leaves], "float64")
        self.physical_shape = (4 * len(objects),)
        self.shape = (3 * len(objects) + len(leaves),)
        self.angles = self.circles = tuple(range(1, 3 * len(objects), 3))

    def call(self, physical: Tensor) -> Tensor:
        momenta = tf.reshape(tf.cast(physical, tf.float64), (-1, len(self.masses), 4))[..., :3]
        columns = []
        for momentum in tf.unstack(momenta, axis=1):
            columns += [
                planar.modulus_to_line(kinematics.pt(momentum), *self._PT),
                planar.azimuth(momentum[:, :2]),
                kinematics.eta(momentum) / self._ETA,
            ]
        sums = tf.unstack(self._members @ kinematics.on_shell(momenta, self.masses), axis=1)
        masses = dict(zip(self._resonances, map(kinematics.mass, sums), strict=True))
        for resonance, mass in masses.items():
            lowest = self._lowest(resonance, masses) * tf.ones_like(mass)
            line = kinematics.mass_to_line(mass, lowest, resonance.mass, resonance.width)
            columns.append(line / planar.LOGISTIC)
        return tf.cast(tf.concat(columns, -1), self.compute_dtype)

    def momenta(self, coordinates: Tensor) -> Tensor:
        return self._fit(*self._drawn(coordinates))

    def closing(self, coordinates: Tensor, units: Tensor) -> Tensor:
        """The smallest move (n, d) of coordinates, in `units` (n, d), to the masses and the balance.

        Gaps are linearised, with an error of a twentieth of each.
        """
        momenta, masses = self._drawn(coordinates)
        slopes, gaps = self._slopes(kinematics.on_shell(momenta, self.masses), masses)
        slopes = self._by_coordinates(slopes, momenta, coordinates)
        of_masses = (
            np.eye(slopes.shape[1], len(self._members)) * self._of_line(masses, coordinates)[:, None]
        )
        slopes = tf.concat([slopes, -of_masses], -1) * tf.cast(units, slopes.dtype)[:, None]
        tolerance = self._CLOSE + self._BENT * tf.abs(gaps)
        return tf.cast(least_move(slopes, gaps, tolerance), self.compute_dtype)

    def _by_coordinates(self, slopes: Tensor, momenta: Tensor, coordinates: Tensor) -> Tensor:
        """Gradients (n, k, objects, 3) in momenta as those in their coordinates, (n, k, 3 × objects)."""
        lines = tf.cast(coordinates[:, : 3 * len(self.masses) : 3, None], momenta.dtype)
        pt, modulus = kinematics.pt(momenta), tf.sqrt(kinematics.square(momenta))
        growth = planar.modulus_slope(pt, lines, *self._PT) / pt
        of_x, of_y, of_z = tf.split(slopes, 3, -1)
        x, y, z = tf.split(momenta[:, None], 3, -1)
        of_line = (of_x * x + of_y * y + of_z * z) * growth[:, None]
        columns = [of_line, of_y * x - of_x * y, of_z * modulus[:, None] * self._ETA]
        return tf.reshape(tf.concat(columns, -1), (-1, slopes.shape[1], 3 * len(self.masses)))

    def _of_line(self, masses: Tensor, coordinates: Tensor) -> Tensor:
        """Derivatives (n, resonances) of masses with respect to their coordinates."""
        lines = tf.cast(coordinates, masses.dtype)[:, 3 * len(self.masses) :] * planar.LOGISTIC
        peaks, widths = np.array([(r.mass, r.width) for r in self._resonances]).T
        return kinematics.mass_slope(masses, lines, peaks, widths) * planar.LOGISTIC

    def _drawn(self, coordinates: Tensor) -> Tensor:
        """Momenta (n, objects, 3) and masses (n, resonances) of coordinates, before the fit."""
        columns = tf.split(tf.cast(coordinates, tf.float64), self.shape[0], -1)
        count = 3 * len(self.masses)
        momenta = []
        for line, phi, eta in zip(*(columns[i:count:3] for i in range(3)), strict=True):
            pt = planar.line_to_modulus(line, *self._PT)
            momenta.append(tf.concat([pt * planar.direction(phi), pt * planar.sinh(eta * self._ETA)], -1))
        masses: dict[Resonance, tf.Tensor] = {}
        for resonance, line in zip(self._resonances, columns[count:], strict=True):
            lowest = self._lowest(resonance, masses) * tf.ones_like(line)
            line *= planar.LOGISTIC
            masses[resonance] = kinematics.line_to_mass(line, lowest, resonance.mass, resonance.width)
        return tf.stack(momenta, 1), tf.concat(list(masses.values()), -1)

    def _fit(self, momenta: Tensor, masses: Tensor) -> Tensor:
        """The nearest momenta (n, objects, 3) that balance and have the masses."""
        if not self.steps:
            return momenta

        def step(momenta: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
            move, far = self._step(momenta, masses)
            return tf.where(far, momenta + move, momenta), far

        start = momenta, tf.ones_like(momenta[:, :1, :1], tf.bool)
        fitted, _ = tf.while_loop(
            lambda _, far: tf.reduce_any(far), step, start, maximum_iterations=self.steps
        )
        return fitted

    def _step(self, momenta: Tensor, masses: Tensor) -> tuple[Tensor, Tensor]:
        """Newton step of momenta (n, objects, 3), and which events have not converged, (n, 1, 1).

        The step satisfies the constraints as far as these are linear.
        """
        events = kinematics.on_shell(momenta, self.masses)
        slopes, gaps = self._slopes(events, masses)
        direction, energies = kinematics.unit(momenta)[:, None], events[:, None, :, 3:]
        along, across = np.array(self.resolutions).T[..., None]

        def spread(vectors: Tensor) -> Tensor:
            """Vectors (n, k, objects, 3) times the square root of the momenta's covariance."""
            forward = tf.reduce_sum(vectors * direction, -1, keepdims=True) * direction
            return energies * (along * forward + across * (vectors - forward))

        slopes = tf.reshape(spread(slopes), (-1, slopes.shape[1], 3 * len(self.masses)))
        move = least_move(slopes, gaps, self._CLOSE)
        move = spread(tf.reshape(move, (-1, 1, len(self.masses), 3)))[:, 0]
        share = tf.sqrt(kinematics.square(move)) / (events[..., 3:] + self._REACH)
        move /= tf.maximum(tf.reduce_max(share, 1, keepdims=True), 1.0)
        return move, tf.reduce_max(tf.abs(gaps), -1)[:, None, None] > self._CLOSE

    def _slopes(self, events: Tensor, masses: Tensor) -> Tensor:
        """Gradients (n, constraints, objects, 3) of the constraints, and their deviations in GeV.

        Gradients are with respect to the momenta of `events` (n, objects, 4). Deviations are (n,
        constraints).
        """
        momenta = events[..., :3]
        sums = self._members @ events
        squares = tf.square(sums[..., 3]) - kinematics.square(sums[..., :3])[..., 0]
        gaps = [(squares - tf.square(masses)) / (2.0 * masses), tf.reduce_sum(momenta[..., :2], 1)]
        velocities = momenta / events[..., 3:]
        of_masses = sums[:, :, None, 3:] * velocities[:, None] - sums[:, :, None, :3]
        of_masses *= self._members[..., None] / masses[..., None, None]
        of_balance = tf.ones_like(of_masses[:, :1]) * np.eye(3)[:2, None]
        return tf.concat([of_masses, of_balance], 1), tf.concat(gaps, -1)

    def _lowest(self, resonance: Resonance, masses: Tensor) -> Tensor:
        """Minimum mass of a resonance, given the masses of its daughters."""
        daughters = resonance.daughters
        return sum(masses[d] if isinstance(d, Resonance) else self.masses[d] for d in daughters)


def _below(resonance: Resonance) -> list[Resonance]:
    """A resonance and all resonances in its decay, daughters first."""
    nested = [d for d in resonance.daughters if isinstance(d, Resonance)]
    return [one for daughter in nested for one in _below(daughter)] + [resonance]
