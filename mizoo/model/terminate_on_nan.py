"""Optimiser steps that keep weights finite, and a callback that stops a training at NaN."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.types import Tensor
from mizoo.distribute import collectives


class NotFiniteError(ArithmeticError):
    """A term of the loss, or its gradient, is not finite; the weights are those before the step."""


class StopWhereNotFinite(keras.callbacks.Callback):
    """Raise `NotFiniteError` with the names of the logged values that are not finite."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        bad = [name for name, value in (logs or {}).items() if not tf.math.is_finite(value)]
        if bad:
            names = ", ".join(name for name in bad if name != "loss") or "the gradient"
            raise NotFiniteError(
                f"{names} not finite in batch {batch}; the mappers keep their last finite weights"
            )


def step(
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[keras.Variable],
    gradients: Sequence[Tensor | None],
) -> Tensor:
    """One step of an optimiser, with a gradient of 0 in place of one that is not finite.

    Weights thus stay finite. Gradients are summed over replicas before clipping, as with a single replica.
    Variables without gradient (None) are unchanged; a step without any gradient counts, too. Returns
    whether the gradient was finite.
    """
    pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
    if not pairs:
        iteration(optimizer).assign_add(1)
        return tf.constant(True)
    gradients, variables = zip(*pairs, strict=True)
    gradients = collectives.totals([tf.convert_to_tensor(gradient) for gradient in gradients])
    finite = tf.math.is_finite(tf.linalg.global_norm(gradients))
    scale = tf.where(finite, 1.0, 0.0)
    optimizer.apply([tf.math.multiply_no_nan(g, tf.cast(scale, g.dtype)) for g in gradients], variables)
    return finite


def iteration(optimizer: keras.optimizers.Optimizer) -> keras.Variable:
    """Number of steps that an optimiser has done, with or without accumulation of gradients."""
    return next(variable for variable in optimizer.variables if variable.name == "iteration")
