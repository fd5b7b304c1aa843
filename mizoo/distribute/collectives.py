"""Collective operations over replicas, so that many replicas train like one.

Under a `tf.distribute` strategy every replica sees its part of the global batch: parts are in order and of
equal size. Quantities of the whole batch, such as random numbers, distances between samples or contrasts of
pairs, are computed from the global batch on every replica. With one replica all functions are no-ops.
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

Size: TypeAlias = int | Tensor  # an int if it is known when a graph is traced

# Seeds of successive reproducible draws; None if generators continue from their states.
_seeds: ContextVar[Iterator[Tensor] | None] = ContextVar("seeds", default=None)


def count() -> int:
    """Number of replicas that share the global batch; 1 outside of a replica."""
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def normal(shape: Sequence[Size], seed: keras.random.SeedGenerator) -> Tensor:
    """Standard normal numbers (n, …) for this replica's n events: a slice of those of the global batch."""
    return _drawn(keras.random.normal, tf.random.stateless_normal, shape, seed)


def uniform(
    shape: Sequence[Size], seed: keras.random.SeedGenerator, low: float = 0.0, high: float = 1.0
) -> Tensor:
    """Uniform numbers (n, …) for this replica's n events: a slice of those of the global batch."""
    return _drawn(
        functools.partial(keras.random.uniform, minval=low, maxval=high),
        functools.partial(tf.random.stateless_uniform, minval=low, maxval=high),
        shape,
        seed,
    )


@contextmanager
def seed_scope(seed: int | Tensor | None) -> Iterator[None]:
    """Context in which `normal` and `uniform` depend on a seed alone.

    Args:
        seed: integer, or integer tensor (2,); None changes nothing.
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
    """Positions (size,) of this replica's events in the global batch, as fractions in [0, 1)."""
    first, whole = _place(size)
    return tf.cast(tf.range(first, first + size), tf.float32) / tf.cast(whole, tf.float32)


def rolled(values: Tensor) -> Tensor:
    """This replica's events, each replaced by the one before it in the global batch."""
    size = ops.shape(values)[0]
    if not isinstance(size, int):
        first, _ = _place(size)
        return tf.roll(gather(values), 1, axis=0)[first : first + size]
    last = gather(values[-1:])  # of every replica
    before = (_place(1)[0] - 1) % count()
    return tf.concat([last[before : before + 1], values[:-1]], 0)


def gather(values: Tensor) -> Tensor:
    """Gather an array of the global batch from the parts of all replicas; gradients reach all parts."""
    if _context() is None:
        return values
    size = ops.shape(values)[0]
    first, whole = _place(size)
    # `ReplicaContext.all_gather` works on the first worker only.
    around = [[first, whole - first - size], *([0, 0] for _ in values.shape[1:])]
    return tf.ensure_shape(total(tf.pad(values, around)), (None, *values.shape[1:]))


def total(values: Tensor) -> Tensor:
    """Sum of a tensor over the replicas."""
    context = _context()
    return values if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def totals(values: list[Tensor]) -> list[Tensor]:
    """Sums of tensors over the replicas, in one all-reduce."""
    if _context() is None:
        return values
    flat = tf.concat([tf.reshape(tf.cast(value, tf.float32), [-1]) for value in values], 0)
    pieces = tf.split(total(flat), [tf.size(value) for value in values])
    return [
        tf.cast(tf.reshape(piece, tf.shape(value)), value.dtype)
        for piece, value in zip(pieces, values, strict=True)
    ]


def fraction(batch: Tensor) -> Tensor:
    """Fraction, 0 to 1, of the global batch that is in this replica's batch (n, …)."""
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
    """This replica's slice of a draw for the global batch, seeded by a generator or the `seed_scope`."""
    size, *rest = shape
    first, whole = _place(size)
    seeds = _seeds.get()  # no walrus: autograph cannot parse one
    if seeds is not None:
        draw, seed = stateless, next(seeds)
    return draw((whole, *rest), dtype="float32", seed=seed)[first : first + size]


def _place(size: Size) -> tuple[Size, Size]:
    """Offset of this replica's `size` events in the global batch, and the size of the global batch."""
    context = _context()
    if context is None:
        return 0, size
    index = context.replica_id_in_sync_group
    if isinstance(size, int):  # parts of static size are equal
        return index * size, context.num_replicas_in_sync * size
    sizes = total(size * tf.one_hot(index, context.num_replicas_in_sync, dtype=size.dtype))
    return tf.reduce_sum(sizes[:index]), tf.reduce_sum(sizes)


def _context() -> tf.distribute.ReplicaContext | None:
    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None
