"""Standardised momenta, with energies from the mass shell."""

import keras
import numpy as np

from mizoo.core.serialisation import serialisable
from mizoo.physics import kinematics
from mizoo.representations.standardise import Standardise


@serialisable
class Momenta(Standardise):
    """Three-momenta of objects, each component with mean 0 and variance 1; energies follow from masses.

    Physical units are px, py, pz, E of each object in turn, in GeV. As in OTUS (arXiv 2101.08944).

    Args:
        masses: of the objects, GeV.
    """

    excluded_from_config = ("shape", "scalar")

    def __init__(self, masses, **kwargs):
        super().__init__((3 * len(masses),), **kwargs)
        self.masses = [float(mass) for mass in masses]
        self.physical_shape = (4 * len(self.masses),)

    @classmethod
    def of(cls, process, space):
        """For the objects of a `physics.Process` in one space, `"x"` or `"z"`."""
        return cls(process.masses(space))

    def _fit(self, data):
        super()._fit(np.asarray(data).reshape(-1, len(self.masses), 4)[..., :3].reshape(-1, *self.shape))

    def call(self, physical):
        objects = keras.ops.reshape(physical, (-1, len(self.masses), 4))
        return super().call(keras.ops.reshape(objects[..., :3], (-1, *self.shape)))

    def inverse(self, coordinates):
        momenta = keras.ops.reshape(super().inverse(coordinates), (-1, len(self.masses), 3))
        objects = kinematics.on_shell(momenta, self.masses, self.compute_dtype)
        return keras.ops.reshape(objects, (-1, *self.physical_shape))
