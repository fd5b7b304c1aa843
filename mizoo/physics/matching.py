"""Objects in the order of the partons that they come from."""

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Batch, Tensor
from mizoo.physics import planar
from mizoo.physics.process import Process
from mizoo.physics.slots import slots

_RADIUS = 0.4  # of cones around partons, for objects that have no cone of their own


@serialisable
class JetMatching(keras.layers.Layer):
    """Reorders the objects of x in pairs like the objects of z that they are closest to.

    It takes the permutation with the smallest sum of distances √(Δη² + Δφ² + 0.1 (Δ log pT)²). Takes and
    returns a dictionary of batches of four-momenta (n, 4 × objects); events without z are unchanged.

    Args:
        objects: places of the objects of x, one list per kind; a single number counts objects from the end,
            in both spaces.
        partons: places of the corresponding objects of z, as many; by default the same.
    """

    def __init__(
        self,
        objects: int | Sequence[Sequence[int]] = 4,
        partons: Sequence[Sequence[int]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.objects = objects
        self.partons = partons
        of_x = [range(-objects, 0)] if isinstance(objects, int) else objects
        self._groups = list(zip(of_x, of_x if partons is None else partons, strict=True))

    @classmethod
    def of(cls, process: Process) -> Self | None:
        """The matching of a process, for kinds of several objects and as many partons; None without any.

        Raises:
            ValueError: for a process with a variable number of objects, or features.
        """
        process.check_plain(cls.__name__)
        groups = [(m.objects, m.partons) for m in process.matches if len(m.objects) == len(m.partons) > 1]
        return cls(*zip(*groups, strict=True)) if groups else None

    @property
    def orders(self) -> int:
        """Number of permutations."""
        return math.prod(math.factorial(len(of_x)) for of_x, _ in self._groups)

    def call(self, batch: Batch) -> Batch:
        """The batch with the objects of x reordered."""
        if "z" not in batch:
            return batch
        x, z = (tf.reshape(batch[space], (-1, batch[space].shape[1] // 4, 4)) for space in "xz")
        objects = tf.unstack(x, axis=1)
        for of_x, of_z in self._groups:
            ordered = _nearest(_at(x, of_x), _at(z, of_z))
            for place, moved in zip(of_x, tf.unstack(ordered, axis=1), strict=True):
                objects[place] = moved
        return {**batch, "x": tf.concat(objects, -1)}


@serialisable
class ObjectSlots(keras.layers.Layer):
    """Moves the objects of x in pairs to the places of the partons that they are closest to.

    Pairs of an object and a parton are made in order of their distance √(Δη² + Δφ²), as far as it is
    smaller than the cone. Objects without a parton follow in their order. If there are more of them than
    places, the last ones fill the places of partons without an object.

    Takes and returns a dictionary of batches, x (n, columns) and z (n, 4 × partons) in GeV; events without
    z are unchanged.

    Args:
        process: process of the events.
    """

    def __init__(self, process: Process | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.process = process if isinstance(process, Process) else Process(**process)
        self._partons = slots(self.process)

    def call(self, batch: Batch) -> Batch:
        """The batch with the objects of x at their places."""
        if "z" not in batch:
            return batch
        x, z = batch["x"], tf.reshape(batch["z"], (-1, batch["z"].shape[1] // 4, 4))
        columns = {name: i for i, name in enumerate(self.process.columns("x"))}
        blocks, order = [], []
        for one in self.process.objects:
            names = [f"{c}_{{}}" for c in ("px", "py", "pz", "E", *one.features)]
            own = [[columns[name.format(each)] for name in names] for each in one.names]
            block = tf.gather(x, own, axis=1)  # (n, objects, columns)
            if one.name in self._partons:
                radius = one.cone or _RADIUS
                block = _placed(block, tf.gather(z, self._partons[one.name], axis=1), radius)
            blocks.append(tf.reshape(block, (-1, len(own) * len(names))))
            order += [column for columns_of_one in own for column in columns_of_one]
        return {**batch, "x": tf.gather(tf.concat(blocks, 1), np.argsort(order), axis=1)}


def _nearest(x: Tensor, z: Tensor) -> Tensor:
    """Objects x (n, objects, 4) in the order of the closest objects z."""
    count = x.shape[1]
    orders = np.array(list(permutations(range(count))))  # index of the x at each place
    gaps = [a[:, :, None] - b[:, None] for a, b in zip(_polar(x), _polar(z), strict=True)]
    squares = 0.1 * gaps[0] ** 2 + gaps[1] ** 2 + planar.wrap(gaps[2]) ** 2
    nearest, _ = nearest_order(tf.sqrt(squares), orders)
    return tf.gather(x, tf.gather(orders, nearest), batch_dims=1)


def nearest_order(distances: Tensor, orders: np.ndarray) -> tuple[Tensor, Tensor]:
    """Index (n,) of the order with the smallest sum of distances, and this sum (n,).

    Args:
        distances: distances (n, k, k) of each object, by row, from each place, by column.
        orders: index of the object at each place, (orders, k).
    """
    count = orders.shape[1]
    flat = tf.reshape(distances, (-1, count**2))
    pairs = orders * count + np.arange(count)
    sums = tf.reduce_sum(tf.gather(flat, pairs, axis=1), -1)
    return tf.argmin(sums, -1), tf.reduce_min(sums, -1)


def _at(objects: Tensor, places: Sequence[int]) -> Tensor:
    """The objects (n, k, 4) at some places of objects (n, objects, 4)."""
    return tf.gather(objects, [place % objects.shape[1] for place in places], axis=1)


def _polar(momenta: Tensor) -> Tensor:
    """log pT, η and φ of momenta (n, objects, 4)."""
    pt = tf.sqrt(tf.reduce_sum(tf.square(momenta[..., :2]), -1))
    return tf.math.log(pt), planar.asinh(momenta[..., 2] / pt), tf.atan2(momenta[..., 1], momenta[..., 0])


def _placed(objects: Tensor, partons: Tensor, radius: float) -> Tensor:
    """Objects (n, m, k) at the places of partons (n, p, 4), and others after them."""
    count, known = objects.shape[1], partons.shape[1]
    exists = tf.reduce_any(objects[..., :4] != 0.0, -1)
    distance = tf.where(exists[:, None], _distances(partons, objects), np.inf)  # (n, p, m)
    taken = tf.zeros_like(distance)
    for _ in range(known):
        flat = tf.reshape(distance, (-1, known * count))
        nearest = tf.argmin(flat, -1)
        within = tf.reduce_min(flat, -1) < radius
        pair = tf.one_hot(nearest, known * count) * tf.cast(within, tf.float32)[:, None]
        pair = tf.reshape(pair, (-1, known, count))
        taken += pair
        used = tf.reduce_max(pair, 2, keepdims=True) + tf.reduce_max(pair, 1, keepdims=True)
        distance = tf.where(used > 0.0, np.inf, distance)
    others = tf.cast(exists, tf.float32) * (1.0 - tf.reduce_sum(taken, 1))  # (n, m)
    rank = tf.cast(tf.cumsum(others, axis=1, exclusive=True), tf.int32)
    # Objects at the places after the partons', and then at those of partons without an object.
    free = 1.0 - tf.reduce_sum(taken, 2)  # (n, p)
    vacant = tf.cast(tf.cumsum(free, axis=1, exclusive=True), tf.int32) + count - known
    overflow = tf.cast(vacant[:, :, None] == rank[:, None], tf.float32) * free[:, :, None] * others[:, None]
    after = tf.one_hot(rank, count - known, axis=1) * others[:, None]
    return tf.matmul(tf.concat([taken + overflow, after], 1), objects)


def _distances(partons: Tensor, objects: Tensor) -> Tensor:
    """√(Δη² + Δφ²) of partons (n, p, 4) and objects (n, m, k), (n, p, m)."""
    polar = []
    for momenta in (partons, objects):
        pt = tf.sqrt(tf.reduce_sum(tf.square(momenta[..., :2]), -1) + 1e-12)
        polar.append((planar.asinh(momenta[..., 2] / pt), tf.atan2(momenta[..., 1], momenta[..., 0])))
    (eta, phi), (own_eta, own_phi) = polar
    gaps = eta[:, :, None] - own_eta[:, None], planar.wrap(phi[:, :, None] - own_phi[:, None])
    return tf.sqrt(tf.square(gaps[0]) + tf.square(gaps[1]))
