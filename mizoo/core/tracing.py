"""Functions of tensors with one graph for all callers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import tensorflow as tf

from mizoo.core.types import Tensor

Result = TypeVar("Result")
_inlined: ContextVar[bool] = ContextVar("inlined", default=False)


@contextmanager
def inlined() -> Iterator[None]:
    """Context in which each call of a `shared` function is inlined into the calling graph."""
    token = _inlined.set(True)
    try:
        yield
    finally:
        _inlined.reset(token)


def shared(function: Callable[..., Result]) -> Callable[..., Result]:
    """Trace a function of tensors into one graph for all callers, and into a compiled one for training.

    The coordinates of events take hundreds of small operations and are computed several times per step.
    With shared graphs, a SavedModel has one copy of them and training compiles them once. Inference does
    not compile them, as it would for every batch size.

    Returns:
        The function, with the additional argument `training`.
    """
    plain = tf.function(function, reduce_retracing=True, autograph=False)
    compiled = tf.function(function, jit_compile=True, autograph=False)

    def call(*tensors: Tensor, training: bool | None = None) -> Result:
        if _inlined.get():
            return function(*tensors)
        traced: Callable[..., Result] = compiled if training else plain
        return traced(*tensors)

    return call
