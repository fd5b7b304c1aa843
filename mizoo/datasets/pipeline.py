"""Files larger than memory, as batches for training."""

import numpy as np
import tensorflow as tf

from mizoo.datasets.read import stream
from mizoo.physics.library import ttbar as TTBAR


def batches(
    *sources, batch_size, process=TTBAR, select=None, skip_bad=False, chunk=50_000, seed=0
) -> tf.data.Dataset:
    """Shuffled batches of events of files, for `fit`, in memory for one chunk of them.

    Files are read anew for every pass. Events are shuffled within a chunk, anew in each pass; those of a
    file that is sorted by anything should be mixed before. Those with weights come as often as these say,
    measured in the mean of the first chunk, so that passes differ in length: give `fit` the data set
    `.repeat()`ed, and `steps_per_epoch`. What is left over at the end of a pass is left out.

    Args:
        sources, process, select, skip_bad, chunk: see `mizoo.datasets.read`.
        batch_size: events of a batch.
        seed: of the order.

    Returns:
        Data set of dictionaries by space, (batch_size, 4 × objects) in GeV.

    Raises:
        ValueError: for bad input, for a negative weight, or if the sources have not one batch.
    """
    first = next(stream(*sources, process=process, select=select, skip_bad=skip_bad, chunk=chunk))
    unit = None if first.weights is None else first.weights.mean()
    passes = iter(range(2**62))

    def generator():
        random = np.random.default_rng([seed, next(passes)])
        rest = {space: array[:0] for space, array in first.arrays().items()}
        none = True
        for events in stream(*sources, process=process, select=select, skip_bad=skip_bad, chunk=chunk):
            rows = _drawn(events, unit, random)
            arrays = {s: np.concatenate([rest[s], array[rows]]) for s, array in events.arrays().items()}
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
    if (events.weights < 0.0).any():
        raise ValueError("training needs weights of 0 or more, and some are negative")
    times = np.floor(events.weights / unit + random.random(len(events))).astype(int)
    return random.permutation(np.repeat(np.arange(len(events)), times))
