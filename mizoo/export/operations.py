"""Operations of a SavedModel, checked before TensorFlow loads it.

A SavedModel is a program. Its graph may read and write files, open connections and end the process, while
it is loaded and whenever it is called. The graphs of generative models only compute.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

# Modules of TensorFlow whose operations compute, move numbers, draw them or hold them in variables …
_COMPUTE = frozenset(
    f"tensorflow.python.ops.gen_{name}_ops"
    for name in (
        "array", "bitwise", "control_flow", "functional", "linalg", "list", "manip", "math", "nn",
        "ragged_array", "ragged_conversion", "ragged_math", "random", "resource_variable", "rnn",
        "special_math", "spectral", "stateful_random", "stateless_random", "string",
    )
) | {"tensorflow.python.ops.gen_stateless_random_ops_v2"}  # fmt: skip
# … but for these, which end the process, read files or call other machines.
_DO_MORE = frozenset({"Abort", "ImmutableConst", "RemoteCall"})
# Of the modules that hold other operations as well, these compute.
_COMPUTE_TOO = frozenset(
    {"Assert", "CropAndResize", "ResizeArea", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor"}
)
# Operations of the two functions by which each SavedModel writes and restores its variables.
_OF_SAVER = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
_NAME = "saved_model.pb"


def check_operations(path: str | Path) -> None:
    """Check that the graph of a SavedModel only computes.

    Operations on files are accepted in the functions of the saver alone, which nothing else may call.

    Args:
        path: folder of the SavedModel.

    Raises:
        ValueError: for any other operation, with its name; or for a graph that cannot be read.
    """
    file = Path(path) / _NAME
    program = saved_model_pb2.SavedModel()
    try:
        program.ParseFromString(file.read_bytes())
    except DecodeError:
        raise ValueError(f"{path} is no whole SavedModel: its graph cannot be read") from None
    if file.with_suffix(".cpb").exists() or file.with_suffix(".pbtxt").exists():
        raise ValueError(f"{path} holds a second graph beside {_NAME}")
    if len(program.meta_graphs) != 1 or not program.meta_graphs[0].object_graph_def.nodes:
        raise ValueError(f"{file} must hold one graph, as TensorFlow 2 writes it")
    if found := _more_than_compute(program.meta_graphs[0]):
        raise ValueError(
            f"{file} has the operation {found}, which does more than compute; load it with trust=True if "
            "you trust its author with your files"
        )


def _more_than_compute(graph: Any) -> str | None:
    """Name of an operation that does more than compute, if there is one."""
    functions = {
        function.signature.name: function.node_def for function in graph.graph_def.library.function
    }
    savers = {name for name, nodes in functions.items() if any(node.op in _OF_SAVER for node in nodes)}
    for name, nodes in (("", graph.graph_def.node), *functions.items()):
        # TensorFlow 2 runs functions alone; a saver that was traced eagerly is outside of them.
        allowed = _OF_SAVER if name in savers or not name else frozenset[str]()
        for operation in {node.op for node in nodes} - functions.keys() - allowed:
            if not _computes(operation):
                return str(operation)
    if savers & set(_callable(graph, functions)):
        return "SaveV2 or RestoreV2 outside of the saver"
    return None


def _callable(graph: Any, functions: dict[str, Any]) -> Iterator[str]:
    """Names of the functions that are called from anywhere but the saver's own nodes."""
    yield from graph.object_graph_def.concrete_functions
    for gradient in graph.graph_def.library.gradient:
        yield from (gradient.function_name, gradient.gradient_func)
    own = {graph.saver_def.save_tensor_name.partition(":")[0], graph.saver_def.restore_op_name}
    started = {name for op in graph.collection_def.values() for name in op.node_list.value}
    for nodes in functions.values():
        yield from _called(nodes)
    yield from _called(n for n in graph.graph_def.node if n.name not in own or n.name in started)


def _called(nodes: Iterable[Any]) -> Iterator[str]:
    """Names of the functions that nodes call."""
    for node in nodes:
        yield node.op
        for value in node.attr.values():
            yield value.func.name
            yield from (function.name for function in value.list.func)


@cache
def _computes(operation: str) -> bool:
    """Whether an operation has no effect outside of the graph."""
    if operation in _COMPUTE_TOO:
        return True
    function = vars(tf.raw_ops).get(operation)
    return function is not None and function.__module__ in _COMPUTE and operation not in _DO_MORE
