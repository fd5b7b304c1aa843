"""Base classes of representations, which are invertible layers between physical units and coordinates."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.types import BatchShape, Tensor
from mizoo.physics import kinematics
from mizoo.physics.process import Process


class Representation(keras.layers.Layer):
    """An invertible layer from physical units to coordinates (`call`) and back (`inverse`).

    It is part of the model that uses it. Subclasses set `physical_shape` and `shape`, the shapes of one
    event in physical units and in coordinates. `angles` are the indices of coordinates that are azimuths
    about the beam, if any: a rotation of the event adds to these and leaves all others unchanged. `circles`
    are the indices of all coordinates that are angles. `bounded` tells whether coordinates lie in [-1, 1],
    `has_log_det` whether `log_det` is implemented.

    If external data lack information that the training data have, `assign` supplies it, with
    `assignment_noise` random numbers. Draws given such an event may contradict it (`accept`). They are then
    drawn anew, in at most `max_attempts` attempts. Representations compute in at least float32 under any
    precision policy.
    """

    physical_shape: tuple[int, ...]
    shape: tuple[int, ...]
    angles: tuple[int, ...] = ()
    circles: tuple[int, ...] = ()
    bounded: bool = False
    has_log_det: bool = False
    assignment_noise: int = 0
    max_attempts: int = 1

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", "trainable": False, **kwargs}, autocast=False)

    @property
    def process_of_events(self) -> Process | None:
        """The process whose events these are; None for others, or if it is not known."""
        return None

    @property
    def is_adapted(self) -> bool:
        """Whether the required statistics, if any, have been set."""
        return True

    def adapt(self, data: np.ndarray) -> None:
        """Set the statistics from `data`, an array (n, …) of physical events, if any are required."""

    def call(self, physical: Tensor) -> Tensor:
        """Physical units (n, *physical_shape) to coordinates (n, *shape)."""
        raise NotImplementedError

    def inverse(self, coordinates: Tensor) -> Tensor:
        """Coordinates (n, *shape) to physical units (n, *physical_shape)."""
        raise NotImplementedError

    def log_det(self, physical: Tensor) -> Tensor:
        """log |det ∂ coordinates / ∂ physical| of events (n, …) in physical units, (n,)."""
        raise NotImplementedError

    def four_momenta(self, coordinates: Tensor) -> Tensor:
        """Coordinates to four-momenta (n, objects, 4) in double precision, if these are the physical units.

        In single precision, the masses of massless objects would be noise of some GeV.
        """
        momenta = tf.reshape(self.inverse(coordinates), (-1, self.physical_shape[0] // 4, 4))
        return tf.cast(momenta, tf.float64)

    def assign(self, physical: Tensor, noise: Tensor | None = None) -> Tensor:
        """External data, in physical units, with all information that the training data have.

        Args:
            physical: external data, (n, …).
            noise: standard normal numbers (n, `assignment_noise`), drawn if not given.
        """
        return physical

    def canonical(self, momenta: Tensor) -> Tensor:
        """Momenta (n, objects, k) in the order of objects that the representation requires."""
        return momenta

    def accept(self, assigned: Tensor, drawn: Tensor) -> Tensor:
        """Whether draws of the other space (n, …) are compatible with the result of `assign`, (n,).

        It is called if `max_attempts` > 1. Both arguments are in physical units.
        """
        raise NotImplementedError

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (input_shape[0], *self.shape)


class OnShell(Representation):
    """Coordinates that determine the three-momenta of objects of known masses.

    Subclasses implement `momenta`.
    """

    masses: tuple[float, ...] = (0.0,)  # GeV, one for all objects or one each

    def momenta(self, coordinates: Tensor) -> Tensor:
        """Coordinates to momenta (n, objects, 3) in double precision."""
        raise NotImplementedError

    def object_masses(self, coordinates: Tensor) -> Tensor:
        """Masses of the objects in GeV, (objects,) or (n, objects), in double precision."""
        return tf.constant(self.masses, tf.float64)

    def four_momenta(self, coordinates: Tensor) -> Tensor:
        return kinematics.on_shell(self.momenta(coordinates), self.object_masses(coordinates))

    def inverse(self, coordinates: Tensor) -> Tensor:
        masses = self.object_masses(coordinates)
        events = kinematics.on_shell(self.momenta(coordinates), masses, self.compute_dtype)
        return tf.reshape(events, (-1, *self.physical_shape))


class Fitted(Representation):
    """A representation with statistics of the data, which `adapt` sets.

    Subclasses implement `_fit`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # A weight, as nothing else is saved.
        self.adapted = self.add_weight((), "zeros", name="adapted", trainable=False)

    @property
    def is_adapted(self) -> bool:
        return bool(self.adapted.numpy())

    def adapt(self, data: np.ndarray) -> None:
        """Set the statistics from `data`, an array (n, …) of events in physical units.

        Raises:
            ValueError: if the data have no spread, or values that are not finite.
        """
        self._fit(data)
        self.adapted.assign(1.0)

    def _fit(self, data: np.ndarray) -> None:
        raise NotImplementedError
