"""Coordinates of a chain of two-body decays, in which narrow masses are one-dimensional.

After arXiv 2310.07752: the momenta of the two heavy particles at the root, the masses of all resonances and
the directions of their decays replace the momenta of the final partons.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.representations.base import OnShell


@serialisable
class Resonance:
    """A resonance with a Breit-Wigner mass that decays to two daughters.

    Args:
        mass, width: parameters of the Breit-Wigner, in GeV.
        daughters: two daughters, each a `Resonance` or the index of a final object. The direction of the
            first one in the rest frame is a coordinate.
        forward: whether the origin of the plane of directions is the direction of flight, or else the
            opposite one. The other pole is at infinity and should have few events.
    """

    def __init__(
        self, mass: float, width: float, daughters: Sequence["Resonance | int"], forward: bool = True
    ) -> None:
        self.mass = mass
        self.width = width
        self.daughters = tuple(daughters)
        self.forward = forward

    @property
    def leaves(self) -> list[int]:
        """Indices of the final objects, in the order of the tree."""
        return [leaf for d in self.daughters for leaf in (d.leaves if isinstance(d, Resonance) else [d])]

    @property
    def size(self) -> int:
        """Number of coordinates of the masses and the decays: three per resonance."""
        nested: list[int] = [d.size for d in self.daughters if isinstance(d, Resonance)]
        return 3 + sum(nested)


@serialisable
class DecayChain(OnShell):
    """Partons of a pair of decaying particles, balanced in transverse momentum.

    Coordinates of an event: the transverse momentum (1) and azimuth (1) of the first root, the rapidities
    of both (2), then for each resonance its mass (1) and the direction of its first daughter in its rest
    frame (2). Axes rotate with the event about the beam, so that only the azimuth of the root depends on
    its orientation. If partons do not balance exactly, the second root is taken to balance the first.

    Args:
        roots: the two `Resonance` objects at the root.
        masses: masses of the final objects in column order, in GeV.
        pt_scale, pt_tail: distribution of the roots' transverse momentum, see `planar.modulus_to_line`; the
            scale is in GeV.
    """

    angles: tuple[int, ...] = (1,)
    circles: tuple[int, ...] = (1,)

    def __init__(
        self,
        roots: Sequence[Resonance],
        masses: Sequence[float],
        pt_scale: float = 120.0,
        pt_tail: float = 1.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.roots = tuple(roots)
        self.masses = tuple(float(m) for m in masses)
        self.pt_scale = pt_scale
        self.pt_tail = pt_tail
        self.physical_shape = (4 * len(self.masses),)
        self.shape = (4 + sum(root.size for root in self.roots),)

    # In float32, sums of momenta of a TeV have too few digits for masses known to a few MeV.
    def call(self, physical: Tensor) -> Tensor:
        events = self._on_shell(physical)
        first, second = (self._sum(events, root) for root in self.roots)
        modulus = tf.sqrt(kinematics.square(first[:, :2]))
        phi = planar.azimuth(first[:, :2])
        e1 = planar.direction(phi)
        coordinates = [
            planar.modulus_to_line(modulus, self.pt_scale, self.pt_tail),
            phi,
            *map(kinematics.rapidity, (first, second)),
        ]
        for root, momentum, sign in zip(self.roots, (first, second), (1.0, -1.0), strict=True):
            mass = kinematics.mass(momentum)
            rapidity = kinematics.rapidity(momentum)
            frame = tf.concat([modulus, 0 * mass, 0 * mass, tf.sqrt(mass**2 + modulus**2)], -1)
            local = {
                leaf: kinematics.boost(self._to_axes(events[:, leaf], sign * e1, rapidity), frame, -1.0)
                for leaf in root.leaves
            }
            coordinates += self._decay(root, local)
        return tf.cast(tf.concat(coordinates, -1), self.compute_dtype)

    def momenta(self, coordinates: Tensor) -> Tensor:
        c = tf.cast(coordinates, tf.float64)
        modulus = planar.line_to_modulus(c[:, :1], self.pt_scale, self.pt_tail)
        e1 = planar.direction(c[:, 1:2])
        found: dict[int, tf.Tensor] = {}
        start = 4
        for i, (root, sign) in enumerate(zip(self.roots, (1.0, -1.0), strict=True)):
            mass, local = self._undecay(root, c[:, start : start + root.size])
            start += root.size
            frame = tf.concat([modulus, 0 * mass, 0 * mass, tf.sqrt(mass**2 + modulus**2)], -1)
            rapidity = c[:, 2 + i : 3 + i]
            for leaf, momentum in local.items():
                found[leaf] = self._from_axes(kinematics.boost(momentum, frame, 1.0), sign * e1, rapidity)
        return tf.stack([found[i][:, :3] for i in range(len(self.masses))], 1)

    def _on_shell(self, physical: Tensor) -> Tensor:
        """Events (n, objects, 4) with energies from the masses."""
        momenta = tf.reshape(tf.cast(physical, tf.float64), (-1, len(self.masses), 4))[..., :3]
        return kinematics.on_shell(momenta, self.masses)

    @staticmethod
    def _sum(events: Tensor, root: Resonance) -> Tensor:
        return tf.add_n([events[:, leaf] for leaf in root.leaves])

    @staticmethod
    def _longitudinal(pz: Tensor, energy: Tensor, rapidity: Tensor) -> tuple[Tensor, Tensor]:
        cosh, sinh = planar.cosh(rapidity), planar.sinh(rapidity)
        return cosh * pz + sinh * energy, cosh * energy + sinh * pz

    def _to_axes(self, momentum: Tensor, e1: Tensor, rapidity: Tensor) -> Tensor:
        """Momentum along the axes (root's transverse direction, across, beam), longitudinally at rest."""
        x, y = momentum[:, :1], momentum[:, 1:2]
        c, s = e1[:, :1], e1[:, 1:]
        pz, energy = self._longitudinal(momentum[:, 2:3], momentum[:, 3:], -rapidity)
        return tf.concat([c * x + s * y, c * y - s * x, pz, energy], -1)

    def _from_axes(self, momentum: Tensor, e1: Tensor, rapidity: Tensor) -> Tensor:
        x, y = momentum[:, :1], momentum[:, 1:2]
        c, s = e1[:, :1], e1[:, 1:]
        pz, energy = self._longitudinal(momentum[:, 2:3], momentum[:, 3:], rapidity)
        return tf.concat([c * x - s * y, s * x + c * y, pz, energy], -1)

    def _decay(self, resonance: Resonance, local: dict[int, Tensor]) -> list[Tensor]:
        """Coordinates of a resonance from its final objects `local`, which are in its rest frame."""
        parts, masses, nested = [], [], []
        for daughter in resonance.daughters:
            if isinstance(daughter, Resonance):
                momentum = tf.add_n([local[leaf] for leaf in daughter.leaves])
                direction = kinematics.unit(momentum[:, :3])
                rest = {}
                for leaf in daughter.leaves:
                    boosted = kinematics.boost(local[leaf], momentum, -1.0)
                    turned = kinematics.turn(boosted[:, :3], direction, back=True)
                    rest[leaf] = tf.concat([turned, boosted[:, 3:]], -1)
                nested += self._decay(daughter, rest)
                masses.append(kinematics.mass(momentum))
            else:
                momentum = local[daughter]
                masses.append(
                    tf.fill(tf.shape(momentum[:, :1]), tf.constant(self.masses[daughter], tf.float64))
                )
            parts.append(momentum)
        mass = parts[0][:, 3:] + parts[1][:, 3:]
        line = kinematics.mass_to_line(mass, tf.add_n(masses), resonance.mass, resonance.width)
        sign = 1.0 if resonance.forward else -1.0
        pair = planar.sphere_to_normal(sign * kinematics.unit(parts[0][:, :3]))
        return [line / planar.LOGISTIC, pair, *nested]

    def _undecay(self, resonance: Resonance, coordinates: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """Mass of a resonance and its final objects in its rest frame, from its coordinates."""
        start, masses, nested = 3, [], []
        for daughter in resonance.daughters:
            if isinstance(daughter, Resonance):
                mass, local = self._undecay(daughter, coordinates[:, start : start + daughter.size])
                start += daughter.size
            else:
                mass = tf.fill(tf.shape(coordinates[:, :1]), tf.constant(self.masses[daughter], tf.float64))
                zero = tf.zeros_like(mass)
                local = {daughter: tf.concat([zero, zero, zero, mass], -1)}
            masses.append(mass)
            nested.append(local)
        lowest = tf.add_n(masses)
        line = coordinates[:, :1] * planar.LOGISTIC
        mass = kinematics.line_to_mass(line, lowest, resonance.mass, resonance.width)
        m1, m2 = masses
        kallen = (mass**2 - (m1 + m2) ** 2) * (mass**2 - (m1 - m2) ** 2)
        momentum = tf.sqrt(tf.maximum(kallen, 0.0)) / (2.0 * mass)
        sign = 1.0 if resonance.forward else -1.0
        direction = sign * planar.normal_to_sphere(coordinates[:, 1:3])
        out = {}
        for daughter, m, local, s in zip(resonance.daughters, masses, nested, (1.0, -1.0), strict=True):
            towards = s * direction
            frame = tf.concat([momentum * towards, tf.sqrt(momentum**2 + m**2)], -1)
            for leaf, rest in local.items():
                if isinstance(daughter, Resonance):
                    turned = kinematics.turn(rest[:, :3], towards)
                    out[leaf] = kinematics.boost(tf.concat([turned, rest[:, 3:]], -1), frame, 1.0)
                else:
                    out[leaf] = frame
        return mass, out
