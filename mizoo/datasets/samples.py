"""Arrays in memory, and the batches made of them."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import tensorflow as tf


@dataclass(frozen=True, eq=False)
class Samples:
    """Arrays x (n, …) and z (n, …), float32; one of the two may be None.

    Attributes:
        paired: whether rows of x and z belong together. If not, lengths may differ, and each space is
            shuffled for itself.

    Raises:
        ValueError: for pairs of unequal lengths, no events, or a value not finite, with space and event.
    """

    x: np.ndarray | None = None
    z: np.ndarray | None = None
    paired: bool = field(default=True, kw_only=True)

    def __post_init__(self):
        for space, array in self.arrays().items():
            array = np.asarray(array, dtype="float32")
            self.check(array, space)
            object.__setattr__(self, space, array)
        lengths = {space: len(array) for space, array in self.arrays().items()}
        if not lengths:
            raise ValueError("events need x, z or both")
        if self.paired and len(set(lengths.values())) > 1:
            raise ValueError(f"x and z must be pairs, got {lengths['x']} x and {lengths['z']} z")

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
        return replace(self, **{space: array[key] for space, array in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays there are, by space."""
        return {s: a for s in ("x", "z") if (a := getattr(self, s)) is not None}

    def only(self, space: str) -> Self:
        """Without the other space."""
        return replace(self, x=None) if space == "z" else replace(self, z=None)

    def unpaired(self) -> Self:
        """The same events, not paired any more."""
        return replace(self, paired=False)

    def batches(self, batch_size: int) -> tf.data.Dataset:
        """All events once, in order: batches `{"x": (b, …), "z": (b, …)}`, the last one shorter."""
        arrays = {space: array[: len(self)] for space, array in self.arrays().items()}
        data = tf.data.Dataset.from_tensor_slices(arrays)
        return data.batch(batch_size).prefetch(tf.data.AUTOTUNE)

    def steps(self, batch_size: int) -> int:
        """Number of full batches in an epoch.

        Raises:
            ValueError: if there are fewer events than `batch_size`.
        """
        if len(self) < batch_size:
            raise ValueError(f"a batch of {batch_size} needs as many events, got {len(self)}")
        return len(self) // batch_size

    def epochs(self, batch_size: int, seed: int = 0, first: int = 0, skip: int = 0) -> tf.data.Dataset:
        """Shuffled batches without end; the order within an epoch depends on its number alone.

        So a training that is resumed at epoch `first`, after `skip` batches of it, sees what it would have
        seen. Batches are full: what is left over at the end of one epoch is left out of it.

        Raises:
            ValueError: as `steps` does.
        """
        self.steps(batch_size)
        arrays = {space: tf.constant(array) for space, array in self.arrays().items()}

        def order(space, epoch):
            key = seed if self.paired else 2 * seed + (space == "x")
            rows = tf.random.experimental.stateless_shuffle(
                tf.range(len(self[space])), seed=tf.stack([tf.constant(key, tf.int64), epoch])
            )
            return rows[: len(self)]

        def shuffled(epoch):
            orders = {space: order(space, epoch) for space in arrays}
            return tf.data.Dataset.from_tensor_slices(orders).batch(batch_size, drop_remainder=True)

        orders = tf.data.Dataset.range(first, np.iinfo("int64").max).flat_map(shuffled)
        return (
            orders.skip(skip)
            .map(lambda rows: {space: tf.gather(array, rows[space]) for space, array in arrays.items()})
            .prefetch(tf.data.AUTOTUNE)
            # Else workers would ask one another before every step whether there is another batch.
            .apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
        )


@dataclass(frozen=True)
class Split:
    """Samples for training, for choices, and for final figures only."""

    train: Samples
    validation: Samples
    test: Samples

    def each(self, change) -> "Split":
        """With a function applied to all three."""
        return Split(change(self.train), change(self.validation), change(self.test))
