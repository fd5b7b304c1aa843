"""Functions of many small operations, with one graph for all who call them."""

from contextlib import contextmanager
from contextvars import ContextVar

import tensorflow as tf

_inlined: ContextVar = ContextVar("inlined", default=False)


@contextmanager
def inlined():
    """Context in which graphs have a copy of a `shared` function wherever it is called."""
    token = _inlined.set(True)
    try:
        yield
    finally:
        _inlined.reset(token)


def shared(function):
    """A function of tensors as one graph, whoever calls it, and another one that is compiled, for training.

    Coordinates of events are hundreds of small operations, met several times a step: so there is one copy
    of them in a SavedModel, and in training one compilation. At inference, where batches have any size,
    they would be compiled too often.

    Returns:
        The function, with the further argument `training`.
    """
    plain = tf.function(function, reduce_retracing=True, autograph=False)
    compiled = tf.function(function, jit_compile=True, autograph=False)

    def call(*tensors, training=None):
        if _inlined.get():
            return function(*tensors)
        return (compiled if training else plain)(*tensors)

    return call
