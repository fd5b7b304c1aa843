"""One batch spread over replicas, in such a way that many train as one does.

Under a `tf.distribute` strategy every replica sees its part of the global batch: parts of one size, in
order. Whatever concerns the whole batch, such as random numbers, a distance between samples or a contrast
of pairs, is made of the whole batch on every replica here. With one replica nothing is done.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

import keras
import tensorflow as tf
from keras import ops

from mizoo.core.types import Tensor

Size: TypeAlias = int | Tensor  # as far as it is known when a graph is traced

# Seeds of draws that are to be repeated, in turn; None where generators go on from their states.
_seeds: ContextVar[Iterator[Tensor] | None] = ContextVar("seeds", default=None)


def count() -> int:
    """Number of replicas that share the batch at hand; 1 outside of a replica."""
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def normal(shape: Sequence[Size], seed: keras.random.SeedGenerator) -> Tensor:
    """Standard normal numbers (n, …) for the n events at hand: a part of those of the global batch."""
    return _drawn(keras.random.normal, tf.random.stateless_normal, shape, seed)


def uniform(
    shape: Sequence[Size], seed: keras.random.SeedGenerator, low: float = 0.0, high: float = 1.0
) -> Tensor:
    """Uniform numbers (n, …) for the n events at hand: a part of those of the global batch."""
    return _drawn(
        functools.partial(keras.random.uniform, minval=low, maxval=high),
        functools.partial(tf.random.stateless_uniform, minval=low, maxval=high),
        shape,
        seed,
    )


@contextmanager
def seed_scope(seed: int | Tensor | None) -> Iterator[None]:
    """Context in which `normal` and `uniform` follow from a seed and nothing else.

    Args:
        seed: a whole number, or a tensor of two; None leaves everything as it is.
    """
    if seed is None:
        yield
        return
    seed = seed if tf.is_tensor(seed) else tf.constant([seed, 0], tf.int64)

    def seeds() -> Iterator[Tensor]:
        count = 0
        while True:
            yield tf.random.experimental.stateless_fold_in(seed, count)
            count += 1

    token = _seeds.set(seeds())
    try:
        yield
    finally:
        _seeds.reset(token)


def places(size: Size) -> Tensor:
    """Places (size,) of the events at hand in the global batch, as a share of it, from 0 to below 1."""
    first, whole = _place(size)
    return tf.cast(tf.range(first, first + size), tf.float32) / tf.cast(whole, tf.float32)


def rolled(values: Tensor) -> Tensor:
    """The events at hand, each replaced by the one before it in the global batch."""
    size = ops.shape(values)[0]
    if not isinstance(size, int):
        first, _ = _place(size)
        return tf.roll(gather(values), 1, axis=0)[first : first + size]
    last = gather(values[-1:])  # of every replica
    before = (_place(1)[0] - 1) % count()
    return tf.concat([last[before : before + 1], values[:-1]], 0)


def gather(values: Tensor) -> Tensor:
    """An array of the global batch from this replica's part of it; gradients reach all parts."""
    if _context() is None:
        return values
    size = ops.shape(values)[0]
    first, whole = _place(size)
    # `ReplicaContext.all_gather` does not know where to gather on any worker but the first.
    around = [[first, whole - first - size], *([0, 0] for _ in values.shape[1:])]
    return tf.ensure_shape(total(tf.pad(values, around)), (None, *values.shape[1:]))


def total(values: Tensor) -> Tensor:
    """Sum of a tensor over the replicas."""
    context = _context()
    return values if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def totals(values: list[Tensor]) -> list[Tensor]:
    """Sums of tensors over the replicas, in one message."""
    if _context() is None:
        return values
    flat = tf.concat([tf.reshape(tf.cast(value, tf.float32), [-1]) for value in values], 0)
    pieces = tf.split(total(flat), [tf.size(value) for value in values])
    return [
        tf.cast(tf.reshape(piece, tf.shape(value)), value.dtype)
        for piece, value in zip(pieces, values, strict=True)
    ]


def fraction(batch: Tensor) -> Tensor:
    """How much of the events of all replicas are in this one's batch (n, …), 0 to 1."""
    replicas = count()
    if replicas == 1 or batch.shape[0] is not None:
        return tf.constant(1.0 / replicas)
    size = tf.cast(tf.shape(batch)[0], tf.float32)
    return size / total(size)


def _drawn(
    draw: Callable[..., Tensor],
    stateless: Callable[..., Tensor],
    shape: Sequence[Size],
    seed: keras.random.SeedGenerator,
) -> Tensor:
    """A part of a draw for the global batch, by the state of a generator or within a `seed_scope`."""
    size, *rest = shape
    first, whole = _place(size)
    seeds = _seeds.get()  # no walrus: autograph cannot read one
    if seeds is not None:
        draw, seed = stateless, next(seeds)
    return draw((whole, *rest), dtype="float32", seed=seed)[first : first + size]


def _place(size: Size) -> tuple[Size, Size]:
    """Where the `size` events at hand begin in the global batch, and how many those are."""
    context = _context()
    if context is None:
        return 0, size
    index = context.replica_id_in_sync_group
    if isinstance(size, int):  # parts of a known size are of one size
        return index * size, context.num_replicas_in_sync * size
    sizes = total(size * tf.one_hot(index, context.num_replicas_in_sync, dtype=size.dtype))
    return tf.reduce_sum(sizes[:index]), tf.reduce_sum(sizes)


def _context() -> tf.distribute.ReplicaContext | None:
    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None
