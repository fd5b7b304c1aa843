"""Coordinates of events with a variable number of detector objects, and of their features."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.core.columns import take
from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Tensor
from mizoo.physics import kinematics
from mizoo.physics.particles import FEATURE_VALUES
from mizoo.physics.process import Process
from mizoo.physics.slots import slots
from mizoo.representations.base import Fitted
from mizoo.representations.object_coordinates import ObjectCoordinates

_NEUTRAL = (50.0, 0.0, 0.0, 50.0)  # GeV, in place of the momenta of absent objects, which are masked


@serialisable
class ObjectSets(Fitted):
    """The detector objects of a process whose number varies, with their features.

    Physical units are those of `Process.columns`: absent objects are zeros. The coordinates of an event are
    those of `ObjectCoordinates` for as many objects as possible, 0 for absent ones, and then binary ones:
    whether each object exists, for all kinds whose number varies, and the features.

    Objects of a kind may be at any places, see `ObjectSlots`. On the way back they come by falling pT;
    `four_momenta` keeps their places.

    Args:
        process: process of the events.
        objects: coordinates of as many objects as possible; by default new ones.

    Raises:
        ValueError: for a process without objects; and in `adapt`, if no event has an object of some kind.
    """

    def __init__(
        self, process: Process | dict[str, Any], objects: ObjectCoordinates | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.process = process if isinstance(process, Process) else Process(**process)
        self.objects = objects or ObjectCoordinates(self.process.at_most(), ordered=False)
        self.masses = self.objects.masses
        self.angles, self.circles = self.objects.angles, self.objects.circles
        self._count, self._features = len(self.process.x), self.process.features
        self._kinds = [one for one in self.process.objects if not isinstance(one.count, int)]
        self._partons = {name: len(partons) for name, partons in slots(self.process).items()}
        flagged = [place for one in self._kinds for place in self.process.places[one.name]]
        self._flags = len(flagged)
        # Index of the flag of each object, and of each of its features, or that of a number beyond.
        self._flag = _indices(range(self._count), flagged)
        self._names = sorted({name for _, name in self._features})
        self._feature = [
            _indices([(i, n) for n in self._names], self._features) for i in range(self._count)
        ]
        self.binaries = self._flags + len(self._features)
        self.physical_shape = (4 * self._count + len(self._features),)
        self.shape = (self.objects.shape[0] + self.binaries,)

    @property
    def process_of_events(self) -> Process:
        return self.process

    @property
    def present(self) -> list[int]:
        """Index of the binary coordinate that says whether a continuous one exists, or -1, for each."""
        flags = [self._flag[place] for place in self.objects.places]
        return [flag if flag < self._flags else -1 for flag in flags]

    def build(self, input_shape: BatchShape) -> None:
        build(self.objects, (None, *self.objects.physical_shape))
        self.built = True

    def _fit(self, data: np.ndarray) -> None:
        # Objects may be at any places: the statistics are those of the kind. Others replace absent ones.
        momenta = np.array(data[:, : 4 * self._count], "float64").reshape(-1, self._count, 4)
        present, random = self.process.present(data), np.random.default_rng(0)
        for one in self._kinds:
            places = list(self.process.places[one.name])
            if not len(found := momenta[:, places][present[:, places]]):
                raise ValueError(f"no event of x has any {one.name}, whose coordinates need them")
            momenta[:, places] = found[random.integers(len(found), size=(len(momenta), len(places)))]
        self.objects.adapt(momenta.reshape(len(momenta), -1))

    def call(self, physical: Tensor) -> Tensor:
        momenta = tf.reshape(physical[:, : 4 * self._count], (-1, self._count, 4))
        places = [self._flag.index(i) for i in range(self._flags)]
        flags = tf.cast(tf.reduce_any(tf.gather(momenta, places, axis=1) != 0.0, -1), "float32")
        exists = self._exist(flags)[..., None] > 0.5
        momenta = tf.where(exists, momenta, tf.constant(_NEUTRAL, momenta.dtype))
        found = self.objects(tf.reshape(momenta, (-1, 4 * self._count)))
        middle = np.array([sum(FEATURE_VALUES[name]) / 2.0 for _, name in self._features], "float32")
        features = tf.cast(tf.cast(physical[:, 4 * self._count :], "float32") > middle, "float32")
        mask = take(flags, self.present, 1.0)
        return tf.concat([found * mask, flags, features], -1)

    def inverse(self, coordinates: Tensor) -> Tensor:
        momenta, features = self.four_momenta(coordinates), self.token_features(coordinates)
        own = tf.cast(features, tf.float64)
        values = np.array([FEATURE_VALUES[name] for name in self._names]).reshape(-1, 2)
        values = (own[..., 1:] * (values[:, 1] - values[:, 0]) + values[:, 0]) * own[..., :1]
        ordered = kinematics.by_falling_pt(tf.concat([momenta, values], -1), self.process.ordered)
        table = tf.reshape(ordered[..., 4:], (-1, self._count * len(self._names)))
        columns = [place * len(self._names) + self._names.index(name) for place, name in self._features]
        flat = tf.reshape(ordered[..., :4], (-1, 4 * self._count))
        return tf.cast(tf.concat([flat, tf.gather(table, columns, axis=1)], -1), self.compute_dtype)

    def four_momenta(self, coordinates: Tensor) -> Tensor:
        continuous = coordinates[:, : self.objects.shape[0]]
        return self.objects.four_momenta(continuous, self.token_features(coordinates)[..., 0])

    def token_features(self, coordinates: Tensor) -> Tensor:
        """Whether each object exists, and its features as 0 or 1, (n, objects, k)."""
        binary = tf.cast(coordinates[:, self.objects.shape[0] :] > 0.5, "float32")
        exists = self._exist(binary[:, : self._flags])[..., None]
        features = take(binary[:, self._flags :], self._feature, 0.0)
        return tf.concat([exists, features * exists], -1)

    def bounds(self, before: Sequence[Tensor]) -> tuple[Tensor | float, Tensor | float]:
        """The least and the greatest value of the next binary coordinate, 0 or 1.

        There are at least as many objects of each kind as in the process, objects that come from no parton
        fill their places one after another, and only objects that exist have features.

        Args:
            before: the binary coordinates before it, (n,) each.
        """
        place = len(before)
        if place >= self._flags:
            flag = self._flag[self._features[place - self._flags][0]]
            return 0.0, before[flag] if flag < self._flags else 1.0
        for one in self._kinds:
            if place < one.range[1]:
                break
            before, place = before[one.range[1] :], place - one.range[1]
        (least, most), first = one.range, self._partons[one.name]
        # Objects of partons must exist if the places after them are too few, others if too few came before.
        left = most - place - 1 if place < first else 0
        count = tf.add_n(before) if before else tf.zeros(())
        must = tf.cast(count + left < least, "float32")
        return must, tf.maximum(before[-1], must) if place > first else 1.0

    def _exist(self, flags: Tensor) -> Tensor:
        """Whether objects (n, objects) exist, 1 or 0, from the flags (n, k)."""
        return take(flags, self._flag, 1.0)


def _indices(keys: Sequence[Any], known: Sequence[Any]) -> list[int]:
    """Index of each key in `known`, or the length of this."""
    places = {key: i for i, key in enumerate(known)}
    return [places.get(key, len(known)) for key in keys]
