"""Events whose objects come by falling transverse momentum, whatever coordinates say."""

from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Tensor
from mizoo.physics import kinematics
from mizoo.physics.process import Process
from mizoo.representations.base import Fitted
from mizoo.representations.object_coordinates import ObjectCoordinates


@serialisable
class FallingPt(Fitted):
    """Coordinates of detector objects of a kind in any order, which come by falling pT on the way back.

    So the order has no edge in the coordinates: a mapper may draw objects in the order of what they come
    from. `four_momenta` keeps the order of the coordinates, `inverse` sorts.

    Args:
        representation: coordinates that leave the order free.
    """

    def __init__(self, representation: ObjectCoordinates, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.representation = representation
        self.process = representation.process
        self.masses = representation.masses
        self.physical_shape, self.shape = representation.physical_shape, representation.shape
        self.angles, self.circles = representation.angles, representation.circles

    @property
    def process_of_events(self) -> Process:
        return self.process

    def build(self, input_shape: BatchShape) -> None:
        build(self.representation, input_shape)
        self.built = True

    def _fit(self, data: np.ndarray) -> None:
        self.representation.adapt(data)

    def call(self, physical: Tensor) -> Tensor:
        return self.representation(physical)

    def inverse(self, coordinates: Tensor) -> Tensor:
        objects = tf.reshape(self.representation.inverse(coordinates), (-1, self.physical_shape[0] // 4, 4))
        ordered = kinematics.by_falling_pt(objects, self.process.ordered)
        return tf.reshape(ordered, (-1, *self.physical_shape))

    def four_momenta(self, coordinates: Tensor) -> Tensor:
        return self.representation.four_momenta(coordinates)
