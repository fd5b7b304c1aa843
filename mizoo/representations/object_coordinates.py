"""Coordinates of detector objects, with the thresholds, acceptance and order of a process built in."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor
from mizoo.physics import kinematics, planar
from mizoo.physics.momenta import BEAM
from mizoo.physics.particles import DetectorObject
from mizoo.physics.process import Process
from mizoo.physics.visible_pairs import visible_pairs
from mizoo.representations.base import OnShell
from mizoo.representations.standardised import Standardised

_TAIL = 1.5  # tail of the distributions of pT, see `planar.modulus_to_line`
_EDGE = 1e-6  # relative margin of objects above their thresholds, against rounding
_LIGHT = 0.1  # GeV, the least mass of a massive object
_STEPS = 10  # maximum number of steps that separate jets; most events need none

_OfPlace: TypeAlias = Sequence[Tensor] | Mapping[int, Tensor]  # (n, 1) each


@serialisable
class ObjectCoordinates(OnShell, Standardised):
    """The detector objects of a process, massless unless they are `massive`.

    Each object has a coordinate of pT, its azimuth, a coordinate of pseudorapidity and, if it is massive,
    one of its mass. Missing momentum has the first two and, with three components, one of p_z. Where a
    resonance decays to two known objects, its mass and the ratio of their pT replace the coordinates of
    their pT, so that a peak narrower than the momenta is a distribution of one coordinate. Coordinates
    other than azimuths have mean 0 and variance 1 in the data given to `adapt`.

    All coordinates correspond to events that a detector accepts: pT begins at the threshold, |η| ends at
    its maximum, and jets are separated from each other and from electrons as by the jet finder.

    Args:
        process: process of the events, which all have the same number of objects.
        ordered: whether objects of a kind are in order of falling pT, as in data; the pT of each then
            begins at that of the next one. Otherwise they are in the order of their partons.

    Raises:
        ValueError: for a process without objects, or with a variable number of them.
    """

    def __init__(self, process: Process | dict[str, Any], ordered: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.process = process if isinstance(process, Process) else Process(**process)
        self.process.check_plain(type(self).__name__)
        if not self.process.x:
            raise ValueError(f"{self.process.name} has no detector objects")
        self.ordered = ordered
        self._objects = self.process.x
        self._pairs = dict(visible_pairs(self.process, ordered))
        self._columns = list(_columns(self._objects, self._pairs))  # place and meaning of each coordinate
        self.physical_shape = (4 * len(self._objects),)
        self.shape = (len(self._columns),)
        self.angles = self.circles = tuple(i for i, (_, what) in enumerate(self._columns) if what == "phi")
        # The next softer object of the same kind, by place.
        self._softer: dict[int, int] = {}
        if ordered:
            for places in self.process.ordered:
                self._softer |= dict(pairwise(places))
        self.scales = self.add_weight((len(self._objects),), "ones", name="scales", trainable=False)
        self.peaks = self.add_weight((len(self._objects),), "ones", name="peaks", trainable=False)
        self.pz_scale = self.add_weight((), "ones", name="pz_scale", trainable=False)
        self._add_moments()

    @property
    def process_of_events(self) -> Process:
        return self.process

    def _fit(self, data: np.ndarray) -> None:
        objects = tf.unstack(self._split(data), axis=1)
        pts, floors = self._pts(objects)
        scales, peaks = np.ones(len(objects)), np.ones(len(objects))
        for i, (pt, floor) in enumerate(zip(pts, floors, strict=True)):
            ratio = (pt / tf.maximum(floor, 1.0)).numpy()
            least = (floor / tf.maximum(floor, 1.0)).numpy()
            scales[i] = planar.median_scale(np.maximum(ratio**2 - least**2, 0.0), _TAIL)
        for first, second in self._pairs.items():
            mass = kinematics.mass(objects[first] + objects[second])
            low, peaks[first], high = np.percentile(mass, [16, 50, 84])
            scales[first] = max((high - low) / 2.0, 1e-3)
        self.scales.assign(scales)
        self.peaks.assign(peaks)
        for one, momentum in zip(self._objects, objects, strict=True):
            if one.kind == "met":
                self.pz_scale.assign(max(float(np.median(np.abs(momentum[:, 2]))), 1.0))
        self._set_moments(self._raw(tf.stack(objects, 1)).numpy())

    def _without_spread(self, columns: np.ndarray) -> str:
        names = [f"{what} of {self._objects[i].name}" for i, what in self._columns]
        return f"{', '.join(names[i] for i in columns) or 'events'}: no spread, or not finite"

    def call(self, physical: Tensor) -> Tensor:
        return self._standardised(self._raw(self._split(physical)))

    def canonical(self, momenta: Tensor) -> Tensor:
        return kinematics.by_falling_pt(momenta, self.process.ordered) if self.ordered else momenta

    @property
    def places(self) -> list[int]:
        """Place of the object of each coordinate."""
        return [place for place, _ in self._columns]

    def momenta(self, coordinates: Tensor, exists: Tensor | None = None) -> Tensor:
        """Coordinates to momenta (n, objects, 3) in double precision.

        Args:
            coordinates: coordinates (n, d).
            exists: 1 for objects (n, objects) that exist and 0 for others, from which none is separated; by
                default all exist.
        """
        found = self._found(coordinates)
        phis = [found[i, "phi"] for i in range(len(self._objects))]
        etas = [self._eta(i, found) for i in range(len(self._objects))]
        pts = self._pts_of(found, phis, etas)
        if any(one.cone for one in self._objects):
            sizes = tf.concat(pts, -1)
            sizes = sizes if exists is None else sizes * tf.cast(exists, tf.float64)
            phis, etas = self._apart(sizes, phis, etas)
            pts = self._pts_of(found, phis, etas)
        momenta = []
        for i, (one, pt, phi, eta) in enumerate(zip(self._objects, pts, phis, etas, strict=True)):
            if one.kind == "met":
                size = tf.cast(self.pz_scale, tf.float64)
                pz = planar.sinh(found[i, "pz"]) * size if one.components == 3 else tf.zeros_like(pt)
            else:
                pz = pt * planar.sinh(eta)
            momenta.append(tf.concat([pt * planar.direction(phi), pz], -1))
        return tf.stack(momenta, 1)

    def four_momenta(self, coordinates: Tensor, exists: Tensor | None = None) -> Tensor:
        """Coordinates to four-momenta (n, objects, 4) in double precision; those of absent objects are 0.

        Args:
            coordinates, exists: see `momenta`.
        """
        momenta, masses = self.momenta(coordinates, exists), self.object_masses(coordinates)
        found = kinematics.on_shell(momenta, masses)
        return found if exists is None else found * tf.cast(exists, tf.float64)[..., None]

    def object_masses(self, coordinates: Tensor) -> Tensor:
        if not any(one.massive for one in self._objects):
            return super().object_masses(coordinates)
        found = self._found(coordinates)
        massless = tf.zeros_like(found[0, "phi"])
        return tf.concat(
            [
                tf.exp(tf.minimum(found[i, "own mass"], np.log(BEAM))) if one.massive else massless
                for i, one in enumerate(self._objects)
            ],
            -1,
        )

    def _found(self, coordinates: Tensor) -> dict[tuple[int, str], Tensor]:
        """Columns (n, 1), not standardised, by place and meaning."""
        raw = self._unstandardised(coordinates)
        return dict(zip(self._columns, tf.split(raw, self.shape[0], -1), strict=True))

    def _pts_of(
        self, found: Mapping[tuple[int, str], Tensor], phis: Sequence[Tensor], etas: Sequence[Tensor]
    ) -> list[Tensor]:
        """pT (n, 1) of each object, from coordinates by place and meaning, at these angles."""
        pts: dict[int, tf.Tensor] = {}
        for first, second in self._pairs.items():
            more = tf.exp(found[second, "ratio"])
            ratio = more + 1.0 if self._is_ordered(first, second) else more
            opening, floors, shape = self._shape_of_pair(first, second, phis, etas, ratio)
            mass = kinematics.line_to_mass(found[first, "mass"], *shape)
            sizes = mass * tf.sqrt(ratio / opening), mass / tf.sqrt(ratio * opening)
            for i, size, floor in zip((first, second), sizes, floors, strict=True):
                pts[i] = tf.maximum(kinematics.within_beam(size, etas[i]), floor * (1.0 + _EDGE))
        for i in reversed(range(len(self._objects))):  # softer objects of a kind first
            if i not in pts:
                floor = self._floor(i, etas[i], pts)
                above, scale = tf.maximum(floor, 1.0), tf.cast(self.scales[i], tf.float64)
                pt = planar.line_to_modulus(found[i, "pt"], scale, _TAIL, floor / above) * above
                pts[i] = tf.maximum(kinematics.within_beam(pt, etas[i]), floor * (1.0 + _EDGE))
        return [pts[i] for i in range(len(self._objects))]

    def _of_pair(self, objects: Sequence[Tensor], first: int, second: int) -> tuple[Tensor, Tensor]:
        """The mass of two objects, and the logarithm of the ratio of their pT, as coordinates (n, 1)."""
        pts = [kinematics.pt(objects[i]) for i in (first, second)]
        phis, etas = (
            {i: angle(objects[i]) for i in (first, second)} for angle in (planar.azimuth, kinematics.eta)
        )
        ratio = tf.maximum(pts[0], 1e-6) / tf.maximum(pts[1], 1e-6)
        opening, _, shape = self._shape_of_pair(first, second, phis, etas, ratio)
        line = kinematics.mass_to_line(tf.sqrt(pts[0] * pts[1] * opening), *shape)
        more = tf.maximum(ratio - 1.0, 1e-6) if self._is_ordered(first, second) else ratio
        return line, tf.math.log(tf.maximum(more, 1e-12))

    def _shape_of_pair(
        self, first: int, second: int, phis: _OfPlace, etas: _OfPlace, ratio: Tensor
    ) -> tuple[Tensor, list[Tensor], tuple[Tensor, Tensor, Tensor]]:
        """Parameters of the mass distribution of two massless objects.

        Returns:
            m² / (pT₁ pT₂), the minimum pT of both, and the minimum, peak and width of the mass.
        """
        wide = tf.square(planar.sinh((etas[first] - etas[second]) / 2.0))
        wide += tf.square(tf.sin((phis[first] - phis[second]) / 2.0))
        opening = tf.maximum(4.0 * wide, 1e-12)
        floors = [self._floor(i, etas[i]) for i in (first, second)]
        least = tf.sqrt(opening) * tf.maximum(floors[0] / tf.sqrt(ratio), floors[1] * tf.sqrt(ratio))
        peak, width = (tf.cast(value[first], tf.float64) for value in (self.peaks, self.scales))
        return opening, floors, (least, peak, width)

    def _is_ordered(self, first: int, second: int) -> bool:
        """Whether the first of two objects is always the harder one."""
        return self._softer.get(first) == second

    def _split(self, physical: Tensor) -> Tensor:
        return tf.reshape(tf.cast(physical, tf.float64), (-1, len(self._objects), 4))

    def _raw(self, events: Tensor) -> Tensor:
        """Coordinates before standardisation, in double precision."""
        objects = tf.unstack(events, axis=1)
        of_pairs: dict[int, tf.Tensor] = {}
        for first, second in self._pairs.items():
            of_pairs[first], of_pairs[second] = self._of_pair(objects, first, second)
        columns = []
        for i, (one, pt, floor) in enumerate(zip(self._objects, *self._pts(objects), strict=True)):
            above, scale = tf.maximum(floor, 1.0), tf.cast(self.scales[i], tf.float64)
            columns += [
                of_pairs[i]
                if i in of_pairs
                else planar.modulus_to_line(pt / above, scale, _TAIL, floor / above),
                planar.azimuth(objects[i][:, :2]),
            ]
            if one.kind != "met":
                eta = kinematics.eta(objects[i])
                columns.append(planar.interval_to_line(eta, one.eta) if np.isfinite(one.eta) else eta)
            elif one.components == 3:
                columns.append(planar.asinh(objects[i][:, 2:3] / tf.cast(self.pz_scale, tf.float64)))
            if one.massive:
                columns.append(tf.math.log(tf.maximum(kinematics.mass(objects[i]), _LIGHT)))
        return tf.concat(columns, -1)

    def _pts(self, objects: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """pT of each object and its minimum, (n, 1) each."""
        pts = {i: kinematics.pt(o) for i, o in enumerate(objects)}
        floors = [self._floor(i, kinematics.eta(o), pts) for i, o in enumerate(objects)]
        return list(pts.values()), floors

    def _floor(self, place: int, eta: Tensor, pts: Mapping[int, Tensor] | None = None) -> Tensor:
        """Minimum pT (n, 1) of an object at pseudorapidity `eta`, given those of softer ones, if any."""
        floor = tf.cast(kinematics.threshold(self._objects[place], eta), tf.float64)
        return tf.maximum(floor, pts[self._softer[place]]) if pts and place in self._softer else floor

    def _eta(self, place: int, found: Mapping[tuple[int, str], Tensor]) -> Tensor:
        one = self._objects[place]
        if one.kind == "met":
            return tf.zeros_like(found[place, "pt"])
        line = found[place, "eta"]
        if not np.isfinite(one.eta):
            return line
        bound = one.eta * (1.0 - _EDGE)
        return tf.clip_by_value(planar.line_to_interval(line, one.eta), -bound, bound)

    def _apart(
        self, pts: Tensor, phis: Sequence[Tensor], etas: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Azimuths and pseudorapidities of jets, separated from each other and from electrons.

        Jets move away from electrons and harder jets that are closer than the cone, until none is.
        """
        kinds = np.array([one.kind for one in self._objects])
        cones = np.array([one.cone for one in self._objects])
        jet = cones > 0.0
        phi, eta = tf.concat(phis, -1), tf.concat(etas, -1)
        softer = pts[:, :, None] < pts[:, None]
        gives_way = (jet[:, None] & (kinds == "electron")) | (jet[:, None] & jet & softer)  # i from j
        gives_way = tf.broadcast_to(gives_way, (tf.shape(phi)[0], len(phis), len(phis)))
        # Anti-kT jets can be slightly closer than the radius.
        radius = 0.96 * np.maximum(cones[:, None], 1e-9)

        def step(phi: Tensor, eta: Tensor, _: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            of_phi = planar.wrap(phi[:, :, None] - phi[:, None])
            of_eta = eta[:, :, None] - eta[:, None]
            distance = tf.sqrt(tf.square(of_phi) + tf.square(of_eta) + 1e-12)
            near = gives_way & (distance < radius)
            share = tf.where(near, radius / distance, 0.0)
            moved = (phi + tf.reduce_sum(share * of_phi, -1), eta + tf.reduce_sum(share * of_eta, -1))
            return *moved, near

        # The moves have no gradient, which the compiler cannot take through a loop.
        start = tf.stop_gradient(phi), tf.stop_gradient(eta)
        *end, _ = tf.while_loop(
            lambda *state: tf.reduce_any(state[-1]), step, (*start, gives_way), maximum_iterations=_STEPS
        )
        phi, eta = phi + tf.stop_gradient(end[0] - phi), eta + tf.stop_gradient(end[1] - eta)
        bounds = np.array([min(one.eta, 1e3) * (1.0 - _EDGE) for one in self._objects])
        eta = tf.where(jet, tf.clip_by_value(eta, -bounds, bounds), eta)
        return tf.split(phi, len(phis), -1), tf.split(eta, len(phis), -1)


def _columns(objects: Sequence[DetectorObject], pairs: Mapping[int, int]) -> Iterator[tuple[int, str]]:
    for i, one in enumerate(objects):
        yield i, "mass" if i in pairs else "ratio" if i in pairs.values() else "pt"
        yield i, "phi"
        if one.kind != "met":
            yield i, "eta"
        elif one.components == 3:
            yield i, "pz"
        if one.massive:
            yield i, "own mass"
