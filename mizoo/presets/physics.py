"""Building blocks of presets of a process: coordinates, matching, features, residuals."""

import math
from itertools import combinations
from typing import NamedTuple

import keras

from mizoo.mappers import ResidualMapper, RotationEquivariant
from mizoo.mappers.base import Mapper
from mizoo.networks import attention
from mizoo.physics import BeamSymmetry, JetMatching, TransverseBoost, library
from mizoo.physics.process import Process
from mizoo.presets.arguments import ProcessLike, SpaceLike
from mizoo.presets.parts import space
from mizoo.representations import (
    AcceptedMomenta,
    EventView,
    JetAssignment,
    Momenta,
    ObjectCoordinates,
    PartonCoordinates,
    PartonMomenta,
)
from mizoo.representations.base import Representation

DEMONSTRATION = "ttbar"
_MOST = 60  # maximum number of masses per event as features
_MOST_ORDERS = 120  # maximum number of permutations of objects for an assignment


def find(process: ProcessLike) -> Process:
    """The process of a preset's argument; the demonstration's process by default."""
    return library.find(process or DEMONSTRATION)


def process_of(name: str, process: ProcessLike, x: SpaceLike = None, z: SpaceLike = None) -> Process | None:
    """The process of a preset's arguments; the demonstration's process if there are none.

    Args:
        name: name of the preset, for messages.
        process: a `Process`, or another argument of `mizoo.physics.library.find`.
        x, z: representations or shapes, instead of a process.

    Raises:
        ValueError: if both a process and a space are given, or one space of two.
    """
    given = [space for space, value in (("x", x), ("z", z)) if value is not None]
    if process is not None and given:
        raise ValueError(f"{name} takes a process, or x and z in its place: not process and {given[0]}")
    if len(given) == 1:
        raise ValueError(f"{name} needs both spaces, x and z, or a process")
    return None if given else find(process)


def momenta(
    name: str, process: ProcessLike, x: SpaceLike = None, z: SpaceLike = None
) -> tuple[Representation, Representation]:
    """Standardised momenta of x and z of a process, or the spaces of representations or shapes.

    Args:
        name, process, x, z: as for `process_of`.
    """
    if (known := process_of(name, process, x, z)) is None:
        return space(x), space(z)
    return AcceptedMomenta(known), Momenta(known.masses("z"))


def detector(name: str, process: ProcessLike, x: SpaceLike = None) -> Representation:
    """Standardised momenta of x of a process, or the space of a representation or a shape.

    Args:
        name, process, x: as for `process_of`.
    """
    if x is None:
        return AcceptedMomenta(find(process))
    if process is not None:
        raise ValueError(f"{name} takes a process, or x in its place: not both")
    return space(x)


class Spaces(NamedTuple):
    """The two spaces of a process.

    Attributes:
        process: the process.
        x, z: representations of the two spaces.
        x_objects: representation of x without jet assignment, in which mappers draw.
        augmentation: layers for batches in physical units.
    """

    process: Process
    x: Representation
    z: PartonMomenta | PartonCoordinates
    x_objects: ObjectCoordinates
    augmentation: list[keras.layers.Layer]

    def view(self, space: str) -> EventView:
        """Features of x or z for networks: coordinates, momenta and invariant masses."""
        return EventView(self.x_objects if space == "x" else self.z, masses(self.process, space))

    def between(self, mapper: Mapper, source: str, target: str) -> RotationEquivariant:
        """A mapper of residuals between the two spaces, equivariant under rotations about the beam.

        Args:
            mapper: mapper from the coordinates of the source to residuals of those of the target.
            source, target: `"x"` and `"z"`, or the other way round.
        """
        spaces = {"x": self.x_objects, "z": self.z}
        residual = ResidualMapper(
            mapper, spaces[source], spaces[target], partners=partners(self.process, source)
        )
        place = dict(zip("xz", frames(self.process), strict=True))[source]
        return RotationEquivariant(residual, spaces[source], spaces[target].angles, place)


def spaces(process: Process) -> Spaces:
    """Coordinates of a process, with the objects of one kind in the order of their partons.

    If there are several objects and as many partons of a kind, pairs are matched to this order. Where only
    x is known, the order is drawn, see `JetAssignment`. Other objects are in order of falling pT.
    """
    augmentation: list[keras.layers.Layer] = [BeamSymmetry()]
    z: PartonMomenta | PartonCoordinates = PartonCoordinates(process)
    if PartonMomenta.takes(process):
        z = PartonMomenta(process)
        augmentation += [TransverseBoost()] if process.balanced else []
    matching = JetMatching.of(process)
    if matching is None or (orders := matching.orders) > _MOST_ORDERS:
        x = ObjectCoordinates(process)
        return Spaces(process, x, z, x, augmentation)
    objects = ObjectCoordinates(process, ordered=False)
    count = len(process.x)
    network = attention(count, 4 + count, orders, 24, dropout=0.2, name="assignment")
    x = JetAssignment(objects, network, matching.objects, matching if orders > 2 else None)
    return Spaces(process, x, z, objects, [*augmentation, matching])


def partners(process: Process, source: str, surplus: bool = False) -> list[int]:
    """Place of the source's object that corresponds to each object of the other space, -1 for none.

    Args:
        process: process of the events.
        source: `"x"` or `"z"`.
        surplus: whether there may be more objects of a kind than partons, or fewer, which have none then;
            otherwise all objects of this kind have none.
    """
    found = [-1] * len(process.particles("z" if source == "x" else "x"))
    for match in process.matches:
        if surplus or len(match.partons) == len(match.objects):
            for parton, one in zip(match.partons, match.objects, strict=False):
                if source == "x":
                    found[parton] = one
                else:
                    found[one] = parton
    return found


def frames(process: Process) -> tuple[int, int]:
    """Places in x and z of the object whose azimuth defines the frame of an event.

    It is an object that is the same in both spaces, if there is one, and preferably a lepton or photon.
    """
    alone = [match for match in process.matches if len(match.partons) == len(match.objects) == 1]
    first = sorted(alone, key=lambda match: match.kind in ("jet", "met"))
    return (first[0].objects[0], first[0].partons[0]) if first else (0, 0)


def alike(process: Process) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Places in x and in z of objects that nothing but their momenta tells apart, in groups.

    Those of x are of one kind and charge; those of z become objects of one kind and charge. There are none
    where they have too many orders.
    """
    of_x = [tuple(places) for places in process.ordered]
    of_z = [match.partons for match in process.matches if len(match.partons) > 1]
    few = [math.prod(math.factorial(len(one)) for one in groups) <= _MOST_ORDERS for groups in (of_x, of_z)]
    return of_x if few[0] else [], of_z if few[1] else []


def masses(process: Process, space: str) -> list[tuple[int, ...]]:
    """Sets of objects whose masses are features: all pairs, and all that could be a decaying system."""
    particles = process.particles(space)
    found: dict[tuple[int, ...], None] = {}
    found |= dict.fromkeys(combinations(range(len(particles)), 2))
    for places in process.systems.values():
        kinds = sorted(str(process.partons[place].kind) for place in places)
        alike = [
            one
            for one in combinations(range(len(particles)), len(places))
            if sorted(str(particles[place].kind) for place in one) == kinds
        ]
        if len(found) + len(alike) <= _MOST:
            found |= dict.fromkeys(alike)
    return list(found)
