"""Coordinates of partons in the laboratory, in which narrow masses are one-dimensional."""

from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.physics.process import Process
from mizoo.representations.base import OnShell
from mizoo.representations.decay_tree import Node, from_line, node_of, to_line
from mizoo.representations.parton_coordinates import check_balance
from mizoo.representations.standardised import Standardised

_TAIL = 1.5  # tail of the distributions of pT, see `planar.modulus_to_line`


@serialisable
class PartonMomenta(OnShell, Standardised):
    """Azimuth, pseudorapidity, and transverse momentum or the mass of a resonance, of each parton.

    The mass of a resonance replaces the transverse momentum of one of its daughters: of two momenta with
    this mass, the daughter has the larger one. What a detector measures of a parton alone, such as the
    direction of a lepton, is a distribution of its own coordinates, and so is a narrow mass.

    The partons of a balanced process are boosted on the way back until their transverse momenta sum to
    zero. They have two degrees of freedom less than coordinates, see `TransverseBoost`.

    Coordinates other than azimuths have mean 0 and variance 1 in the data given to `adapt`.

    Args:
        process: process of the events.

    Raises:
        ValueError: for a resonance none of whose daughters is a parton.
    """

    def __init__(self, process: Process | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.process = process if isinstance(process, Process) else Process(**process)
        if not self.takes(self.process):
            raise ValueError(f"{self.process.name}: {type(self).__name__} needs a parton in each decay")
        self.masses = self.process.masses("z")
        self._roots = [node_of(self.process, name) for name in self.process.roots]
        self._replaced: dict[int, Node] = {}  # resonances by the daughter whose pT their mass replaces
        for root in self._roots:
            self._replace(root)
        count = len(self.masses)
        self.physical_shape, self.shape = (4 * count,), (3 * count,)
        self.angles = self.circles = tuple(range(1, 3 * count, 3))
        self.scales = self.add_weight((count,), "ones", name="scales", trainable=False)
        self._add_moments()

    @property
    def process_of_events(self) -> Process:
        return self.process

    @staticmethod
    def takes(process: Process) -> bool:
        """Whether each resonance of a process has a daughter that is a parton."""
        return all(any(process.decay(name) is None for name in one.daughters) for one in process.decays)

    def _replace(self, node: Node) -> None:
        if node.width is not None:
            partons = [daughter.leaves[0] for daughter in node.daughters if not daughter.daughters]
            self._replaced[partons[-1]] = node
        for daughter in node.daughters:
            self._replace(daughter)

    def _fit(self, data: np.ndarray) -> None:
        momenta = tf.reshape(tf.cast(data, tf.float64), (-1, len(self.masses), 4))
        check_balance(self.process, momenta.numpy())
        squares = kinematics.square(momenta[..., :2]).numpy()[..., 0]
        self.scales.assign([planar.median_scale(one, _TAIL) for one in squares.T])
        self._set_moments(self._raw(momenta).numpy())

    def _without_spread(self, columns: np.ndarray) -> str:
        return f"{self.process.name}: partons have no spread, or are not finite"

    def call(self, physical: Tensor) -> Tensor:
        return self._standardised(
            self._raw(tf.reshape(tf.cast(physical, tf.float64), (-1, len(self.masses), 4)))
        )

    def momenta(self, coordinates: Tensor) -> Tensor:
        columns = tf.split(self._unstandardised(coordinates), self.shape[0], -1)
        found: dict[int, Tensor] = {}
        for root in self._roots:
            self._found(root, columns, found)
        partons = tf.stack([found[i] for i in range(len(self.masses))], 1)
        partons = kinematics.balanced(partons) if self.process.balanced else partons
        return kinematics.at_most_beam(partons[..., :3])

    def _found(self, node: Node, columns: list[Tensor], found: dict[int, Tensor]) -> Tensor:
        """Momentum (n, 4) of a node, with those of its partons added to `found`."""
        if not node.daughters:
            place = node.leaves[0]
            pt = planar.line_to_modulus(columns[3 * place], tf.cast(self.scales[place], tf.float64), _TAIL)
            momentum = pt * _direction(columns, place)
            found[place] = kinematics.on_shell(momentum[:, None], [node.mass])[:, 0]
            return found[place]
        last = next((leaf for leaf, one in self._replaced.items() if one is node), None)
        others = [daughter for daughter in node.daughters if daughter.leaves != (last,)]
        parts = [self._found(daughter, columns, found) for daughter in others]
        system = tf.add_n(parts)
        if last is not None:
            own = self.masses[last]
            lowest = tf.add_n([kinematics.mass(part) for part in parts]) + own
            mass = from_line(node, columns[3 * last], lowest)
            found[last] = kinematics.with_mass(mass, system, _direction(columns, last), own)
            system += found[last]
        return system

    def _raw(self, momenta: Tensor) -> Tensor:
        """Coordinates before standardisation, in double precision."""
        momenta = kinematics.on_shell(momenta[..., :3], self.masses)
        columns = []
        for place, momentum in enumerate(tf.unstack(momenta, axis=1)):
            if place in self._replaced:
                node = self._replaced[place]
                parts = [tf.add_n([momenta[:, leaf] for leaf in one.leaves]) for one in node.daughters]
                lowest = tf.add_n([kinematics.mass(part) for part in parts])
                columns.append(to_line(node, kinematics.mass(tf.add_n(parts)), lowest))
            else:
                scale = tf.cast(self.scales[place], tf.float64)
                columns.append(planar.modulus_to_line(kinematics.pt(momentum), scale, _TAIL))
            columns += [planar.azimuth(momentum[:, :2]), kinematics.eta(momentum)]
        return tf.concat(columns, -1)


def _direction(columns: list[Tensor], place: int) -> Tensor:
    """Momentum (n, 3) of unit pT at the azimuth and pseudorapidity of a parton."""
    return tf.concat([planar.direction(columns[3 * place + 1]), planar.sinh(columns[3 * place + 2])], -1)
