"""Coordinates of partons in the laboratory, with their resonances on their mass shells."""

from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Tensor
from mizoo.physics import kinematics, planar
from mizoo.physics.process import Process
from mizoo.representations.base import OnShell
from mizoo.representations.parton_coordinates import PartonCoordinates
from mizoo.representations.standardised import Standardised

_TAIL = 1.5  # tail of the distributions of pT, see `planar.modulus_to_line`


@serialisable
class ProjectedMomenta(OnShell, Standardised):
    """Transverse momentum, azimuth and pseudorapidity of each parton, and the mass of each resonance.

    What a detector measures of a parton alone, such as the direction of a lepton, is a distribution of its
    own coordinates, and a narrow mass is one of a single coordinate. Coordinates are more than degrees of
    freedom: on the way back, partons are boosted until their transverse momenta balance, if those of the
    process do, and the masses replace those of the momenta (see `PartonCoordinates`). Coordinates that
    contradict each other a little thus correspond to an event close by. They have no density.

    Coordinates other than azimuths have mean 0 and variance 1 in the data given to `adapt`.

    Args:
        process: process of the events.
        chain: coordinates with the masses of the resonances; by default new ones.
    """

    def __init__(
        self, process: Process | dict[str, Any], chain: PartonCoordinates | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.process = process if isinstance(process, Process) else Process(**process)
        self.chain = chain or PartonCoordinates(self.process)
        self.masses = self.chain.masses
        self._count = len(self.masses)
        self.physical_shape = self.chain.physical_shape
        self.shape = (3 * self._count + len(self.chain.resonances),)
        self.angles = self.circles = tuple(range(1, 3 * self._count, 3))
        self.scales = self.add_weight((self._count,), "ones", name="scales", trainable=False)
        self._add_moments()
        self._resonances = np.array(self.chain.resonances, "int32")

    @property
    def process_of_events(self) -> Process:
        return self.process

    def build(self, input_shape: BatchShape) -> None:
        build(self.chain, input_shape)
        self.built = True

    def _fit(self, data: np.ndarray) -> None:
        self.chain.adapt(data)
        momenta = tf.reshape(tf.cast(data, tf.float64), (-1, self._count, 4))
        squares = kinematics.square(momenta[..., :2]).numpy()[..., 0]
        self.scales.assign([planar.median_scale(one, _TAIL) for one in squares.T])
        self._set_moments(self._raw(tf.cast(data, tf.float64)).numpy())

    def _without_spread(self, columns: np.ndarray) -> str:
        return f"{self.process.name}: partons have no spread, or are not finite"

    def call(self, physical: Tensor) -> Tensor:
        return self._standardised(self._raw(tf.cast(physical, tf.float64)))

    def momenta(self, coordinates: Tensor) -> Tensor:
        partons = self.partons(coordinates)
        if self.process.balanced:
            partons = kinematics.balanced(partons)
        chain = self.chain(tf.reshape(partons, (-1, *self.physical_shape)))
        columns = tf.unstack(chain, axis=1)
        for i, place in enumerate(self.chain.resonances):
            columns[place] = coordinates[:, 3 * self._count + i]
        return kinematics.at_most_beam(self.chain.momenta(tf.stack(columns, 1)))

    def partons(self, coordinates: Tensor) -> Tensor:
        """Partons (n, m, 4) before the projection."""
        raw = self._unstandardised(coordinates)
        lab = tf.reshape(raw[:, : 3 * self._count], (-1, self._count, 3))
        pt = planar.line_to_modulus(lab[..., :1], tf.cast(self.scales, tf.float64)[:, None], _TAIL)
        lab = tf.concat([pt * planar.direction(lab[..., 1:2]), pt * planar.sinh(lab[..., 2:])], -1)
        return kinematics.on_shell(lab, self.masses)

    def imbalance(self, partons: Tensor) -> Tensor:
        """What the projection has to mend: features (n, k) of `partons` (n, m, 4) before it, for networks.

        They are the sum of the transverse momenta in units of 20 GeV, if they should balance, and for each
        resonance 20 log(m / M) of the mass m of its partons and its own M.
        """
        parts = [tf.reduce_sum(partons[..., :2], 1)[:, : 2 * self.process.balanced] / 20.0]
        for decay in self.process.decays:
            whole = tf.add_n([partons[:, leaf] for leaf in self.process.leaves(decay.name)])
            parts.append(20.0 * tf.math.log(tf.maximum(kinematics.mass(whole), 0.1) / decay.gev))
        return planar.asinh(tf.concat(parts, -1))

    def _raw(self, physical: Tensor) -> Tensor:
        """Coordinates before standardisation, in double precision."""
        momenta = tf.reshape(physical, (-1, self._count, 4))
        scale = tf.cast(self.scales, tf.float64)[:, None]
        pt = planar.modulus_to_line(kinematics.pt(momenta), scale, _TAIL)
        lab = tf.concat([pt, planar.azimuth(momenta[..., :2]), kinematics.eta(momenta)], -1)
        masses = tf.gather(self.chain(physical), self._resonances, axis=1)
        return tf.concat([tf.reshape(lab, (-1, 3 * self._count)), tf.cast(masses, tf.float64)], -1)
