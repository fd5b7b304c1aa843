"""Paired events in memory, and the batches made of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import tensorflow as tf

from mizoo.physics.process import Process


@dataclass(frozen=True, eq=False)
class Events:
    """Events of a process: `x` and `z`, float32 arrays (n, 4 × objects) in GeV, paired by row.

    Columns are px, py, pz, E of each object in turn; `frame` names them. One of the two may be
    None.

    Raises:
        ValueError: for a wrong shape, a value not finite, a negative energy, or unequal lengths,
            with space, column and event.
    """

    process: Process
    x: np.ndarray | None = None
    z: np.ndarray | None = None

    def __post_init__(self):
        lengths = {}
        for space in ("x", "z"):
            if (array := getattr(self, space)) is not None:
                array = np.asarray(array, dtype="float32")
                check(array, self.process, space)
                object.__setattr__(self, space, array)
                lengths[space] = len(array)
        if not lengths:
            raise ValueError("events need x, z or both")
        if len(set(lengths.values())) > 1:
            raise ValueError(f"x and z must be pairs, got {lengths['x']} x and {lengths['z']} z")

    def __len__(self):
        return len(self.x if self.x is not None else self.z)

    def __getitem__(self, key):
        """A space by name (`"x"` or `"z"`), or some of the events by slice or index array."""
        if isinstance(key, str):
            self.process.particles(key)  # a clear error for a name that is no space
            return getattr(self, key)
        return Events(self.process, **{space: array[key] for space, array in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays there are, by space."""
        return {s: a for s in ("x", "z") if (a := getattr(self, s)) is not None}

    def frame(self, space: str) -> pd.DataFrame:
        """One space as a DataFrame with named columns, in GeV."""
        return pd.DataFrame(self[space], columns=self.process.columns(space))

    def batches(self, batch_size: int) -> tf.data.Dataset:
        """All events once, in order: batches `{"x": (b, …), "z": (b, …)}`, the last one shorter."""
        data = tf.data.Dataset.from_tensor_slices(self.arrays())
        return data.batch(batch_size).prefetch(tf.data.AUTOTUNE)

    def steps(self, batch_size: int) -> int:
        """Number of full batches in an epoch.

        Raises:
            ValueError: if there are fewer events than `batch_size`.
        """
        if len(self) < batch_size:
            raise ValueError(f"a batch of {batch_size} needs as many events, got {len(self)}")
        return len(self) // batch_size

    def epochs(self, batch_size: int, seed: int = 0, first: int = 0) -> tf.data.Dataset:
        """Shuffled batches without end; the order within an epoch depends on its number alone.

        So a training that is resumed at epoch `first` sees what it would have seen. Batches are full:
        what is left over at the end of one epoch is left out of it.

        Raises:
            ValueError: as `steps` does.
        """
        self.steps(batch_size)
        arrays = {space: tf.constant(array) for space, array in self.arrays().items()}

        def shuffled(epoch):
            order = tf.random.experimental.stateless_shuffle(
                tf.range(len(self)), seed=tf.stack([tf.constant(seed, tf.int64), epoch])
            )
            return tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=True)

        order = tf.data.Dataset.range(first, np.iinfo("int64").max).flat_map(shuffled)
        return order.map(
            lambda rows: {space: tf.gather(array, rows) for space, array in arrays.items()}
        ).prefetch(tf.data.AUTOTUNE)


def check(array, process, space, source=""):
    """Check an array of events against a process.

    Args:
        source: where the array came from, for the message.

    Raises:
        ValueError: as `Events` does.
    """
    columns = process.columns(space)
    where = f"{source}: " if source else ""
    if array.ndim != 2 or array.shape[1] != len(columns):
        raise ValueError(
            f"{where}{space} of {process.name} must have shape (n, {len(columns)}), "
            f"px py pz E of each object, got {array.shape}"
        )
    if not len(array):
        raise ValueError(f"{where}{space} has no events")
    for bad, what in (
        (~np.isfinite(array), "not finite"),
        (np.where([c.startswith("E_") for c in columns], array, 0.0) < 0, "a negative energy"),
    ):
        if bad.any():
            event, column = np.argwhere(bad)[0]
            raise ValueError(
                f"{where}{space} has {bad.any(1).sum()} bad events; the first is event {event}: "
                f"{columns[column]} is {array[event, column]} ({what})"
            )
