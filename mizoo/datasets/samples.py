"""Arrays in memory, and the batches made of them."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import tensorflow as tf

from mizoo.datasets.weights import check_not_negative


@dataclass(frozen=True, eq=False)
class Samples:
    """Arrays x (n, …) and z (n, …), float32; one of the two may be None.

    Attributes:
        paired: whether rows of x and z belong together. If not, lengths may differ, and each space is
            shuffled for itself.
        weights: (n,) of the events, in any unit, if they do not all count the same. Batches then hold
            each event as often as its weight says, so that every term of a loss is a weighted one.
            Distances and figures of the evaluation take weights of either sign; training needs
            `mizoo.datasets.positive_resampling` of those with negative ones.

    Raises:
        ValueError: for pairs of unequal lengths, no events, a value not finite, with space and event, or
            weights that are not one a row or have no positive sum.
    """

    x: np.ndarray | None = None
    z: np.ndarray | None = None
    paired: bool = field(default=True, kw_only=True)
    weights: np.ndarray | None = field(default=None, kw_only=True)

    def __post_init__(self):
        for space, array in self.arrays().items():
            array = _real(array, space)
            self.check(array, space)
            object.__setattr__(self, space, array)
        lengths = {space: len(array) for space, array in self.arrays().items()}
        if not lengths:
            raise ValueError("events need x, z or both")
        if self.paired and len(set(lengths.values())) > 1:
            raise ValueError(f"x and z must be pairs, got {lengths['x']} x and {lengths['z']} z")
        if self.weights is not None:
            weights = _real(self.weights, "weights", "float64")
            if any(weights.shape != (length,) for length in lengths.values()):
                raise ValueError(f"weights must be one a row, got {weights.shape} for {lengths}")
            if not (np.isfinite(weights).all() and weights.sum() > 0.0):
                raise ValueError("weights must be finite numbers with a positive sum")
            object.__setattr__(self, "weights", weights)

    def check(self, array, space):
        """Check the array of one space."""
        if array.ndim < 2 or not len(array):
            raise ValueError(f"{space} must have shape (n, …) with n of 1 or more, got {array.shape}")
        if (bad := ~np.isfinite(array).reshape(len(array), -1).all(1)).any():
            raise ValueError(
                f"{space} has {bad.sum()} bad events; the first is event {bad.argmax()}: not finite"
            )

    def __len__(self):
        return min(map(len, self.arrays().values()))

    def __getitem__(self, key) -> Any:
        """A space by name (`"x"` or `"z"`), or some of the events by slice or index array."""
        if isinstance(key, str):
            if key not in ("x", "z"):
                raise ValueError(f"space must be 'x' or 'z', not {key!r}")
            return getattr(self, key)
        weights = None if self.weights is None else self.weights[key]
        return replace(
            self, **{space: array[key] for space, array in self.arrays().items()}, weights=weights
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays there are, by space."""
        return {s: a for s in ("x", "z") if (a := getattr(self, s)) is not None}

    def only(self, space: str) -> Self:
        """Without the other space."""
        return replace(self, x=None) if space == "z" else replace(self, z=None)

    def unpaired(self) -> Self:
        """The same events, not paired any more."""
        return replace(self, paired=False)

    def batches(self, batch_size: int, least: int = 1) -> tf.data.Dataset:
        """All events once, in order: batches `{"x": (b, …), "z": (b, …)}`, the last one shorter.

        With weights, as often as they say; of unpaired spaces, as many events as the shorter one has.

        Args:
            batch_size: events of a batch.
            least: events that a batch needs, 1 or more; a last one of fewer is joined to the one before it.

        Raises:
            ValueError: for a negative weight, a `batch_size` below 1, or fewer events than `least`.
        """
        _check_batch_size(batch_size)
        if min(len(self), batch_size) < least:
            raise ValueError(
                f"batches of {least} events or more are needed, got {min(len(self), batch_size)}"
            )
        rows = slice(len(self)) if self.weights is None else self.drawn(0.5).numpy()
        arrays = {space: array[rows] for space, array in self.arrays().items()}
        data, rest = tf.data.Dataset.from_tensor_slices(arrays), len(self) % batch_size
        if 0 < rest < least:
            first = len(self) - batch_size - rest
            last = data.skip(first).batch(batch_size + rest)
            return data.take(first).batch(batch_size).concatenate(last).prefetch(tf.data.AUTOTUNE)
        return data.batch(batch_size).prefetch(tf.data.AUTOTUNE)

    def drawn(self, offset) -> tf.Tensor:
        """Rows of as many events as there are, in order, each as often as its weight says.

        Weights are measured in their mean; of what is left of a whole number, `offset` in [0, 1) decides:
        if it is uniform, numbers are right on average, and never off by one.

        Raises:
            ValueError: for a negative weight.
        """
        weights = np.ones(len(self)) if self.weights is None else self.weights
        check_not_negative(weights, "training")
        upto = np.cumsum(weights) / weights.mean()
        places = tf.range(len(self), dtype="float64") + tf.cast(offset, tf.float64)
        return tf.minimum(tf.searchsorted(upto, places, side="right"), len(self) - 1)

    def steps(self, batch_size: int, least: int | None = None) -> int:
        """Number of batches in an epoch.

        Args:
            batch_size: events of a batch.
            least: events that are enough for a last, smaller batch; if None, all batches are full.

        Raises:
            ValueError: if there are fewer events than `batch_size`, or this is below 1.
        """
        _check_batch_size(batch_size)
        if len(self) < batch_size:
            raise ValueError(f"a batch of {batch_size} needs as many events, got {len(self)}")
        full, rest = divmod(len(self), batch_size)
        return full + (least is not None and rest >= max(least, 1))

    def epochs(
        self,
        batch_size: int,
        seed: int = 0,
        first: int = 0,
        skip: int = 0,
        shuffle: bool = True,
        least: int | None = None,
    ) -> tf.data.Dataset:
        """Batches without end; the order within an epoch depends on its number alone.

        So a training that is resumed at epoch `first`, after `skip` batches of it, sees what it would have
        seen. What is left over at the end of an epoch is left out of it, and is in the batches of others.

        Args:
            batch_size: events of a batch.
            seed: of the order.
            first: number of the epoch to begin with.
            skip: batches of it to leave out.
            shuffle: anew in each epoch; if not, events come in their order, and an epoch goes on where the
                one before ended.
            least: events that are enough for a last, smaller batch of an epoch; if None, all are full.

        Raises:
            ValueError: as `steps` does.
        """
        used = min(self.steps(batch_size, least) * batch_size, len(self))
        arrays = {space: tf.constant(array) for space, array in self.arrays().items()}

        def order(space, epoch):
            key = seed if self.paired else 2 * seed + (space == "x")
            key = tf.stack([tf.constant(key, tf.int64), epoch])
            rows = tf.range(len(self[space]))
            if self.weights is not None:
                rows = self.drawn(tf.random.stateless_uniform((), key))
            if shuffle:
                rows = tf.random.experimental.stateless_shuffle(rows, seed=key)
            else:
                rows = tf.roll(rows, -(epoch * used % len(self[space])), axis=0)
            return rows[:used]

        def ordered(epoch):
            orders = {space: order(space, epoch) for space in arrays}
            whole = used % batch_size == 0  # batches of a known size are faster
            return tf.data.Dataset.from_tensor_slices(orders).batch(batch_size, drop_remainder=whole)

        orders = tf.data.Dataset.range(first, np.iinfo("int64").max).flat_map(ordered)
        return (
            orders.skip(skip)
            .map(lambda rows: {space: tf.gather(array, rows[space]) for space, array in arrays.items()})
            .prefetch(tf.data.AUTOTUNE)
            # Else workers would ask one another before every step whether there is another batch.
            .apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
        )


def _real(values, name, dtype="float32"):
    """Real numbers as an array."""
    try:
        array = np.asarray(values)
        if not np.iscomplexobj(array):
            return np.asarray(array, dtype)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} must be an array of numbers: {error}") from error
    raise ValueError(f"{name} must be real numbers, got complex ones")


def _check_batch_size(batch_size):
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more, got {batch_size}")


@dataclass(frozen=True)
class Split:
    """Samples for training, for choices, and for final figures only."""

    train: Samples
    validation: Samples
    test: Samples

    def each(self, change) -> "Split":
        """With a function applied to all three."""
        return Split(change(self.train), change(self.validation), change(self.test))
