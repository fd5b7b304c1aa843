"""Precision of the matrix products in networks: the faster one of those that can train."""

import functools
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

# Keras's dtype policy of each precision. Weights, coordinates and losses are float32 under both.
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
# Minimum speed-up of products in bfloat16, as the other operations of a step gain nothing.
_MARGIN = 1.25
_UNITS = 192  # of the hidden layers of `gandalf`
_MOST_EVENTS = 1000  # maximum of a measured batch; rates hardly change beyond it
_SECONDS = 0.3


def check_precision(precision: str) -> None:
    """Check the name of a precision.

    Raises:
        ValueError: unless it is `"auto"`, `"float32"` or `"bfloat16"`.
    """
    if precision not in ("auto", *POLICIES):
        raise ValueError(f"precision must be auto, {' or '.join(POLICIES)}, not {precision!r}")


class Choice(NamedTuple):
    """A precision, `"float32"` or `"bfloat16"`, and why it was chosen."""

    precision: str
    reason: str


def dtype_policy(precision: str = "auto", batch_size: int = 1000) -> str:
    """Name of the Keras dtype policy for a precision, to be set before a model is made.

    Set it with `keras.config.set_dtype_policy(mizoo.model.dtype_policy("auto"))`.

    Args:
        precision: `"float32"`; `"bfloat16"` for the matrix products of networks, while weights,
            coordinates, losses and log-determinants stay float32; or `"auto"`. The latter is bfloat16 if
            the products of a layer are faster in it by a quarter, as measured once per process in a
            fraction of a second. If a policy has been set already, `"auto"` keeps it.
        batch_size: events per batch and device.

    Raises:
        ValueError: for another precision, or if a policy has been set that contradicts it.
    """
    chosen, reason = choose(precision, batch_size)
    logging.getLogger("mizoo").info("precision: %s, %s", chosen, reason)
    return POLICIES[chosen]


def choose(precision: str, batch_size: int = 1000) -> Choice:
    """The precision that `dtype_policy` chooses, and why, with the same arguments and errors."""
    check_precision(precision)
    current = keras.config.dtype_policy().name
    of_policy = {policy: name for name, policy in POLICIES.items()}.get(current)
    if of_policy is None or (of_policy != "float32" and precision not in ("auto", of_policy)):
        raise ValueError(
            f"Keras's dtype policy is {current}, which contradicts the precision {precision}: "
            "set the policy back to float32"
        )
    if precision != "auto":
        return Choice(precision, "as asked for")
    if of_policy != "float32":
        return Choice(of_policy, f"as Keras's dtype policy is {current}")
    events = min(batch_size, _MOST_EVENTS)
    ratio = _measured(events)
    return Choice(
        "bfloat16" if ratio > _MARGIN else "float32",
        f"as a layer of {_UNITS} units takes {events} events {ratio:.2f} times as fast in bfloat16 here",
    )


@contextmanager
def policy_of(precision: str) -> Iterator[None]:
    """Context in which models are made with the policy of `"float32"` or `"bfloat16"`."""
    former = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(former)


@functools.cache
def _measured(events: int) -> float:
    """`measure`, once per process: a second model has the precision of the first."""
    return measure(events)


def measure(events: int, units: int = _UNITS, seconds: float = _SECONDS) -> float:
    """Speed-up by bfloat16 of the matrix products of a dense layer in a training step.

    These are the products of its output and its two gradients, with the casts of the float32 kernel and its
    gradient. To limit the influence of other load, the two precisions take turns. The result is the smaller
    of the ratio of their minimum times and the median ratio of all turns.

    Args:
        events, units: shape of the features; the kernel is (units, units).
        seconds: duration of the measurement.
    """
    random = np.random.default_rng(0)
    features, kernel = (
        tf.constant(random.normal(size=(n, units)).astype("float32")) for n in (events, units)
    )
    given = {name: tf.cast(features, name) for name in POLICIES}

    def layer(name: str) -> float:
        start = time.perf_counter()
        cast = tf.cast(kernel, name)
        output = tf.matmul(given[name], cast)
        to_features = tf.matmul(output, cast, transpose_b=True)
        to_kernel = tf.matmul(given[name], output, transpose_a=True)
        # Fetched, to wait for asynchronous devices.
        to_features[0, 0].numpy(), tf.cast(to_kernel, tf.float32)[0, 0].numpy()
        return time.perf_counter() - start

    for name in POLICIES:
        layer(name)  # the first call takes longer
    turns = [[layer(name) for name in POLICIES]]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        turns.append([layer(name) for name in POLICIES])
    single, mixed = np.transpose(turns)
    return float(min(single.min() / mixed.min(), np.median(single / mixed)))


def check_layers(layers: Iterable[keras.layers.Layer]) -> None:
    """Check that no layer computes in float16.

    Raises:
        ValueError: if one does, with its name.
    """
    for layer in layers:
        if layer.compute_dtype == "float16":
            raise ValueError(
                f"{layer.name} has the policy {layer.dtype_policy.name}, under which nothing is learnt: "
                "Keras scales the loss of one of the two optimisers only; use mixed_bfloat16"
            )


def check_optimizer(optimizer: keras.optimizers.Optimizer, name: str) -> None:
    """Check that the steps of a `Turbo` support an optimiser.

    Raises:
        ValueError: if it expects a scaled loss, or keeps averages of weights, which are never used.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or optimizer.loss_scale_factor:
        raise ValueError(f"{name} expects a scaled loss, which it does not get; use mixed_bfloat16")
    if optimizer.use_ema:
        raise ValueError(f"{name} has use_ema=True, which is not used; give the model an ema_momentum")
