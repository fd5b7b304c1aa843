"""Coordinates of the partons of a process, in which narrow masses are one-dimensional.

After arXiv 2310.07752: the momenta of the roots of the decays, the masses of all resonances and the
directions of their decays replace the momenta of the partons.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.physics.process import Process
from mizoo.representations.base import OnShell
from mizoo.representations.decay_tree import Node, from_line, node_of, to_line
from mizoo.representations.standardised import Standardised

_TAIL = 1.5  # tail of the distributions of pT, see `planar.modulus_to_line`
_BALANCE = 1e-3  # maximum imbalance, as a fraction of the sum of all transverse momenta


@serialisable
class PartonCoordinates(OnShell, Standardised):
    """The partons of a process, on their mass shells.

    Coordinates of an event: transverse momentum and azimuth of each root of the decays (of all but the
    last, if the process is balanced), the rapidities of all roots, then for each resonance its mass (1) and
    the direction of its first daughter in its rest frame (2). A decay to more than two is split into the
    first daughter and a system of the others. Axes rotate with the roots about the beam, so that only
    azimuths depend on the orientation of the event. A single root of a balanced process has no transverse
    momentum; the azimuth is then that of its decay. Coordinates other than azimuths have mean 0 and
    variance 1 in the data given to `adapt`.

    Args:
        process: process of the events.

    Raises:
        ValueError: for a balanced process of a single parton.
    """

    def __init__(self, process: Process | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.process = process if isinstance(process, Process) else Process(**process)
        self.masses = self.process.masses("z")
        self._roots = [node_of(self.process, name) for name in self.process.roots]
        self._alone = self.process.balanced and len(self._roots) == 1
        if self._alone and not self._roots[0].daughters:
            raise ValueError(f"{self.process.name}: a single parton cannot balance: set balanced: false")
        self._moving = len(self._roots) - self.process.balanced  # roots with a pT of their own
        count = len(self._roots)
        self.physical_shape = (4 * len(self.masses),)
        self.shape = (2 * self._moving + count + sum(root.size for root in self._roots),)
        self.angles = (0,) if self._alone else tuple(range(1, 2 * self._moving, 2))
        self.circles = self.angles
        self.scales = self.add_weight((max(self._moving, 1),), "ones", name="scales", trainable=False)
        self._add_moments()

    @property
    def process_of_events(self) -> Process:
        return self.process

    @property
    def resonances(self) -> list[int]:
        """Index of the coordinate of the mass of each resonance."""
        found, start = [], 2 * self._moving + self._alone + len(self._roots)
        for root in self._roots:
            found += root.resonances(start, own=3 - self._alone)
            start += root.size
        return found

    def _fit(self, data: np.ndarray) -> None:
        events = self._on_shell(data)
        check_balance(self.process, events.numpy())
        scales = []
        for root in self._roots[: self._moving]:
            squares = np.square(self._sum(events, root).numpy()[:, :2]).sum(1)
            scales.append(planar.median_scale(squares, _TAIL))
        self.scales.assign(scales or [1.0])
        self._set_moments(self._raw(events).numpy())

    def _without_spread(self, columns: np.ndarray) -> str:
        return f"{self.process.name}: partons have no spread, or are not finite"

    # In float32, sums of momenta of a TeV have too few digits for masses known to a few MeV.
    def call(self, physical: Tensor) -> Tensor:
        return self._standardised(self._raw(self._on_shell(physical)))

    def momenta(self, coordinates: Tensor) -> Tensor:
        raw = self._unstandardised(coordinates)
        count, first = len(self._roots), 2 * self._moving + self._alone
        transverse = []
        for i in range(self._moving):
            scale = tf.cast(self.scales[i], tf.float64)
            pt = planar.line_to_modulus(raw[:, 2 * i : 2 * i + 1], scale, _TAIL)
            transverse.append(pt * planar.direction(raw[:, 2 * i + 1 : 2 * i + 2]))
        if self.process.balanced and not self._alone:
            transverse.append(-tf.add_n(transverse))
        found: dict[int, tf.Tensor] = {}
        start = first + count
        for i, root in enumerate(self._roots):
            rapidity = raw[:, first + i : first + i + 1]
            if self._alone:
                line, polar, nested = tf.split(raw[:, start:], [1, 1, root.size - 3], -1)
                mass, local = self._undecay(root, tf.concat([line, _from_polar(polar), nested], -1))
                e1, modulus = planar.direction(raw[:, :1]), tf.zeros_like(mass)
            else:
                mass, local = self._undecay(root, raw[:, start : start + root.size])
                start += root.size
                modulus = tf.sqrt(kinematics.square(transverse[i]))
                e1 = transverse[i] / tf.maximum(modulus, 1e-12)
            frame = tf.concat([modulus, 0 * mass, 0 * mass, tf.sqrt(mass**2 + modulus**2)], -1)
            for leaf, momentum in local.items():
                moving = kinematics.boost(momentum, frame, 1.0) if root.daughters else frame
                found[leaf] = _from_axes(moving, e1, rapidity)
        return tf.stack([found[i][:, :3] for i in range(len(self.masses))], 1)

    def _raw(self, events: Tensor) -> Tensor:
        """Coordinates before standardisation, in double precision."""
        sums = [self._sum(events, root) for root in self._roots]
        columns = []
        for i, momentum in enumerate(sums[: self._moving]):
            scale = tf.cast(self.scales[i], tf.float64)
            columns += [
                planar.modulus_to_line(kinematics.pt(momentum), scale, _TAIL),
                planar.azimuth(momentum[:, :2]),
            ]
        if self._alone:
            columns.append(planar.azimuth(self._sum(events, self._roots[0].daughters[0])[:, :2]))
        columns += [kinematics.rapidity(momentum) for momentum in sums]
        if self.process.balanced and not self._alone:
            others = tf.add_n([momentum[:, :2] for momentum in sums[:-1]])
            sums[-1] = tf.concat([-others, sums[-1][:, 2:]], -1)
        for root, momentum in zip(self._roots, sums, strict=True):
            columns += self._of_root(root, momentum, events)
        return tf.concat(columns, -1)

    def _of_root(self, root: Node, momentum: Tensor, events: Tensor) -> list[Tensor]:
        """Coordinates of the decay of a root."""
        if not root.daughters:
            return []
        rapidity, mass = kinematics.rapidity(momentum), kinematics.mass(momentum)
        if self._alone:
            first = self._sum(events, root.daughters[0])[:, :2]
            e1 = first / tf.maximum(tf.sqrt(kinematics.square(first)), 1e-12)
            modulus = tf.zeros_like(mass)
        else:
            modulus = tf.sqrt(kinematics.square(momentum[:, :2]))
            e1 = momentum[:, :2] / tf.maximum(modulus, 1e-12)
        frame = tf.concat([modulus, 0 * mass, 0 * mass, tf.sqrt(mass**2 + modulus**2)], -1)
        local = {
            leaf: kinematics.boost(_to_axes(events[:, leaf], e1, rapidity), frame, -1.0)
            for leaf in root.leaves
        }
        line, pair, *nested = self._decay(root, local)
        return [line, _to_polar(pair) if self._alone else pair, *nested]

    def _on_shell(self, physical: Tensor) -> Tensor:
        """Events (n, objects, 4) with energies from the masses."""
        momenta = tf.reshape(tf.cast(physical, tf.float64), (-1, len(self.masses), 4))[..., :3]
        return kinematics.on_shell(momenta, self.masses)

    @staticmethod
    def _sum(events: Tensor, node: Node) -> Tensor:
        return tf.add_n([events[:, leaf] for leaf in node.leaves])

    def _decay(self, node: Node, local: dict[int, Tensor]) -> list[Tensor]:
        """Coordinates of a decay from its partons `local`, in its rest frame."""
        parts, masses, nested = [], [], []
        for daughter in node.daughters:
            momentum = tf.add_n([local[leaf] for leaf in daughter.leaves])
            if daughter.daughters:
                direction = kinematics.unit(momentum[:, :3])
                rest = {}
                for leaf in daughter.leaves:
                    boosted = kinematics.boost(local[leaf], momentum, -1.0)
                    turned = kinematics.turn(boosted[:, :3], direction, back=True)
                    rest[leaf] = tf.concat([turned, boosted[:, 3:]], -1)
                nested += self._decay(daughter, rest)
                masses.append(kinematics.mass(momentum))
            else:
                masses.append(tf.fill(tf.shape(momentum[:, :1]), tf.constant(daughter.mass, tf.float64)))
            parts.append(momentum)
        mass = parts[0][:, 3:] + parts[1][:, 3:]
        pair = planar.sphere_to_normal(kinematics.unit(parts[0][:, :3]))
        return [to_line(node, mass, tf.add_n(masses)), pair, *nested]

    def _undecay(self, node: Node, coordinates: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """Mass of a node and its partons in its rest frame, from its coordinates."""
        if not node.daughters:
            mass = tf.fill((tf.shape(coordinates)[0], 1), tf.constant(node.mass, tf.float64))
            zero = tf.zeros_like(mass)
            return mass, {node.leaves[0]: tf.concat([zero, zero, zero, mass], -1)}
        start, masses, nested = 3, [], []
        for daughter in node.daughters:
            mass, local = self._undecay(daughter, coordinates[:, start : start + daughter.size])
            start += daughter.size
            masses.append(mass)
            nested.append(local)
        mass = from_line(node, coordinates[:, :1], tf.add_n(masses))
        m1, m2 = masses
        kallen = (mass**2 - (m1 + m2) ** 2) * (mass**2 - (m1 - m2) ** 2)
        momentum = tf.sqrt(tf.maximum(kallen, 0.0)) / (2.0 * mass)
        direction = planar.normal_to_sphere(coordinates[:, 1:3])
        out = {}
        for daughter, m, local, sign in zip(node.daughters, masses, nested, (1.0, -1.0), strict=True):
            towards = sign * direction
            frame = tf.concat([momentum * towards, tf.sqrt(momentum**2 + m**2)], -1)
            for leaf, rest in local.items():
                if daughter.daughters:
                    turned = kinematics.turn(rest[:, :3], towards)
                    out[leaf] = kinematics.boost(tf.concat([turned, rest[:, 3:]], -1), frame, 1.0)
                else:
                    out[leaf] = frame
        return mass, out


def check_balance(process: Process, events: np.ndarray) -> None:
    """Check that the transverse momenta of partons (n, m, 4) sum to zero, if those of the process do.

    Raises:
        ValueError: if they do not.
    """
    left, whole = np.abs(events[..., :2].sum(1)).mean(), np.abs(events[..., :2]).sum(1).mean()
    if process.balanced and left > _BALANCE * whole:
        raise ValueError(
            f"{process.name} is balanced, but the transverse momenta of its partons sum to "
            f"{left:.3g} GeV on average: set balanced: false, or give the partons before showers"
        )


def _to_polar(pair: Tensor) -> Tensor:
    """Directions in the plane of the first axis and the beam to their polar angle, as a line."""
    return planar.interval_to_line(planar.normal_to_sphere(pair)[:, 2:], 1.0)


def _from_polar(line: Tensor) -> Tensor:
    """Inverse of `_to_polar`."""
    cosine = planar.line_to_interval(line, 1.0)
    sine = tf.sqrt(tf.maximum(1.0 - tf.square(cosine), 1e-12))
    return planar.sphere_to_normal(tf.concat([sine, tf.zeros_like(sine), cosine], -1))


def _longitudinal(pz: Tensor, energy: Tensor, rapidity: Tensor) -> tuple[Tensor, Tensor]:
    cosh, sinh = planar.cosh(rapidity), planar.sinh(rapidity)
    return cosh * pz + sinh * energy, cosh * energy + sinh * pz


def _to_axes(momentum: Tensor, e1: Tensor, rapidity: Tensor) -> Tensor:
    """Momentum along the axes (transverse direction e1, across, beam), longitudinally at rest."""
    x, y = momentum[:, :1], momentum[:, 1:2]
    c, s = e1[:, :1], e1[:, 1:]
    pz, energy = _longitudinal(momentum[:, 2:3], momentum[:, 3:], -rapidity)
    return tf.concat([c * x + s * y, c * y - s * x, pz, energy], -1)


def _from_axes(momentum: Tensor, e1: Tensor, rapidity: Tensor) -> Tensor:
    x, y = momentum[:, :1], momentum[:, 1:2]
    c, s = e1[:, :1], e1[:, 1:]
    pz, energy = _longitudinal(momentum[:, 2:3], momentum[:, 3:], rapidity)
    return tf.concat([c * x - s * y, s * x + c * y, pz, energy], -1)
