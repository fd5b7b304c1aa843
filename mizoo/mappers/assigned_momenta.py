"""Mappers that know the momenta of the target's objects, as a network reads them off the condition."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.categorical import categories
from mizoo.core.columns import take
from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Shape, Tensor
from mizoo.distribute import collectives
from mizoo.mappers.base import Mapper, Wrapped
from mizoo.mappers.conditional import Conditional
from mizoo.physics import kinematics
from mizoo.physics.assignment import orders
from mizoo.physics.matching import nearest_order
from mizoo.representations.base import Representation


class AssignedDistribution(Conditional):
    """A sum over the assignments of momenta to objects, of their probabilities and the inner densities.

    Its `log_prob` is that of the assignment in which the momenta are nearest to the target, and of the
    target given this one: a lower bound. A Laplace density of the momenta, of fixed scale, is part of it.
    """

    def __init__(
        self,
        in_order: Callable[[Tensor], Conditional],
        log_chances: Tensor,
        nearest: Callable[[Tensor], tuple[Tensor, Tensor]],
        noise: Callable[[], Tensor],
    ) -> None:
        self._in_order = in_order
        self._log_chances = log_chances
        self._nearest = nearest
        self._noise = noise

    def sample(self) -> Tensor:
        return self._in_order(categories(self._log_chances, self._noise())).sample()

    def log_prob(self, target: Tensor) -> Tensor:
        order, distance = self._nearest(target)
        chance = tf.gather(self._log_chances, order, batch_dims=1)
        return self._in_order(order).log_prob(target) + chance - distance / kinematics.FEATURE_SCALE


@serialisable
class AssignedMomenta(Wrapped):
    """Another mapper, given the condition and momenta of the target's objects that a network reads off it.

    The network says where objects are, and with which probability each of these momenta is that of which
    object: objects of a kind, such as a b and an anti-b quark in jets, may be told apart in no other way.
    The inner mapper is given the momenta in an order, and its distribution has one peak where that of all
    orders has many. In training the order is that in which they are nearest to the target, as in the
    prediction of sets (arXiv 2005.12872), and the network learns the momenta of the target.

    Args:
        mapper: mapper from the condition and 3 m further numbers, `kinematics.network_features` of the
            momenta without the energy, to the target.
        network: network from the condition to 3 m numbers and the logits of all orders.
        representation: representation of the target, with m four-momenta as physical units.
        groups: places of the objects that may be interchanged, one list for each kind.
        starts: for each object, the index in the condition of the first of three numbers that the network
            corrects, or -1; by default none.
    """

    def __init__(
        self,
        mapper: Mapper,
        network: Network,
        representation: Representation,
        groups: Sequence[Sequence[int]] = (),
        starts: Sequence[int] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(mapper, **kwargs)
        self.starts = tuple(starts)
        self.network = network
        self.representation = representation
        self.groups = tuple(tuple(places) for places in groups)
        self._objects = representation.physical_shape[0] // 4
        self._orders = np.array(orders(self._objects, self.groups))

    def build(self, condition_shape: BatchShape) -> None:
        build(self.network, condition_shape)
        build(self.mapper, (condition_shape[0], math.prod(condition_shape[1:]) + 3 * self._objects))
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> Shape:
        (count,) = self._inner_noise(condition_shape)
        return (count + 1,)

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> AssignedDistribution:
        said = keras.ops.cast(self.network(condition, training=training), "float32")
        count = 3 * self._objects
        features = said[:, :count]
        if self.starts:
            places = [start + i if start >= 0 else -1 for start in self.starts for i in range(3)]
            features += take(condition, places, 0.0)
        features = tf.reshape(features, (-1, self._objects, 3))
        own = None if noise is None else self.draw(condition, noise)()

        def in_order(order: Tensor) -> Conditional:
            places = tf.gather(self._orders, order)
            assigned = tf.reshape(tf.gather(features, places, batch_dims=1), (-1, count))
            both = tf.concat([tf.cast(condition, tf.float32), assigned], -1)
            rest = None if own is None else own[:, :-1]
            return self.mapper.distribution(both, noise=rest, training=training)

        def nearest(target: Tensor) -> tuple[Tensor, Tensor]:
            return self._nearest(features, target)

        def noise_of_order() -> Tensor:
            """One standard normal number per event, (n, 1)."""
            if own is None:
                return collectives.normal((keras.ops.shape(condition)[0], 1), self.seed_generator)
            return own[:, -1:]

        return AssignedDistribution(in_order, tf.nn.log_softmax(said[:, count:]), nearest, noise_of_order)

    def _nearest(self, features: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Index (n,) of the order in which features (n, m, 3) are nearest to the target (n, d).

        The second result is the sum (n,) of the absolute differences in this order.
        """
        momenta = tf.cast(self.representation.four_momenta(target), tf.float32)
        true = kinematics.network_features(momenta)[..., :3]
        distances = tf.reduce_sum(tf.abs(features[:, :, None] - true[:, None]), -1)
        return nearest_order(distances, self._orders)

    def _inner_noise(self, condition_shape: Shape) -> Shape:
        inner = self.mapper.noise_shape((math.prod(condition_shape) + 3 * self._objects,))
        return (0,) if inner is None else inner
