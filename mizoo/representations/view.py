"""What a network looks at: an event seen in the laboratory, whatever its coordinates."""

import keras
import tensorflow as tf

from mizoo.graphs import shared
from mizoo.representations import kinematics
from mizoo.serialisation import build, serialisable

_MOST = 4.0  # errors that coordinates are seen to move by


@serialisable
class EventView(keras.layers.Layer):
    """Coordinates of an event other than azimuths, followed by what they mean in the laboratory.

    To the coordinates it adds, for each object, the direction in the transverse plane times
    log(1 + pT/20 GeV), the pseudorapidity and log(1 + E); then log(1 + m) for the given subsets of
    objects; then log(1 + d) for the given pairs, where d = m/√(pT₁ pT₂) is close to √(Δη² + Δφ²) if that is
    small; then, if `ordered` is given, these objects again by falling pT, each with a one-hot code of which
    it is; then, if `constrained`, how the coordinates would move, in units of their errors, to where the
    constraints of the representation hold, limited to ±4.

    Args:
        representation: the coordinates' representation, with four-momenta as physical units.
        subsets: tuples of indices of objects whose invariant masses are wanted.
        ordered: indices of the objects to be repeated by falling pT.
        pairs: of indices of objects whose distances are wanted.
        constrained: whether the representation has constraints, a method `closing`, and coordinates come
            with errors.
    """

    def __init__(self, representation, subsets=(), ordered=(), pairs=(), constrained=False, **kwargs):
        super().__init__(**{"trainable": False, **kwargs})
        self.representation = representation
        self.subsets = tuple(tuple(subset) for subset in subsets)
        self.ordered = tuple(ordered)
        self.pairs = tuple(tuple(pair) for pair in pairs)
        self.constrained = constrained
        self._look = shared(self._seen)

    def build(self, input_shape):
        build(self.representation, (None, *self.representation.physical_shape))
        self.built = True

    def call(self, coordinates, errors=None, training=None):
        given = (coordinates, errors) if self.constrained else (coordinates,)
        return self._look(*given, training=training)

    def _seen(self, coordinates, errors=None):
        objects = tf.reshape(
            self.representation.inverse(coordinates),
            (-1, self.representation.physical_shape[0] // 4, 4),
        )
        views = kinematics.look(objects)
        plain = [i for i in range(coordinates.shape[1]) if i not in self.representation.angles]
        parts = [
            tf.gather(tf.cast(coordinates, views.dtype), plain, axis=1),
            tf.reshape(views, (-1, 4 * objects.shape[1])),
        ]
        if self.subsets:
            parts.append(tf.concat([self._mass(objects, s) for s in self.subsets], -1))
        if self.pairs:
            parts.append(tf.concat([self._distance(objects, p) for p in self.pairs], -1))
        if self.ordered:
            parts.append(self._by_pt(tf.gather(views, self.ordered, axis=1)))
        if self.constrained:
            move = self.representation.closing(coordinates, errors)
            parts.append(_MOST * tf.tanh(tf.cast(move, views.dtype) / _MOST))
        return tf.cast(tf.concat(parts, -1), self.compute_dtype)

    @staticmethod
    def _mass_squared(objects, subset):
        total = tf.reduce_sum(tf.gather(objects, subset, axis=1), 1)
        square = tf.square(total[:, 3:]) - tf.reduce_sum(tf.square(total[:, :3]), -1, keepdims=True)
        return tf.maximum(square, 1e-2)

    @classmethod
    def _mass(cls, objects, subset):
        return tf.math.log(1.0 + tf.sqrt(cls._mass_squared(objects, subset))) - 5.0

    @classmethod
    def _distance(cls, objects, pair):
        squares = tf.reduce_sum(tf.square(tf.gather(objects, pair, axis=1)[..., :2]), -1)
        scale = tf.sqrt(tf.reduce_prod(squares + 1e-6, -1, keepdims=True))
        return tf.math.log(1.0 + tf.sqrt(cls._mass_squared(objects, pair) / scale))

    @staticmethod
    def _by_pt(views):
        count = views.shape[1]
        code = tf.broadcast_to(tf.eye(count, dtype=views.dtype), (tf.shape(views)[0], count, count))
        order = tf.argsort(tf.reduce_sum(tf.square(views[..., :2]), -1), direction="DESCENDING")
        ranked = tf.gather(tf.concat([views, code], -1), order, batch_dims=1)
        return tf.reshape(ranked, (-1, count * (views.shape[2] + count)))

    def compute_output_shape(self, input_shape):
        objects = self.representation.physical_shape[0] // 4
        n = len(self.ordered)
        width = (
            input_shape[-1] * (1 + self.constrained)
            - len(self.representation.angles)
            + 4 * objects
            + len(self.subsets)
            + len(self.pairs)
            + n * (4 + n)
        )
        return (input_shape[0], width)
