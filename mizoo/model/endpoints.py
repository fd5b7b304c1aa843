"""Endpoints of a SavedModel."""

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from mizoo.core.types import Tensor
from mizoo.distribute import collectives
from mizoo.model.generative import GenerativeModel
from mizoo.model.parts import Parts
from mizoo.model.scores import why_no_bound, why_no_density

Inputs: TypeAlias = list[tf.TensorSpec]


def write(
    model: GenerativeModel, inputs: Mapping[str, Inputs], filepath: str | PathLike[str], **kwargs: Any
) -> None:
    """Write a model as SavedModel with endpoints `encode`, `decode` and `reconstruct` in physical units.

    Endpoints of a missing mapper are left out. With a prior of z, there is also `sample`, which takes the
    number of draws, and with an encoder `latents`, the codes of x. Models with a density of x have
    `log_prob`, those with a bound on it `elbo`. Each call draws anew, also in a new process.
    `encode_seeded` and so on take a `seed`, an int64, as last input, and repeat their draws. Models with a
    condition take it as second input.

    Args:
        model: model to write.
        inputs: inputs of the endpoints by name, see `signatures` and `scores`.
        filepath: folder to write.
        kwargs: arguments of `keras.export.ExportArchive.write_out`.
    """
    archive = keras.export.ExportArchive()
    draws: dict[str, Callable[..., Tensor]] = {
        "encode": model.encode,
        "decode": model.decode,
        "reconstruct": model.reconstruct,
        "sample": model.sample,
        "latents": lambda x, condition=None: model.latents(
            {"x": x} if condition is None else {"x": x, "c": condition}
        )["x"],
        "log_prob": model.log_prob,
        "elbo": model.elbo,
    }
    for name, given in inputs.items():
        fresh, seeded = _draws(draws[name], given)
        archive.add_endpoint(name, fresh, given)
        archive.add_endpoint(f"{name}_seeded", seeded, [*given, tf.TensorSpec((), tf.int64, "seed")])
    archive.write_out(filepath, **kwargs)


def signatures(model: Parts) -> dict[str, Inputs]:
    """Inputs of the endpoints that a model supports, by name."""
    there = {role for role, mapper in model.mappers.items() if mapper is not None}
    found = {
        name: _inputs(model, space)
        for name, space, needed in (
            ("encode", "x", {"encoder"}),
            ("decode", "z", {"decoder"}),
            ("reconstruct", "x", {"encoder", "decoder"}),
        )
        if needed <= there
    }
    if model.has_prior and "decoder" in there:
        found["sample"] = [tf.TensorSpec((), tf.int32, "count"), *_inputs(model)]
    return found


def _inputs(model: Parts, *spaces: str) -> Inputs:
    """Signature of arrays of spaces, and of the condition, if there is one."""
    named = {"c": "condition"} if model.condition is not None else {}
    named = {**{space: space for space in spaces}, **named}
    return [
        tf.TensorSpec((None, *model.representations[space].physical_shape), tf.float32, name)
        for space, name in named.items()
    ]


def scores(model: Parts) -> dict[str, Inputs]:
    """Inputs of the endpoints that draw no events, by name."""
    of_prior = model.has_prior and model.encoder is not None
    there = {
        "latents": of_prior,
        "log_prob": why_no_density(model) is None,
        "elbo": why_no_bound(model) is None,
    }
    return {name: _inputs(model, "x") for name, has in there.items() if has}


def _draws(
    draw: Callable[..., Tensor], given: Inputs
) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Functions that draw anew and by a seed. They share the graph of `draw`, which is large."""

    @tf.function(input_signature=[tf.TensorSpec((2,), tf.int64), *given], autograph=False)
    def seed_scope(seed: Tensor, events: Tensor, condition: Tensor | None = None) -> Tensor:
        with collectives.seed_scope(seed):
            return draw(events) if condition is None else draw(events, condition=condition)

    # Not by variable arguments, whose names would not be those of the signature.
    if len(given) == 1:
        return (
            lambda events: seed_scope(_entropy(), events),
            lambda events, seed: seed_scope(tf.stack([seed, 0]), events),
        )
    return (
        lambda events, condition: seed_scope(_entropy(), events, condition),
        lambda events, condition, seed: seed_scope(tf.stack([seed, 0]), events, condition),
    )


def _entropy() -> Tensor:
    """A seed (2,) that does not depend on the state of a generator, saved or set."""
    largest = tf.constant(tf.int64.max)
    return tf.raw_ops.RandomUniformInt(shape=[2], minval=tf.constant(0, tf.int64), maxval=largest)
