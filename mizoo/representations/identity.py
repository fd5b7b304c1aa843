"""The representation of data that need none."""

import keras

from mizoo.core.serialisation import serialisable
from mizoo.representations.base import Representation


@serialisable
class Identity(Representation):
    """Coordinates are the data themselves, events of the given shape."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = self.physical_shape = tuple(shape)

    def call(self, physical):
        return keras.ops.cast(physical, self.compute_dtype)

    def inverse(self, coordinates):
        return keras.ops.cast(coordinates, self.compute_dtype)
