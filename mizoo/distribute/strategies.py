"""`tf.distribute` strategies by name, and the choice of the process that writes files."""

import os
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress

import tensorflow as tf

NAMES = ("auto", "one-device", "mirrored", "multiworker", "tpu", "parameter-server")


def resolve(
    strategy: str | tf.distribute.Strategy = "auto",
    workers: Sequence[str] | None = None,
    index: int | None = None,
    replicas: int | None = None,
    timeout: float = 600.0,
) -> tf.distribute.Strategy:
    """Create the strategy of a name.

    Call this before anything else uses TensorFlow, and create models in the `scope()` of the strategy.

    - `"auto"`: `"multiworker"` if there is a cluster of several workers, else `"tpu"` if `TPU_NAME` is set,
      else `"mirrored"` if there are several GPUs, else `"one-device"`;
    - `"one-device"`: the first GPU, or the CPU;
    - `"mirrored"`: all GPUs of this machine, or `replicas` virtual devices of its CPU;
    - `"multiworker"`: all GPUs of all workers, given by `workers`, `TF_CONFIG` or Slurm;
    - `"tpu"`: the TPU of `TPU_NAME`, or of this machine;
    - `"parameter-server"`: the cluster of `TF_CONFIG`; presets refuse to train under it.

    Args:
        strategy: a name, or a `tf.distribute.Strategy`, which is returned.
        workers: addresses of all workers, such as `["node1:5000", "node2:5000"]`; the first one is the
            chief.
        index: index of this process in `workers`, from 0.
        replicas: number of virtual devices of the CPU, for `"mirrored"`.
        timeout: seconds that workers wait for one another.

    Raises:
        ValueError: for an unknown name, or if a requirement of the strategy is missing.
        TimeoutError: if a worker does not connect in time; it names the address.
    """
    if isinstance(strategy, tf.distribute.Strategy):
        return strategy
    if strategy not in NAMES:
        raise ValueError(f"strategy must be one of {', '.join(NAMES)}, not {strategy!r}")
    cluster = _cluster(workers, index)
    if strategy == "auto":
        strategy = _best(cluster, replicas)
    if replicas is not None and strategy != "mirrored":
        raise ValueError(f"replicas are virtual devices of the CPU for 'mirrored', not for {strategy!r}")
    if strategy == "mirrored":
        return tf.distribute.MirroredStrategy(_parts(replicas) if replicas else None)
    if strategy == "multiworker":
        if cluster is None:
            raise ValueError("'multiworker' needs workers and index, or TF_CONFIG, or a job of Slurm")
        _meet(cluster, timeout)
        return tf.distribute.MultiWorkerMirroredStrategy(cluster)
    if strategy == "tpu":
        return _tpu()
    if strategy == "parameter-server":
        if cluster is None or "ps" not in cluster.cluster_spec().jobs:
            raise ValueError("'parameter-server' needs a TF_CONFIG with tasks of the type ps")
        return tf.distribute.ParameterServerStrategy(cluster)
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy | None = None) -> bool:
    """Whether this process writes files: it is the only one, or the first worker.

    Args:
        strategy: strategy of this process; the one in scope by default.
    """
    strategy = strategy or tf.distribute.get_strategy()
    cluster = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or cluster is None:
        return True
    return cluster.task_type == "chief" or (
        "chief" not in cluster.cluster_spec().jobs and not cluster.task_id
    )


def _best(cluster: tf.distribute.cluster_resolver.ClusterResolver | None, replicas: int | None) -> str:
    if cluster is not None and len(_addresses(cluster)) > 1:
        return "multiworker"
    if os.environ.get("TPU_NAME"):
        return "tpu"
    return "mirrored" if replicas or len(tf.config.list_physical_devices("GPU")) > 1 else "one-device"


def _cluster(
    workers: Sequence[str] | None, index: int | None
) -> tf.distribute.cluster_resolver.ClusterResolver | None:
    """Resolver of the cluster this process is in, or None."""
    if workers:
        if index is None or not 0 <= index < len(workers):
            raise ValueError(
                f"index must be 0 to {len(workers) - 1}, one of the {len(workers)} workers, not {index}"
            )
        for address in workers:
            host, _, port = address.rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(f"a worker's address is host:port, not {address!r}")
        spec = tf.train.ClusterSpec({"worker": list(workers)})
        return tf.distribute.cluster_resolver.SimpleClusterResolver(
            spec, task_type="worker", task_id=index, rpc_layer="grpc"
        )
    if index is not None:
        raise ValueError("index is the position of this process in workers: give their addresses, too")
    if os.environ.get("TF_CONFIG"):
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if (tasks := int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))) > 1:
        # On nodes without GPUs the resolver would loop forever over no devices.
        none = {"gpus_per_node": tasks, "gpus_per_task": 1, "auto_set_gpu": False}
        gpus = tf.config.list_physical_devices("GPU")
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(**({} if gpus else none))
        resolver.task_type, resolver.task_id = resolver.get_task_info()
        return resolver
    return None


def _addresses(cluster: tf.distribute.cluster_resolver.ClusterResolver) -> list[str]:
    """Addresses of all training tasks, the chief's first."""
    spec = cluster.cluster_spec()
    return [address for job in ("chief", "worker") if job in spec.jobs for address in spec.job_tasks(job)]


def _meet(cluster: tf.distribute.cluster_resolver.ClusterResolver, timeout: float) -> None:
    """Wait until every worker listens; TensorFlow would wait forever without naming the missing one."""
    spec = cluster.cluster_spec()
    own = spec.task_address(cluster.task_type, cluster.task_id)
    deadline = time.monotonic() + timeout
    with ExitStack() as stack:
        # Listens in place of TensorFlow until all workers have connected.
        door = stack.enter_context(socket.socket())
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("", int(own.rpartition(":")[2])))
        except OSError as error:
            raise ValueError(f"this worker's address {own} is taken: {error}") from error
        door.listen(128)
        for address in _addresses(cluster):
            if address != own:
                _knock(address, deadline, timeout)


def _knock(address: str, deadline: float, timeout: float) -> None:
    host, _, port = address.rpartition(":")
    while True:
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=5.0):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"worker {address} has not come within {timeout:g} s")
        time.sleep(0.2)


def _parts(count: int) -> list[str]:
    """Split the CPU into virtual devices, and return their names."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    try:
        tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError as error:
        raise ValueError("replicas must be requested before TensorFlow is used") from error
    return [f"CPU:{i}" for i in range(count)]


def _tpu() -> tf.distribute.TPUStrategy:
    try:
        cluster = tf.distribute.cluster_resolver.TPUClusterResolver(os.environ.get("TPU_NAME", ""))
        tf.config.experimental_connect_to_cluster(cluster)
        tf.tpu.experimental.initialize_tpu_system(cluster)
    except (ValueError, tf.errors.OpError) as error:
        raise ValueError(f"no TPU is at hand: {error}") from error
    return tf.distribute.TPUStrategy(cluster)
