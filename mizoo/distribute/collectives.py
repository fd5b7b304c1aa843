"""One batch spread over replicas, in such a way that many train as one does.

Under a `tf.distribute` strategy every replica sees its part of the global batch: parts of one size, in
order. Whatever concerns the whole batch, such as random numbers, a distance between samples or a contrast
of pairs, is made of the whole batch on every replica here. With one replica nothing is done.
"""

from contextlib import contextmanager
from contextvars import ContextVar

import keras
import tensorflow as tf
from keras import ops

# Seeds of draws that are to be repeated, in turn; None where generators go on from their states.
_seeds: ContextVar = ContextVar("seeds", default=None)


def count() -> int:
    """Number of replicas that share the batch at hand; 1 outside of a replica."""
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def normal(shape, seed):
    """Standard normal numbers (n, …) for the n events at hand: a part of those of the global batch."""
    return _drawn("normal", shape, seed)


def uniform(shape, seed, low=0.0, high=1.0):
    """Uniform numbers (n, …) for the n events at hand: a part of those of the global batch."""
    return _drawn("uniform", shape, seed, minval=low, maxval=high)


@contextmanager
def seed_scope(seed):
    """Context in which `normal` and `uniform` follow from a seed and nothing else.

    Args:
        seed: a whole number, or a tensor of two; None leaves everything as it is.
    """
    if seed is None:
        yield
        return
    seed = seed if tf.is_tensor(seed) else tf.constant([seed, 0], tf.int64)

    def seeds():
        count = 0
        while True:
            yield tf.random.experimental.stateless_fold_in(seed, count)
            count += 1

    token = _seeds.set(seeds())
    try:
        yield
    finally:
        _seeds.reset(token)


def places(size):
    """Places (size,) of the events at hand in the global batch, as a share of it, from 0 to below 1."""
    first, whole = _place(size)
    return tf.cast(tf.range(first, first + size), tf.float32) / tf.cast(whole, tf.float32)


def rolled(values):
    """The events at hand, each replaced by the one before it in the global batch."""
    size = ops.shape(values)[0]
    if not isinstance(size, int):
        first, _ = _place(size)
        return tf.roll(gather(values), 1, axis=0)[first : first + size]
    last = gather(values[-1:])  # of every replica
    before = (_place(1)[0] - 1) % count()
    return tf.concat([last[before : before + 1], values[:-1]], 0)


def gather(values):
    """An array of the global batch from this replica's part of it; gradients reach all parts."""
    if _context() is None:
        return values
    size = ops.shape(values)[0]
    first, whole = _place(size)
    # `ReplicaContext.all_gather` does not know where to gather on any worker but the first.
    around = [[first, whole - first - size], *([0, 0] for _ in values.shape[1:])]
    return tf.ensure_shape(total(tf.pad(values, around)), (None, *values.shape[1:]))


def total(values):
    """Sum over the replicas of a tensor, or of each of a list of tensors in one message."""
    context = _context()
    if context is None:
        return values
    if not isinstance(values, list):
        return context.all_reduce(tf.distribute.ReduceOp.SUM, values)
    flat = tf.concat([tf.reshape(tf.cast(value, tf.float32), [-1]) for value in values], 0)
    pieces = tf.split(total(flat), [tf.size(value) for value in values])
    return [
        tf.cast(tf.reshape(piece, tf.shape(value)), value.dtype)
        for piece, value in zip(pieces, values, strict=True)
    ]


def fraction(batch):
    """How much of the events of all replicas are in this one's batch (n, …), 0 to 1."""
    replicas = count()
    if replicas == 1 or batch.shape[0] is not None:
        return tf.constant(1.0 / replicas)
    size = tf.cast(tf.shape(batch)[0], tf.float32)
    return size / total(size)


def _drawn(distribution, shape, seed, **arguments):
    size, *rest = shape
    first, whole = _place(size)
    seeds = _seeds.get()  # no walrus: autograph cannot read one
    if seeds is None:
        draw = getattr(keras.random, distribution)
    else:
        draw, seed = getattr(tf.random, f"stateless_{distribution}"), next(seeds)
    return draw((whole, *rest), dtype="float32", seed=seed, **arguments)[first : first + size]


def _place(size):
    """Where the `size` events at hand begin in the global batch, and how many those are."""
    context = _context()
    if context is None:
        return 0, size
    index = context.replica_id_in_sync_group
    if isinstance(size, int):  # parts of a known size are of one size
        return index * size, context.num_replicas_in_sync * size
    sizes = total(size * tf.one_hot(index, context.num_replicas_in_sync, dtype=size.dtype))
    return tf.reduce_sum(sizes[:index]), tf.reduce_sum(sizes)


def _context():
    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None
