"""Objects in the order of the partons that they come from, which external data lack."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.categorical import categories
from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.distribute import collectives
from mizoo.physics import planar
from mizoo.physics.assignment import orders
from mizoo.physics.process import Process
from mizoo.representations.base import Representation
from mizoo.representations.tokens import Tokens

_MAX_ATTEMPTS = 4  # one draw in ten is rejected, and after four attempts that of one event in a thousand


@serialisable
class JetAssignment(Representation):
    """Events whose objects are in the order of their origins, as jets in that of partons.

    In such an order each object is close to its origin, and conditional distributions have one peak instead
    of one per assignment. `mizoo.physics.JetMatching` orders pairs in this way. Where only x is known,
    `assign` draws the order from p(order | event), which a network learns by the term
    `AssignmentLikelihood`. Hence p(z | x) = Σ p(order | x) p(z | x in this order), without approximation.

    Each z belongs to one order only. This is a sharp edge, which networks smooth. If `matching` is given,
    draws are therefore compared with it, and both order and z are drawn anew where it disagrees. `inverse`
    discards the order and sorts objects by falling pT.

    Args:
        representation: representation of events in any order, with four-momenta as physical units.
        network: network from `Tokens` of an event by falling pT, relative to the azimuth of its first
            object, to the logits of all permutations, see `mizoo.networks.attention`.
        objects: places of the objects that are ordered, one list per kind; a single number counts objects
            from the end.
        matching: layer that orders pairs, if draws of z are to be compared with it.
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
        # origins[i, j]: place in permutation i of the object at place j by falling pT.
        self._origins = np.array(orders(count, self._groups))

    @property
    def process_of_events(self) -> Process | None:
        return self.representation.process_of_events

    @property
    def is_adapted(self) -> bool:
        return self.representation.is_adapted

    def adapt(self, data: np.ndarray) -> None:
        """Set the statistics of the representation from events (n, …) in the order of their origins."""
        self.representation.adapt(data)

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
        """Events (n, …) in an order drawn from the network's probabilities, see `Representation`."""
        events, _ = self._by_pt(tf.cast(physical, self.compute_dtype))
        if noise is None:
            noise = collectives.normal(
                (keras.ops.shape(events)[0], self.assignment_noise), self.seed_generator
            )
        drawn = categories(self._logits(events), noise)
        return self._ordered(events, tf.gather(np.argsort(self._origins, 1), drawn))

    def accept(self, assigned: Tensor, drawn: Tensor) -> Tensor:
        assert self.matching is not None  # without it, `max_attempts` is 1
        again = self.matching({"x": assigned, "z": drawn})["x"]
        return tf.reduce_all(again == assigned, -1)

    def log_prob(self, coordinates: Tensor, training: bool | None = None) -> Tensor:
        """Log-probability (n,) in nats of the order of the objects of events (n, d)."""
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
        """Events by falling pT, and the former place of each object, (n, objects)."""
        momenta = self._objects(events)
        squares = tf.reduce_sum(tf.square(momenta[..., :2]), -1)
        places = tf.unstack(tf.zeros_like(squares, tf.int32) + np.arange(momenta.shape[1]), axis=1)
        for group in self._groups:
            ranks = tf.argsort(tf.gather(squares, group, axis=1), direction="DESCENDING", stable=True)
            for place, one in zip(group, tf.unstack(tf.gather(group, ranks), axis=1), strict=True):
                places[place] = one
        return self._ordered(events, tf.stack(places, 1)), tf.stack(places, 1)

    def _ordered(self, events: Tensor, places: Tensor) -> Tensor:
        """Events whose objects are taken from `places` (n, objects)."""
        return tf.reshape(tf.gather(self._objects(events), places, batch_dims=1), tf.shape(events))

    def _objects(self, events: Tensor) -> Tensor:
        return tf.reshape(events, (-1, self.physical_shape[0] // 4, 4))
