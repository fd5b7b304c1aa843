"""Arrays in memory and their batches."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self, overload

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, DTypeLike

from mizoo.datasets.weights import check_not_negative


@dataclass(frozen=True, eq=False)
class Samples:
    """Arrays x (n, …) and z (n, …), float32; one of the two may be None.

    Attributes:
        c: condition (n, …) of the events, such as labels or energies; None without.
        paired: whether rows of x and z belong together. If not, lengths may differ, and each space is
            shuffled independently.
        weights: weights (n,) of the events, in any unit; None for equal weights. Batches repeat events in
            proportion to their weights, so that every term of a loss is weighted. The evaluation takes
            weights of either sign; for training, `mizoo.datasets.positive_resampling` makes them positive.

    Raises:
        ValueError: for pairs of unequal lengths, no events, a value that is not finite (it names space and
            event), or weights that are not one per row or have no positive sum.
    """

    x: np.ndarray | None = None
    z: np.ndarray | None = None
    c: np.ndarray | None = field(default=None, kw_only=True)
    paired: bool = field(default=True, kw_only=True)
    weights: np.ndarray | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for space, array in self.arrays().items():
            array = _real(array, space)
            if space == "c":
                array = array[:, None] if array.ndim == 1 else array
                Samples.check(self, array, space)
            else:
                self.check(array, space)
            object.__setattr__(self, space, array)
        lengths = {space: len(array) for space, array in self.arrays().items()}
        if not lengths.keys() & {"x", "z"}:
            raise ValueError("events need x, z or both")
        if self.c is not None and not self.paired:
            raise ValueError("c is not used: samples without pairs have no common condition")
        if self.paired and len(set(lengths.values())) > 1:
            counts = " and ".join(f"{length} {space}" for space, length in lengths.items())
            raise ValueError(f"{' and '.join(lengths)} must be pairs, got {counts}")
        if self.weights is not None:
            weights = _real(self.weights, "weights", "float64")
            if any(weights.shape != (length,) for length in lengths.values()):
                raise ValueError(f"weights must be one a row, got {weights.shape} for {lengths}")
            if not (np.isfinite(weights).all() and weights.sum() > 0.0):
                raise ValueError("weights must be finite numbers with a positive sum")
            object.__setattr__(self, "weights", weights)

    def check(self, array: np.ndarray, space: str) -> None:
        """Check the array of one space."""
        if array.ndim < 2 or not len(array):
            raise ValueError(f"{space} must have shape (n, …) with n of 1 or more, got {array.shape}")
        if (bad := ~np.isfinite(array).reshape(len(array), -1).all(1)).any():
            raise ValueError(
                f"{space} has {bad.sum()} bad events; the first is event {bad.argmax()}: not finite"
            )

    def __len__(self) -> int:
        return min(map(len, self.arrays().values()))

    @overload
    def __getitem__(self, key: str) -> np.ndarray | Any: ...  # None of a space that is not there

    @overload
    def __getitem__(self, key: slice | np.ndarray) -> Self: ...

    def __getitem__(self, key: str | slice | np.ndarray) -> np.ndarray | Self | None:
        """A space by name (`"x"` or `"z"`), or some of the events by slice or index array."""
        if isinstance(key, str):
            if key not in (spaces := {"x": self.x, "z": self.z, "c": self.c}):
                raise ValueError(f"space must be 'x' or 'z', not {key!r}")
            return spaces[key]
        parts = (None if one is None else one[key] for one in (self.x, self.z, self.c, self.weights))
        x, z, c, weights = parts
        return replace(self, x=x, z=z, c=c, weights=weights)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that are not None, by space, the condition as "c"."""
        return {s: a for s in ("x", "z", "c") if (a := getattr(self, s)) is not None}

    def only(self, space: str) -> Self:
        """The samples without the other space, with their condition."""
        return replace(self, x=None) if space == "z" else replace(self, z=None)

    def unpaired(self) -> Self:
        """The same events as unpaired samples."""
        return replace(self, paired=False)

    def batches(self, batch_size: int, least: int = 1) -> tf.data.Dataset:
        """Batches of all events once, in order, `{"x": (b, …), "z": (b, …)}`; the last one may be shorter.

        Weighted events are repeated in proportion to their weights. Unpaired spaces end with the shorter
        one.

        Args:
            batch_size: number of events per batch.
            least: smallest size of a batch, 1 or more; a last one of fewer events is joined to the one
                before it.

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

    def drawn(self, offset: float | tf.Tensor) -> tf.Tensor:
        """Rows (n,) of the n events, in order, each repeated in proportion to its weight.

        This is systematic resampling: `offset` in [0, 1) decides how weights, in units of their mean, are
        rounded. If it is uniform, numbers are right on average, and never off by one or more.

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
            batch_size: number of events per batch.
            least: smallest size of a last, smaller batch; if None, all batches are full.

        Raises:
            ValueError: if there are fewer events than `batch_size`, or `batch_size` is below 1.
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
        """Infinite batches; the order within an epoch depends only on the seed and the number of the epoch.

        A training that is resumed at epoch `first`, after `skip` of its batches, therefore sees the same
        data as without the interruption. Events left over at the end of an epoch are in the batches of
        others.

        Args:
            batch_size: number of events per batch.
            seed: seed of the order.
            first: number of the first epoch, from 0.
            skip: number of its batches to skip.
            shuffle: whether to shuffle anew in each epoch; if False, events come in order, and an epoch
                continues where the one before ended.
            least: smallest size of a last, smaller batch of an epoch; if None, all batches are full.

        Raises:
            ValueError: as `steps` does.
        """
        used = min(self.steps(batch_size, least) * batch_size, len(self))
        arrays = {space: tf.constant(array) for space, array in self.arrays().items()}

        def order(space: str, epoch: tf.Tensor) -> tf.Tensor:
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

        def ordered(epoch: tf.Tensor) -> tf.data.Dataset:
            orders = {space: order(space, epoch) for space in arrays}
            whole = used % batch_size == 0  # batches of a known size are faster
            return tf.data.Dataset.from_tensor_slices(orders).batch(batch_size, drop_remainder=whole)

        orders = tf.data.Dataset.range(first, np.iinfo("int64").max).flat_map(ordered)
        return (
            orders.skip(skip)
            .map(lambda rows: {space: tf.gather(array, rows[space]) for space, array in arrays.items()})
            .prefetch(tf.data.AUTOTUNE)
            # Otherwise workers would ask one another before every step whether a batch is left.
            .apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
        )


def _real(values: ArrayLike, name: str, dtype: DTypeLike = "float32") -> np.ndarray:
    """Real numbers as an array."""
    try:
        array = np.asarray(values)
        if not np.iscomplexobj(array):
            return np.asarray(array, dtype)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} must be an array of numbers: {error}") from error
    raise ValueError(f"{name} must be real numbers, got complex ones")


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more, got {batch_size}")


@dataclass(frozen=True)
class Split:
    """Samples for training, for model selection (validation), and for final metrics only (test)."""

    train: Samples
    validation: Samples
    test: Samples

    def each(self, change: Callable[[Samples], Samples]) -> "Split":
        """Apply a function to all three."""
        return Split(change(self.train), change(self.validation), change(self.test))
