"""Training batches from files larger than memory."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from mizoo.datasets.events import Events
from mizoo.datasets.read import stream
from mizoo.datasets.readers.columns import Columns
from mizoo.datasets.readers.limits import MAX_BYTES
from mizoo.datasets.readers.selection import Select
from mizoo.datasets.weights import check_not_negative
from mizoo.physics.process import Process


def batches(
    *sources: Any,
    batch_size: int,
    process: Process | None = None,
    columns: Columns | Mapping[str, Any] | str | Path | None = None,
    select: Select | None = None,
    skip_bad: bool = False,
    chunk: int = 50_000,
    max_bytes: int = MAX_BYTES,
    seed: int = 0,
) -> tf.data.Dataset:
    """Shuffled batches of events from files, for `fit`, with one chunk in memory at a time.

    Every pass reads the files again and shuffles the events within each chunk; sorted files should be
    shuffled beforehand. Weighted events are repeated in proportion to their weights, in units of the mean
    of the first chunk. Passes then differ in length: give `fit` the data set `.repeat()`ed, and
    `steps_per_epoch`. An incomplete batch at the end of a pass is dropped.

    Args:
        sources, process, columns, select, skip_bad, chunk: see `mizoo.datasets.read`.
        max_bytes: largest memory, in bytes, for the events of one chunk, see `mizoo.datasets.stream`.
        batch_size: number of events per batch.
        seed: seed of the order.

    Returns:
        Data set of dictionaries by space, (batch_size, 4 × objects) in GeV.

    Raises:
        ValueError: for bad input, for a negative weight, or if the sources do not fill one batch.
    """
    events = partial(
        stream, *sources, process=process, columns=columns, select=select, skip_bad=skip_bad, chunk=chunk,
        max_bytes=max_bytes,
    )  # fmt: skip
    first = next(events())
    unit = None if first.weights is None else first.weights.mean()
    passes = iter(range(2**62))

    def generator() -> Iterator[dict[str, np.ndarray]]:
        random = np.random.default_rng([seed, next(passes)])
        rest = {space: array[:0] for space, array in first.arrays().items()}
        none = True
        for part in events():
            rows = _drawn(part, unit, random)
            arrays = {s: np.concatenate([rest[s], array[rows]]) for s, array in part.arrays().items()}
            whole = len(arrays[min(arrays)]) // batch_size * batch_size
            for start in range(0, whole, batch_size):
                none = False
                yield {space: array[start : start + batch_size] for space, array in arrays.items()}
            rest = {space: array[whole:] for space, array in arrays.items()}
        if none:
            raise ValueError(f"a batch of {batch_size} needs as many events, got {len(rest[min(rest)])}")

    signature = {
        space: tf.TensorSpec((batch_size, *array.shape[1:]), tf.float32)
        for space, array in first.arrays().items()
    }
    return tf.data.Dataset.from_generator(generator, output_signature=signature).prefetch(2)


def _drawn(events: Events, unit: float | None, random: np.random.Generator) -> np.ndarray:
    """Rows of events in random order, each repeated in proportion to its weight."""
    weights = events.weights
    if unit is None or weights is None:
        return random.permutation(len(events))
    check_not_negative(weights, "training")
    times = np.floor(weights / unit + random.random(len(events))).astype(int)
    return random.permutation(np.repeat(np.arange(len(events)), times))
