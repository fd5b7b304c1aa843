"""Workers that begin again when one of them is lost."""

import os
import sys

import tensorflow as tf

# What TensorFlow says where another worker is gone.
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
    """Another worker is gone; what was backed up is safe, and the run can be resumed."""


def start_again(most: int) -> bool:
    """Run this process's command anew, in its place, with `--resume`; it then waits for the lost worker.

    TensorFlow cannot join a cluster a second time in one process. Returns False instead, if it has been
    done `most` times.
    """
    count = int(os.environ.get(_COUNT, "0"))
    if count >= most:
        return False
    os.environ[_COUNT] = str(count + 1)
    words = sys.orig_argv[1:]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execv(sys.executable, [sys.executable, *words, *(() if "--resume" in words else ("--resume",))])
