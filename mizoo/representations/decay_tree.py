"""Decays of a process as trees of two-body decays, and coordinates of their masses."""

from dataclasses import dataclass

import tensorflow as tf

from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.physics.process import Process


@dataclass(frozen=True)
class Node:
    """A parton, a resonance, or an intermediate system of a decay to more than two."""

    leaves: tuple[int, ...]
    mass: float
    width: float | None = None
    daughters: tuple["Node", ...] = ()

    @property
    def size(self) -> int:
        """Number of coordinates of the masses and decays: three per two-body decay."""
        return 3 + sum(daughter.size for daughter in self.daughters) if self.daughters else 0

    def resonances(self, start: int, own: int = 3) -> list[int]:
        """Columns of the masses of resonances.

        Args:
            start: first column of this decay.
            own: number of its columns without those of its daughters' decays.
        """
        found = [] if self.width is None else [start]
        start += own
        for daughter in self.daughters:
            found += daughter.resonances(start)
            start += daughter.size
        return found


def node_of(process: Process, name: str) -> Node:
    """The tree of a decay, or of a single parton."""
    leaves = process.leaves(name)
    if (decay := process.decay(name)) is None:
        return Node(leaves, process.partons[leaves[0]].gev)
    daughters = [node_of(process, daughter) for daughter in decay.daughters]
    while len(daughters) > 2:
        *first, one, other = daughters
        rest = (*one.leaves, *other.leaves)
        daughters = [*first, Node(rest, decay.gev / 2.0, None, (one, other))]
    return Node(leaves, decay.gev, decay.gamma, tuple(daughters))


def to_line(node: Node, mass: Tensor, lowest: Tensor) -> Tensor:
    """Mass above `lowest` to the line, by the Breit-Wigner of a resonance, else by its logarithm."""
    if node.width is None:
        return tf.math.log(tf.maximum(mass - lowest, 1e-6) / node.mass)
    return kinematics.mass_to_line(mass, lowest, node.mass, node.width) / planar.LOGISTIC


def from_line(node: Node, line: Tensor, lowest: Tensor | float) -> Tensor:
    """Inverse of `to_line`."""
    if node.width is None:
        return lowest + node.mass * tf.exp(line)
    return kinematics.line_to_mass(line * planar.LOGISTIC, lowest, node.mass, node.width)
