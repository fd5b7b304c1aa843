"""Endpoints of a SavedModel."""

from collections.abc import Callable
from os import PathLike
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.types import Tensor
from mizoo.distribute import collectives
from mizoo.model.generative import GenerativeModel
from mizoo.model.parts import Parts


def write(
    model: GenerativeModel, inputs: dict[str, tf.TensorSpec], filepath: str | PathLike[str], **kwargs: Any
) -> None:
    """Write a model as SavedModel with endpoints `encode`, `decode` and `reconstruct` in physical units.

    Endpoints of a missing mapper are left out. With a prior of z, there is also `sample`, which takes the
    number of draws. Each call draws anew, also in a new process. `encode_seeded` and so on take a `seed`,
    an int64, as second input, and repeat their draws.

    Args:
        model: model to write.
        inputs: inputs of the endpoints by name, see `signatures`.
        filepath: folder to write.
        kwargs: arguments of `keras.export.ExportArchive.write_out`.
    """
    archive = keras.export.ExportArchive()
    draws: dict[str, Callable[[Tensor], Tensor]] = {
        "encode": model.encode,
        "decode": model.decode,
        "reconstruct": model.reconstruct,
        "sample": model.sample,
    }
    for name, given in inputs.items():
        fresh, seeded = _draws(draws[name], given)
        archive.add_endpoint(name, fresh, [given])
        archive.add_endpoint(f"{name}_seeded", seeded, [given, tf.TensorSpec((), tf.int64, "seed")])
    archive.write_out(filepath, **kwargs)


def signatures(model: Parts) -> dict[str, tf.TensorSpec]:
    """Inputs of the endpoints that a model supports, by name."""
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


def _draws(
    draw: Callable[[Tensor], Tensor], given: tf.TensorSpec
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]:
    """Functions that draw anew and by a seed. They share the graph of `draw`, which is large."""

    @tf.function(input_signature=[given, tf.TensorSpec((2,), tf.int64)], autograph=False)
    def seed_scope(given: Tensor, seed: Tensor) -> Tensor:
        with collectives.seed_scope(seed):
            return draw(given)

    def fresh(given: Tensor) -> Tensor:
        return seed_scope(given, _entropy())

    def seeded(given: Tensor, seed: Tensor) -> Tensor:
        return seed_scope(given, tf.stack([seed, 0]))

    return fresh, seeded


def _entropy() -> Tensor:
    """A seed (2,) that does not depend on the state of a generator, saved or set."""
    largest = tf.constant(tf.int64.max)
    return tf.raw_ops.RandomUniformInt(shape=[2], minval=tf.constant(0, tf.int64), maxval=largest)
