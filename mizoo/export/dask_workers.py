"""Draws by workers of Dask, on this machine or on many.

The workers only draw. The process that asks for the draws stores them chunk by chunk, see
`mizoo.export.job`, and writes the file in the order of the events. So Dask may repeat the draws of a worker
that is lost: the seed of a chunk does not depend on the worker, and a chunk is stored once.
"""

import importlib
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from os import cpu_count
from typing import Any

import numpy as np

from mizoo._version import __version__
from mizoo.core.optional import extra

_PURPOSE = "drawing by workers of Dask"
_loading = threading.Lock()


class NoWorkers(UserWarning):
    """Warns of a scheduler without workers."""


def check_dask(dask: Any) -> None:
    """Check that workers of Dask are given as `client_of` takes them.

    Raises:
        ValueError: if not.
        ImportError: if `distributed` is not installed, with the command that installs it.
    """
    right = isinstance(dask, int) and not isinstance(dask, bool) and dask >= 1
    right = right or (isinstance(dask, str) and "://" in dask)
    if not (right or isinstance(dask, extra("distributed", _PURPOSE).Client)):
        raise ValueError(
            "dask must be a number of processes, 1 or more, the address of a scheduler, such as "
            f"tcp://host:8786, or a distributed.Client, not {dask!r}"
        )


@contextmanager
def client_of(dask: Any) -> Iterator[Any]:
    """Context with the `distributed.Client` of workers.

    Args:
        dask: number of processes to start on this machine, which end with the context; address of a
            scheduler; or a `distributed.Client`, which stays open.

    Raises:
        OSError: if the scheduler does not answer.
    """
    distributed = extra("distributed", _PURPOSE)
    if isinstance(dask, distributed.Client):
        yield dask
    elif isinstance(dask, str):
        with distributed.Client(dask, set_as_default=False) as client:
            if not client.nthreads():
                line = f"no workers at {dask} yet: start some with `dask worker {dask}`"
                warnings.warn(line, NoWorkers, stacklevel=2)
            yield client
    else:
        environment = {
            # Each would otherwise start a thread for every core, and take all memory of a GPU.
            "TF_NUM_INTRAOP_THREADS": str(max(1, (cpu_count() or 1) // dask)),
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        }
        with (
            distributed.LocalCluster(
                dask, threads_per_worker=1, dashboard_address=":0", env=environment, silence_logs="CRITICAL"
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield client


class Remote:
    """A method of a model, run by workers.

    Args:
        client: `distributed.Client` of the workers.
        model: model that can be pickled. A `Pretrained` is loaded from its folder, which every worker needs
            under the same path.
        method: name of the method.
    """

    def __init__(self, client: Any, model: Any, method: str) -> None:
        self._client, self._method = client, method
        pickled = importlib.import_module("distributed.protocol.pickle").dumps(model)
        # A task and not scattered data, which Dask could not restore if it lost their workers.
        self._pickled = client.submit(_same, pickled, pure=False)
        self._killed = importlib.import_module("distributed").KilledWorker

    @property
    def ahead(self) -> int:
        """Number of draws that keep all present workers busy."""
        return max(2, 2 * sum(self._client.nthreads().values()))

    def start(self, given: np.ndarray, seed: list[int], first: int) -> Callable[[], np.ndarray]:
        """Start the draws for a chunk; arguments as those of `in_chunks`.

        Returns:
            A function that waits for the draws (n, …). It raises the error of the model,
            `ChildProcessError` if worker after worker is lost with the chunk, or `ConnectionError` if the
            scheduler is.
        """
        future = self._client.submit(
            _draw, self._pickled, __version__, self._method, given, seed, first, pure=False
        )

        def wait() -> np.ndarray:
            try:
                drawn: np.ndarray = future.result()
            except self._killed as error:
                raise ChildProcessError(
                    f"one worker of Dask after the other was lost with the events from {first} on, as when "
                    "memory runs out: draw the rest with --resume (resume=True)"
                ) from error
            except importlib.import_module("concurrent.futures").CancelledError as error:
                raise ConnectionError(
                    "the scheduler of Dask is lost: draw the rest with --resume (resume=True)"
                ) from error
            return drawn

        return wait


def _same(pickled: bytes) -> bytes:
    return pickled


def _draw(
    pickled: bytes, version: str, method: str, given: np.ndarray, seed: list[int], first: int
) -> np.ndarray:
    """Draws (n, …) for a chunk, by a worker."""
    if version != __version__:
        raise ValueError(f"a worker of Dask has mizoo {__version__}, and this process {version}")
    from mizoo.evaluation.streams import in_chunks  # not above: a scheduler does without TensorFlow

    with _loading:
        model = _loaded(pickled)
    return in_chunks(getattr(model, method), given, None, seed=seed, first=first)


@lru_cache(maxsize=1)
def _loaded(pickled: bytes) -> Any:
    """The model, which stays loaded between chunks."""
    importlib.import_module("mizoo.presets.catalogue")  # registers every class that a model may name
    return importlib.import_module("distributed.protocol.pickle").loads(pickled)
