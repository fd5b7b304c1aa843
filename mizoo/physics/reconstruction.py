"""Masses of detector events: the assignment of objects to partons, and the neutrino's p_z.

For processes with at most one neutrino. For tt̄ it is the reconstruction of arXiv 2101.08944 and
2112.10629.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.physics import assignment, kinematics
from mizoo.physics.particles import Peak
from mizoo.physics.process import Match, Process
from mizoo.representations.view import View

_MOST_ASSIGNMENTS = 5000
_HARDEST = 6  # objects of a kind whose number varies
# Relative resolutions of reconstructed masses, where a process gives none.
_OF_JETS, _OF_OTHERS = 0.1, 0.02
_CHUNK = 1_200_000  # events times assignments per pass
_LEPTONS = ("electron", "muon", "tau")


class _Solved(NamedTuple):
    """A neutrino whose p_z follows from the mass of its decay, which has a charged lepton, too."""

    parton: int
    missing: int  # place of the missing momentum
    lepton: int  # place of the lepton among the partons
    decay: str
    mass: float


class MassReconstruction:
    """Reconstruction of the masses of a process from its detector objects.

    Objects are assigned to partons of the same kind (and charge, for leptons), see `process.matches`. Of
    several assignments, the one with the smallest Σ ((m - mass)/resolution)² over the peaks of
    `process.reconstruction` is taken. Without such peaks, all decays whose partons have objects are peaks,
    at their masses, with resolutions of 10 % if there are jets among them, else of 2 %.

    Where the number of objects varies, these are the six hardest ones of a kind. Masses are NaN for events
    with too few of them.

    A neutrino has the missing transverse momentum, and the p_z that gives its decay, with the charged
    lepton, the right mass, see `neutrino_pz`.

    Args:
        process: process of the events.

    Attributes:
        process: process of the events.
        names: names of the masses, in the order of `process.systems`. Masses are left out if their partons
            have no objects, or if the peaks do not determine their objects.
        count: number of assignments.

    Raises:
        ValueError: for more than 5 000 assignments, or for a peak or a neutrino that cannot be
            reconstructed.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        process = self._fixed = process.at_most(_HARDEST)
        own = zip(self.process.objects, process.objects, strict=True)
        self._places = [p for one, kept in own for p in self.process.places[one.name][: kept.range[1]]]
        self._solved = _solved(process)
        seen = {p for match in self._groups for p in match.partons}
        if self._solved:
            seen.add(self._solved.parton)
        self._peaks = self._with_peaks(seen)
        places = [frozenset(process.leaves(peak.decay)) for peak in self._peaks]
        lepton = self._solved.lepton if self._solved else None
        self._classes = [assignment.classes(match, places, lepton) for match in self._groups]
        systems = {name: frozenset(of) for name, of in process.systems.items()}
        wanted = {name: of for name, of in systems.items() if of <= seen and self._is_determined(of)}
        self.names = tuple(wanted)
        self.count = math.prod(map(assignment.number, self._groups, self._classes))
        if self.count > _MOST_ASSIGNMENTS:
            raise ValueError(
                f"process {process.name}: its objects can be assigned to partons in {self.count} ways, "
                f"more than the maximum of {_MOST_ASSIGNMENTS}: give fewer peaks, or fewer objects"
            )
        self._tabulate(places, list(wanted.values()))

    def __call__(self, objects: tf.Tensor) -> tf.Tensor:
        """Masses (n, names) in GeV, in double precision, of the objects (n, objects, 4) of the process.

        Masses of space-like sums are negative, -√(-m²). The mass of the neutrino's decay is the assumed
        one, where a neutrino gives it. Differentiable, except for the choice of an assignment.
        """
        objects = tf.cast(tf.gather(objects, self._places, axis=1), tf.float64)
        lacking = self._lacking(objects)
        if self._solved:
            objects, real = self._with_neutrinos(objects)
        sums = tf.tensordot(objects, self._members, [[1], [0]])  # (n, 4, sums)
        masses = _mass(tf.transpose(sums, (0, 2, 1)))
        if self.count == 1:
            best = tf.zeros(tf.shape(masses)[:1], tf.int32)
        else:
            peaks, widths = np.array([(peak.mass, peak.resolution) for peak in self._peaks]).T
            deviations = (tf.gather(masses, self._of_peaks, axis=1) - peaks) / widths
            squares = tf.reduce_sum(tf.square(deviations), -1)
            best = tf.argmin(tf.where(lacking, np.inf, squares), 1, tf.int32)
        found = tf.gather(masses, tf.gather(self._of_masses, best), batch_dims=1)
        if self._solved and self._assumed is not None:
            # Exactly, as a classifier could otherwise recognise computed events by rounding errors.
            is_real = tf.gather(real, tf.gather(self._leptons, best), batch_dims=1)
            assumed = np.arange(len(self.names)) == self._assumed
            mass = tf.constant(self._solved.mass, tf.float64)
            found = tf.where(is_real[:, None] & assumed, mass, found)
        return tf.where(tf.reduce_all(lacking, 1, keepdims=True), np.nan, found)

    def masses(self, events: np.ndarray) -> dict[str, np.ndarray]:
        """Masses (n,) in GeV by name, of events (n, columns)."""
        count = len(self.process.x)
        objects = np.asarray(events)[:, : 4 * count].reshape(-1, count, 4)
        chunk = max(1, _CHUNK // self.count)
        starts = range(0, max(len(objects), 1), chunk)
        parts = [self(tf.cast(objects[i : i + chunk], tf.float64)).numpy() for i in starts]
        return dict(zip(self.names, np.concatenate(parts).T, strict=True))

    @cached_property
    def _groups(self) -> list[Match]:
        """Matches with at least one object per parton, without missing momentum."""
        matches = self._fixed.matches
        return [m for m in matches if m.kind != "met" and len(m.partons) <= len(m.objects)]

    def _with_peaks(self, seen: set[int]) -> list[Peak]:
        process = self._fixed
        if given := process.reconstruction.peaks:
            for peak in given:
                if unseen := set(process.leaves(peak.decay)) - seen:
                    name = process.partons[min(unseen)].name
                    raise ValueError(
                        f"process {process.name}: the peak of {peak.decay} cannot be reconstructed, as "
                        f"its parton {name} has no object"
                    )
            return list(given)
        found = []
        for decay in process.decays:
            leaves = process.leaves(decay.name)
            if set(leaves) <= seen and not (self._solved and decay.name == self._solved.decay):
                jets = any(process.partons[leaf].kind == "jet" for leaf in leaves)
                part = _OF_JETS if jets else _OF_OTHERS
                found.append(Peak(decay=decay.name, mass=decay.gev, resolution=part * decay.gev))
        return found

    def _is_determined(self, system: frozenset[int]) -> bool:
        """Whether the peaks determine the objects of a system of partons."""
        lepton = {self._solved.lepton} if self._solved and self._solved.parton in system else set()
        for match, classes in zip(self._groups, self._classes, strict=True):
            for partons, free in classes:
                used = partons & (system | lepton)
                is_one = used == partons and (len(partons) == 1 or not used & lepton)
                left_over = free and len(match.partons) < len(match.objects)
                if used and (left_over or not is_one):
                    return False
        return True

    def _tabulate(self, peaks: list[frozenset[int]], systems: list[frozenset[int]]) -> None:
        """List the required sums of momenta, and the place of each assignment's sums among them."""
        objects = len(self._places)
        candidates = self._candidates
        sums: dict[frozenset[int], int] = {}  # of objects, followed by neutrinos
        rows, leptons = [], []
        for assigned in self._assignments():
            if self._solved:
                # If the lepton is ambiguous, the neutrino is in no sum.
                place = assigned.get(frozenset({self._solved.lepton}), candidates[:1])
                lepton = candidates.index(place[0])
                assigned[frozenset({self._solved.parton})] = (objects + lepton,)
                leptons.append(lepton)
            rows.append(
                [
                    sums.setdefault(assignment.objects_of(partons, assigned), len(sums))
                    for partons in (*peaks, *systems)
                ]
            )
        table = np.array(rows, dtype="int32").reshape(len(rows), len(peaks) + len(systems))
        self._of_peaks, self._of_masses = np.split(table, [len(peaks)], axis=1)
        self._leptons = np.array(leptons, dtype="int32")
        members = [[place in one for one in sums] for place in range(objects + len(candidates))]
        self._members = np.array(members, dtype="float64").reshape(objects + len(candidates), len(sums))
        optional = np.array([place in self.process.optional for place in self._places], dtype="float64")
        # The optional objects of each assignment.
        used = [self._members[:objects, row].any(1) * optional for row in rows]
        self._used = np.array(used, dtype="float64").reshape(len(rows), objects)
        own = self._solved and f"m_{self._solved.decay}"
        self._assumed = self.names.index(own) if own in self.names else None

    @cached_property
    def _candidates(self) -> tuple[int, ...]:
        """Places of the objects that can be the charged lepton of the neutrino's decay."""
        if self._solved is None:
            return ()
        return next(match.objects for match in self._groups if self._solved.lepton in match.partons)

    def _assignments(self) -> Iterator[assignment.Assignment]:
        ways = (
            list(assignment.distributed(match.objects, classes))
            for match, classes in zip(self._groups, self._classes, strict=True)
        )
        for parts in product(*ways):
            yield {partons: places for part in parts for partons, places in part.items()}

    def _lacking(self, objects: tf.Tensor) -> tf.Tensor:
        """Whether an event lacks an object of an assignment, (n, assignments)."""
        absent = tf.cast(tf.reduce_all(objects == 0.0, -1), tf.float64)
        return tf.matmul(absent, self._used, transpose_b=True) > 0.0

    def _with_neutrinos(self, objects: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Objects, followed by the neutrino for each lepton, and whether its mass exists, (n, leptons)."""
        assert self._solved is not None
        px, py = objects[:, self._solved.missing, 0], objects[:, self._solved.missing, 1]
        neutrinos, real = [], []
        for place in self._candidates:
            pz, has_root = neutrino_pz(objects[:, place], px, py, self._solved.mass)
            neutrinos.append(tf.stack([px, py, pz, tf.sqrt(px**2 + py**2 + pz**2)], -1))
            real.append(has_root)
        return tf.concat([objects, tf.stack(neutrinos, 1)], 1), tf.stack(real, 1)


def reconstruct(events: np.ndarray, process: Process) -> dict[str, np.ndarray]:
    """Masses (n,) in GeV of detector events (n, columns) by name, see `MassReconstruction`."""
    return _reconstruction(process).masses(events)


_reconstruction = lru_cache(MassReconstruction)


def neutrino_pz(
    lepton: tf.Tensor, px: tf.Tensor, py: tf.Tensor, mass: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """p_z (n,) in GeV that gives lepton (n, 4) and neutrino a mass in GeV, and whether one exists.

    It is the root of smallest modulus, or the real part of complex roots.
    """
    k = (mass**2 - _mass(lepton) ** 2) / 2.0 + lepton[:, 0] * px + lepton[:, 1] * py
    a = lepton[:, 3] ** 2 - lepton[:, 2] ** 2
    half_b = -k * lepton[:, 2]
    c = lepton[:, 3] ** 2 * (px**2 + py**2) - k**2
    discriminant = half_b**2 - a * c
    real = discriminant > 0.0
    root = tf.sqrt(tf.where(real, discriminant, 1.0))
    # The smaller root as c over the larger one avoids cancellation.
    larger = -half_b - tf.where(half_b < 0.0, -root, root)
    return tf.where(real, c / larger, -half_b / a), real


@serialisable
class ReconstructedMasses(View):
    """Logarithms log(m/GeV), (n, masses), of the masses that `MassReconstruction` finds in detector events.

    Masses below 1 GeV count as 1 GeV.

    Args:
        representation: representation of the coordinates, with four-momenta as physical units.
        process: process of the events, a `Process` or its content.

    Raises:
        ValueError: as `MassReconstruction` does, and if there is no mass to reconstruct.
    """

    def __init__(self, representation: Any, process: Process | Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(representation, **kwargs)
        self.process = process if isinstance(process, Process) else Process(**process)
        self._reconstruction = _reconstruction(self.process)
        if not self._reconstruction.names:
            raise ValueError(f"process {self.process.name} has no mass that can be reconstructed")

    def call(self, coordinates: tf.Tensor) -> tf.Tensor:
        """Logarithms of the masses."""
        masses = self._reconstruction(self.representation.four_momenta(coordinates))
        return tf.cast(tf.math.log(tf.maximum(masses, 1.0)), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """Shape (n, masses)."""
        return (input_shape[0], len(self._reconstruction.names))


def _solved(process: Process) -> _Solved | None:
    """The neutrino whose momentum can be reconstructed, if there is one."""
    given = process.reconstruction.neutrino
    met = next((match for match in process.matches if match.kind == "met"), None)
    neutrino = process.partons[met.partons[0]] if met else None
    for decay in process.decays if neutrino else ():
        others = [name for name in decay.daughters if neutrino and name != neutrino.name]
        if met and len(decay.daughters) == 2 and len(others) == 1 and process.decay(others[0]) is None:
            (lepton,) = process.leaves(others[0])
            group = next((match for match in process.matches if lepton in match.partons), None)
            if group and group.kind in _LEPTONS and len(group.partons) <= len(group.objects):
                mass = given.mass if given else decay.gev
                return _Solved(met.partons[0], met.objects[0], lepton, decay.name, mass)
    if given:
        raise ValueError(
            f"process {process.name}: reconstruction.neutrino needs missing momentum, and a decay to one "
            "neutrino and a charged lepton that has an object; there is none"
        )
    return None


def _mass(four: tf.Tensor) -> tf.Tensor:
    squares = tf.squeeze(four[..., 3:] ** 2 - kinematics.square(four[..., :3]), -1)
    return tf.sign(squares) * tf.sqrt(tf.maximum(tf.abs(squares), 1e-12))  # the root has no gradient at 0
