"""Objects in an order that says what they come from, an order that data from outside lack."""

import math
from collections.abc import Sequence
from itertools import permutations, product
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.distribute import collectives
from mizoo.physics import planar
from mizoo.representations.base import Representation
from mizoo.representations.tokens import Tokens

_MAX_ATTEMPTS = 4  # one draw in ten is refused, and after four tries that of one event in a thousand


@serialisable
class JetAssignment(Representation):
    """Events whose objects stand in the order of what they come from, as jets in that of partons.

    In such an order each object is close to its origin, and conditional distributions have one peak instead
    of one for each assignment. Pairs are put in it by `mizoo.physics.JetMatching`. Where only x is known,
    `assign` draws the order from p(order | event), which a network learns by the term
    `AssignmentLikelihood`; so
    p(z | x) = Σ p(order | x) p(z | x in this order), without approximation. That z goes with this order and
    no other is a sharp edge, which networks smooth: so draws are compared with `matching`, if it is given,
    and where it says otherwise both, order and z, are drawn anew. The way back, `inverse`, forgets the
    order: objects come by falling pT.

    Args:
        representation: of events in any order, with four-momenta as physical units.
        network: from `Tokens` of an event by falling pT, seen from the azimuth of its first object, to the
            logits of all permutations, see `mizoo.networks.attention`.
        objects: places of the objects that are ordered, in one list for each kind; a number of them counts
            from the end.
        matching: layer that puts pairs in order, if draws of z are to be compared with it.
    """

    assignment_noise = 1

    def __init__(
        self,
        representation: Representation,
        network: Network,
        objects: int | Sequence[Sequence[int]] = 4,
        matching: Network | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"trainable": True, **kwargs})
        self.representation = representation
        self.network = network
        self.objects = objects
        self.matching = matching
        self.max_attempts = 1 if matching is None else _MAX_ATTEMPTS
        self.physical_shape = representation.physical_shape
        self.shape = representation.shape
        self.angles = representation.angles
        self.seed_generator = keras.random.SeedGenerator()
        self._tokens = Tokens(representation)
        count = self.physical_shape[0] // 4
        last = [range(count - objects, count)] if isinstance(objects, int) else objects
        self._groups = [list(places) for places in last]
        # origins[i, j]: which place the object that comes at j, by falling pT, takes in permutation i.
        self._origins = np.array(
            [
                _replaced(count, self._groups, orders)
                for orders in product(*(permutations(places) for places in self._groups))
            ]
        )

    def build(self, input_shape: BatchShape) -> None:
        build(self.representation, input_shape)
        build(self._tokens, (None, *self.shape))
        build(self.network, self._tokens.compute_output_shape((None, *self.shape)))
        self.built = True

    def call(self, physical: Tensor) -> Tensor:
        return self.representation(physical)

    def inverse(self, coordinates: Tensor) -> Tensor:
        return self._by_pt(self.representation.inverse(coordinates))[0]

    def four_momenta(self, coordinates: Tensor) -> Tensor:
        momenta = self.representation.four_momenta(coordinates)
        events, _ = self._by_pt(tf.reshape(momenta, (-1, *self.physical_shape)))
        return tf.reshape(events, tf.shape(momenta))

    def assign(self, physical: Tensor, noise: Tensor | None = None) -> Tensor:
        """Events (n, …) in an order drawn from what the network thinks of them, see `Representation`."""
        events, _ = self._by_pt(tf.cast(physical, self.compute_dtype))
        if noise is None:
            noise = collectives.normal(
                (keras.ops.shape(events)[0], self.assignment_noise), self.seed_generator
            )
        share = 0.5 * (1.0 + tf.math.erf(tf.cast(noise, tf.float32) / math.sqrt(2.0)))
        below = tf.cumsum(tf.nn.softmax(self._logits(events)), axis=-1) < share
        drawn = tf.reduce_sum(tf.cast(below[:, :-1], tf.int32), -1)
        return self._ordered(events, tf.gather(np.argsort(self._origins, 1), drawn))

    def accept(self, assigned: Tensor, drawn: Tensor) -> Tensor:
        assert self.matching is not None  # `max_attempts` is 1 without
        again = self.matching({"x": assigned, "z": drawn})["x"]
        return tf.reduce_all(again == assigned, -1)

    def log_prob(self, coordinates: Tensor, training: bool | None = None) -> Tensor:
        """Log-probability (n,) in nats of the order in which the objects of events (n, d) stand."""
        events, origins = self._by_pt(self.representation.inverse(coordinates))
        same = tf.reduce_all(origins[:, None] == self._origins, -1)
        chances = tf.nn.log_softmax(self._logits(events, training))
        return tf.reduce_sum(tf.where(same, chances, 0.0), -1)

    def _logits(self, events: Tensor, training: bool | None = None) -> Tensor:
        coordinates = self.representation(events)
        azimuth = planar.azimuth(events[:, :2])
        turns = np.isin(np.arange(self.shape[0]), self.angles)
        turned = tf.where(turns, planar.wrap(coordinates - azimuth), coordinates)
        logits = self.network(self._tokens(turned, training=training), training=training)
        return tf.cast(logits, tf.float32)

    def _by_pt(self, events: Tensor) -> tuple[Tensor, Tensor]:
        """Events by falling pT, and which place each object had."""
        momenta = self._objects(events)
        squares = tf.reduce_sum(tf.square(momenta[..., :2]), -1)
        places = tf.unstack(tf.zeros_like(squares, tf.int32) + np.arange(momenta.shape[1]), axis=1)
        for group in self._groups:
            ranks = tf.argsort(tf.gather(squares, group, axis=1), direction="DESCENDING", stable=True)
            for place, one in zip(group, tf.unstack(tf.gather(group, ranks), axis=1), strict=True):
                places[place] = one
        return self._ordered(events, tf.stack(places, 1)), tf.stack(places, 1)

    def _ordered(self, events: Tensor, places: Tensor) -> Tensor:
        """Events whose objects are those that stood in `places` (n, objects)."""
        return tf.reshape(tf.gather(self._objects(events), places, batch_dims=1), tf.shape(events))

    def _objects(self, events: Tensor) -> Tensor:
        return tf.reshape(events, (-1, self.physical_shape[0] // 4, 4))


def _replaced(count: int, groups: Sequence[Sequence[int]], orders: Sequence[Sequence[int]]) -> list[int]:
    """The places 0 … count - 1, those of each group in its order."""
    places = list(range(count))
    for group, order in zip(groups, orders, strict=True):
        for place, one in zip(group, order, strict=True):
            places[place] = one
    return places
