"""What a representation is: an invertible layer between physical units and what networks see."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.types import BatchShape, Tensor
from mizoo.physics import kinematics


class Representation(keras.layers.Layer):
    """An invertible layer, `call` forwards and `inverse` back; part of the model it serves.

    Subclasses set `physical_shape` and `shape`, the shapes of one event before and after, and, if any
    coordinates are azimuths about the beam, their indices as `angles`: a rotation of the event adds
    to them and leaves all others. `circles` are the indices of all coordinates that are angles, these and
    others. `bounded` tells that coordinates lie in [-1, 1]. If data from outside lack something that those
    of the training have, `assign` supplies it, from `assignment_noise` random numbers; what is drawn given
    an event may contradict it (`accept`) and is drawn anew then, in at most `max_attempts` attempts.
    Representations compute in at least float32, whatever the precision policy.
    """

    physical_shape: tuple[int, ...]
    shape: tuple[int, ...]
    angles: tuple[int, ...] = ()
    circles: tuple[int, ...] = ()
    bounded: bool = False
    assignment_noise: int = 0
    max_attempts: int = 1

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", "trainable": False, **kwargs}, autocast=False)

    @property
    def is_adapted(self) -> bool:
        """Whether the statistics this representation needs, if any, have been set."""
        return True

    def call(self, physical: Tensor) -> Tensor:
        """Physical units to coordinates."""
        raise NotImplementedError

    def inverse(self, coordinates: Tensor) -> Tensor:
        """Coordinates to physical units."""
        raise NotImplementedError

    def four_momenta(self, coordinates: Tensor) -> Tensor:
        """Coordinates to four-momenta (n, objects, 4) in double precision, if these are the physical units.

        In single precision, masses of massless objects would be noise of some GeV.
        """
        momenta = tf.reshape(self.inverse(coordinates), (-1, self.physical_shape[0] // 4, 4))
        return tf.cast(momenta, tf.float64)

    def assign(self, physical: Tensor, noise: Tensor | None = None) -> Tensor:
        """Data from outside, in physical units, as those of the training are.

        Args:
            physical: of shape (n, …).
            noise: standard normal numbers (n, `assignment_noise`), drawn if not given.
        """
        return physical

    def canonical(self, momenta: Tensor) -> Tensor:
        """Momenta (n, objects, k) in the order that the representation has them in."""
        return momenta

    def accept(self, assigned: Tensor, drawn: Tensor) -> Tensor:
        """Whether events of the other space (n, …) go with what `assign` gave, (n,); asked if
        `max_attempts` > 1.

        Both are in physical units.
        """
        raise NotImplementedError

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (input_shape[0], *self.shape)


class OnShell(Representation):
    """Coordinates of objects of known masses: three-momenta say all.

    Subclasses give these as `momenta`.
    """

    masses: tuple[float, ...] = (0.0,)  # GeV, one of all objects or one each

    def momenta(self, coordinates: Tensor) -> Tensor:
        """Coordinates to momenta (n, objects, 3) in double precision."""
        raise NotImplementedError

    def four_momenta(self, coordinates: Tensor) -> Tensor:
        return kinematics.on_shell(self.momenta(coordinates), self.masses)

    def inverse(self, coordinates: Tensor) -> Tensor:
        events = kinematics.on_shell(self.momenta(coordinates), self.masses, self.compute_dtype)
        return tf.reshape(events, (-1, *self.physical_shape))


class Fitted(Representation):
    """A representation with statistics of the data, which `adapt` sets.

    Subclasses set them in `_fit`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Weights are all that is saved, so that statistics are set must be one of them.
        self.adapted = self.add_weight((), "zeros", name="adapted", trainable=False)

    @property
    def is_adapted(self) -> bool:
        return bool(self.adapted.numpy())

    def adapt(self, data: np.ndarray) -> None:
        """Take the statistics from `data`, an array (n, …) of events.

        Raises:
            ValueError: if the data have no spread, or values that are not finite.
        """
        self._fit(data)
        self.adapted.assign(1.0)

    def _fit(self, data: np.ndarray) -> None:
        raise NotImplementedError
