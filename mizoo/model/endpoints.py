"""What a SavedModel answers to."""

import keras
import tensorflow as tf

from mizoo.distribute import collectives


def write(model, filepath, **kwargs):
    """Write a model as SavedModel with endpoints `encode`, `decode` and `reconstruct` in physical units.

    Those of a missing mapper are left out; with a prior of z there is also `sample`, of a number. Each
    draws anew whenever it is called, also from one process to the next; `encode_seeded` and so on take a
    `seed`, an int64, as second input, and repeat their draws.

    Args:
        model: a `Turbo`.
        filepath: folder to write.
        kwargs: of `keras.export.ExportArchive.write_out`.
    """
    archive = keras.export.ExportArchive()
    for name, given in signatures(model).items():
        fresh, seeded = _draws(getattr(model, name), given)
        archive.add_endpoint(name, fresh, [given])
        archive.add_endpoint(f"{name}_seeded", seeded, [given, tf.TensorSpec((), tf.int64, "seed")])
    archive.write_out(filepath, **kwargs)


def signatures(model) -> dict[str, tf.TensorSpec]:
    """What a model can be asked for, by name, and of what."""
    there = {role for role, mapper in model.mappers.items() if mapper is not None}
    found = {
        name: tf.TensorSpec((None, *model.representations[space].physical_shape), tf.float32, space)
        for name, space, needed in (
            ("encode", "x", {"encoder"}),
            ("decode", "z", {"decoder"}),
            ("reconstruct", "x", {"encoder", "decoder"}),
        )
        if needed <= there
    }
    if model.has_prior and "decoder" in there:
        found["sample"] = tf.TensorSpec((), tf.int32, "count")
    return found


def _draws(draw, given):
    """Functions that draw anew and by a seed. The graph of `draw` is large: they share one."""

    @tf.function(input_signature=[given, tf.TensorSpec((2,), tf.int64)], autograph=False)
    def seed_scope(given, seed):
        with collectives.seed_scope(seed):
            return draw(given)

    def fresh(given):
        return seed_scope(given, _entropy())

    def seeded(given, seed):
        return seed_scope(given, tf.stack([seed, 0]))

    return fresh, seeded


def _entropy():
    """A seed (2,) that no state of a generator, saved or set, decides."""
    largest = tf.constant(tf.int64.max)
    return tf.raw_ops.RandomUniformInt(shape=[2], minval=tf.constant(0, tf.int64), maxval=largest)


def repeat_draws(draw, events, num_samples=None):
    """One draw for each event, (n, …), or `num_samples` of them, (n, num_samples, …)."""
    if num_samples is None:
        return draw(events)
    drawn = draw(tf.repeat(events, num_samples, axis=0))
    return tf.reshape(drawn, (-1, num_samples, *drawn.shape[1:]))
