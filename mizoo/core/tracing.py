"""Functions of many small operations, with one graph for all who call them."""

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
    """Context in which graphs have a copy of a `shared` function wherever it is called."""
    token = _inlined.set(True)
    try:
        yield
    finally:
        _inlined.reset(token)


def shared(function: Callable[..., Result]) -> Callable[..., Result]:
    """A function of tensors as one graph, whoever calls it, and another one that is compiled, for training.

    Coordinates of events are hundreds of small operations, met several times a step: so there is one copy
    of them in a SavedModel, and in training one compilation. At inference, where batches have any size,
    they would be compiled too often.

    Returns:
        The function, with the further argument `training`.
    """
    plain = tf.function(function, reduce_retracing=True, autograph=False)
    compiled = tf.function(function, jit_compile=True, autograph=False)

    def call(*tensors: Tensor, training: bool | None = None) -> Result:
        if _inlined.get():
            return function(*tensors)
        traced: Callable[..., Result] = compiled if training else plain
        return traced(*tensors)

    return call
