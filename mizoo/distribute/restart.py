"""Restarts of workers after one of them is lost."""

import os
import sys

import tensorflow as tf

# Errors that TensorFlow raises if another worker is lost.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
)
_COUNT = "MIZOO_RESTARTS"


class WorkerLostError(ConnectionError):
    """Raised if another worker is lost; the run can be resumed from its last backup."""


def start_again(most: int) -> bool:
    """Replace this process by a new run of its command with `--resume`, which waits for the lost worker.

    TensorFlow cannot join a cluster a second time in one process.

    Args:
        most: largest number of restarts.

    Returns:
        False after `most` restarts; otherwise it does not return.
    """
    count = int(os.environ.get(_COUNT, "0"))
    if count >= most:
        return False
    os.environ[_COUNT] = str(count + 1)
    words = sys.orig_argv[1:]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execv(sys.executable, [sys.executable, *words, *(() if "--resume" in words else ("--resume",))])
