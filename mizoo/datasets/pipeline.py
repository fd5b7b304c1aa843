"""Files larger than memory, as batches for training."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

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
    """Shuffled batches of events of files, for `fit`, in memory for one chunk of them.

    Files are read anew for every pass. Events are shuffled within a chunk, anew in each pass; those of a
    file that is sorted by anything should be mixed before. Those with weights come as often as these say,
    measured in the mean of the first chunk, so that passes differ in length: give `fit` the data set
    `.repeat()`ed, and `steps_per_epoch`. What is left over at the end of a pass is left out.

    Args:
        sources, process, columns, select, skip_bad, chunk: see `mizoo.datasets.read`.
        max_bytes: most memory for the events of one chunk, see `mizoo.datasets.stream`.
        batch_size: events of a batch.
        seed: of the order.

    Returns:
        Data set of dictionaries by space, (batch_size, 4 × objects) in GeV.

    Raises:
        ValueError: for bad input, for a negative weight, or if the sources have not one batch.
    """
    events = partial(
        stream, *sources, process=process, columns=columns, select=select, skip_bad=skip_bad, chunk=chunk,
        max_bytes=max_bytes,
    )  # fmt: skip
    first = next(events())
    unit = None if first.weights is None else first.weights.mean()
    passes = iter(range(2**62))

    def generator():
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


def _drawn(events, unit, random):
    """Rows of events in random order, each as often as its weight says."""
    if unit is None:
        return random.permutation(len(events))
    check_not_negative(events.weights, "training")
    times = np.floor(events.weights / unit + random.random(len(events))).astype(int)
    return random.permutation(np.repeat(np.arange(len(events)), times))
