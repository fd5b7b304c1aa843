"""What a SavedModel answers to."""

import keras
import tensorflow as tf


def write(model, filepath, **kwargs):
    """Write a model as SavedModel with endpoints `encode`, `decode` and `reconstruct` in physical units.

    Those of a missing mapper are left out; with a prior of z there is also `sample`, of a number.

    Args:
        model: a `Turbo`.
        filepath: folder to write.
        kwargs: of `keras.export.ExportArchive.write_out`.
    """
    archive = keras.export.ExportArchive()
    there = {role for role, mapper in model.mappers.items() if mapper is not None}
    for name, space, needed in (
        ("encode", "x", {"encoder"}),
        ("decode", "z", {"decoder"}),
        ("reconstruct", "x", {"encoder", "decoder"}),
    ):
        if needed <= there:
            shape = (None, *model.representations[space].physical_shape)
            signature = [tf.TensorSpec(shape, tf.float32, name=space)]
            archive.add_endpoint(name, getattr(model, name), input_signature=signature)
    if model.has_prior and "decoder" in there:
        signature = [tf.TensorSpec((), tf.int32, name="count")]
        archive.add_endpoint("sample", model.sample, input_signature=signature)
    archive.write_out(filepath, **kwargs)


def several(draw, events, samples=None):
    """One draw for each event, (n, …), or `samples` of them, (n, samples, …)."""
    if samples is None:
        return draw(events)
    drawn = draw(tf.repeat(events, samples, axis=0))
    return tf.reshape(drawn, (-1, samples, *drawn.shape[1:]))
