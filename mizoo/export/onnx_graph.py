"""Transformations of the ONNX graphs that the converter makes."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from mizoo.core.optional import extra

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

_SINGLE, _DOUBLE = 1, 11  # ONNX codes of the types


def settle(model: "ModelProto") -> None:
    """Make a converted model more accurate, faster and smaller, in place; inputs and outputs are kept."""
    _exact_logarithms(model.graph)
    types = _types(model)
    _rounded(model.graph, types)
    _plain_exponentials(model.graph, types)
    _prune(model.graph)
    _narrow(model.graph)
    _shorten(model.graph)


def joined(models: Mapping[str, "ModelProto"]) -> "ModelProto":
    """Join several models, `{output: model}`, each with one output; inputs of one name are shared.

    A runtime requires all inputs that have no default value. Therefore every input defaults to an array
    without rows, for which nothing is computed: a caller that wants one output gives its inputs and pays
    for nothing else.
    """
    onnx = extra("onnx", "writing .onnx files")
    helper, to_tensor = onnx.helper, onnx.numpy_helper.from_array
    inputs: list[Any] = []
    outputs, nodes, defaults = [], [], []
    for name, model in models.items():
        graph = model.graph
        branch = onnx.GraphProto(name=name)
        branch.MergeFrom(graph)
        del branch.input[:]
        new = [given for given in graph.input if given.name not in {one.name for one in inputs}]
        inputs += new
        defaults += [to_tensor(_no_rows(given), given.name) for given in new]
        (drawn,) = graph.output
        none = _no_rows(drawn)
        output, nothing = (
            helper.make_tensor_value_info(called, _SINGLE, [None, *none.shape[1:]])
            for called in (name, "nothing")
        )
        outputs.append(output)
        constant = helper.make_node("Constant", [], ["nothing"], value=to_tensor(none))
        empty = helper.make_graph([constant], "empty", [], [nothing])
        first = graph.input[0].name
        nodes += [
            helper.make_node("Size", [first], [f"{name}_size"]),
            helper.make_node("Cast", [f"{name}_size"], [f"{name}_given"], to=onnx.TensorProto.BOOL),
            helper.make_node("If", [f"{name}_given"], [name], then_branch=branch, else_branch=empty),
        ]
    graph = helper.make_graph(nodes, "mizoo", inputs, outputs, defaults)
    like = next(iter(models.values()))
    whole = helper.make_model(graph, opset_imports=like.opset_import, ir_version=like.ir_version)
    onnx.checker.check_model(whole)
    return whole


def _no_rows(value: "ValueInfoProto") -> np.ndarray:
    """An array without rows, otherwise of a value's shape."""
    return np.zeros((0, *(size.dim_value for size in value.type.tensor_type.shape.dim[1:])), "float32")


def _inner(node: "NodeProto") -> Iterator["GraphProto"]:
    """Graphs of the branches or of the body of a node."""
    for attribute in node.attribute:
        yield from ([attribute.g] if attribute.HasField("g") else [])
        yield from attribute.graphs


def _graphs(graph: "GraphProto") -> Iterator["GraphProto"]:
    """A graph and all graphs in it."""
    yield graph
    for node in graph.node:
        for inner in _inner(node):
            yield from _graphs(inner)


def _exact_logarithms(whole: "GraphProto") -> None:
    """Take logarithms of doubles in double precision.

    The converter takes them in single precision between two casts, which loses most digits near 1.
    """
    for graph in _graphs(whole):
        made = {name: node for node in graph.node for name in node.output}
        for last in graph.node:
            logarithm = made.get(last.input[0]) if _cast_to(last) == _DOUBLE else None
            first = made.get(logarithm.input[0]) if _is(logarithm, "Log") else None
            if first is not None and _cast_to(first) == _SINGLE:
                last.op_type, last.input[:] = "Log", first.input
                del last.attribute[:]


def _is(node: "NodeProto | None", kind: str) -> TypeGuard["NodeProto"]:
    return node is not None and node.op_type == kind


def _cast_to(node: "NodeProto") -> int | None:
    """ONNX code of the type that a node casts to; None if it is no cast."""
    return next((a.i for a in node.attribute if a.name == "to"), None) if _is(node, "Cast") else None


def _types(model: "ModelProto") -> dict[str, int]:
    """Types of the values of a model and of all graphs in it, by name."""
    graphs = _graphs(extra("onnx", "writing .onnx files").shape_inference.infer_shapes(model).graph)
    values = (value for graph in graphs for value in (*graph.input, *graph.value_info, *graph.output))
    return {value.name: value.type.tensor_type.elem_type for value in values}


def _rounded(whole: "GraphProto", types: Mapping[str, int]) -> None:
    """Round to single precision where TensorFlow does.

    The converter merges two successive casts, and so does not round doubles that TensorFlow rounds.
    """
    node = extra("onnx", "writing .onnx files").helper.make_node

    def twice(cast: "NodeProto") -> list["NodeProto"]:
        rounded = f"{cast.output[0]}/rounded"
        first = node("Cast", cast.input, [rounded], to=_SINGLE)
        return [first, node("Cast", [rounded], cast.output, to=_DOUBLE)]

    _replace(whole, lambda one: _cast_to(one) == _DOUBLE == types.get(one.input[0]), twice)


def _plain_exponentials(whole: "GraphProto", types: Mapping[str, int]) -> None:
    """Write sigmoids and softpluses in single precision with exponentials.

    In onnxruntime these are exact to the last bit and take a third of the time; its own sigmoid is off by
    1e-7 and more.
    """
    onnx = extra("onnx", "writing .onnx files")
    node = onnx.helper.make_node

    def sigmoid(x: str, y: str) -> list["NodeProto"]:
        return [
            node("Neg", [x], [f"{y}/minus"]),
            node("Exp", [f"{y}/minus"], [f"{y}/power"]),
            node("Add", [f"{y}/power", "one"], [f"{y}/below"]),
            node("Reciprocal", [f"{y}/below"], [y]),
        ]

    def softplus(x: str, y: str) -> list["NodeProto"]:
        return [
            node("Relu", [x], [f"{y}/line"]),
            node("Abs", [x], [f"{y}/modulus"]),
            node("Neg", [f"{y}/modulus"], [f"{y}/minus"]),
            node("Exp", [f"{y}/minus"], [f"{y}/power"]),
            node("Add", [f"{y}/power", "one"], [f"{y}/above"]),
            node("Log", [f"{y}/above"], [f"{y}/bend"]),
            node("Add", [f"{y}/line", f"{y}/bend"], [y]),
        ]

    plain = {"Sigmoid": sigmoid, "Softplus": softplus}
    found = _replace(
        whole,
        lambda one: one.op_type in plain and types.get(one.output[0]) == _SINGLE,
        lambda one: plain[one.op_type](one.input[0], one.output[0]),
    )
    if found:
        whole.initializer.append(onnx.numpy_helper.from_array(np.float32(1.0), "one"))


def _replace(
    whole: "GraphProto",
    wanted: Callable[["NodeProto"], bool],
    new: Callable[["NodeProto"], list["NodeProto"]],
) -> bool:
    """Replace each `wanted` node by the nodes that `new` returns. Returns whether there were any."""
    found = False
    for graph in list(_graphs(whole)):
        there = [wanted(node) for node in graph.node]
        nodes = [new(node) if w else [node] for node, w in zip(graph.node, there, strict=True)]
        found |= any(there)
        del graph.node[:]
        graph.node.extend(node for group in nodes for node in group)
    return found


def _prune(graph: "GraphProto") -> None:
    """Remove nodes whose outputs are not used."""
    for node in graph.node:
        for inner in _inner(node):
            _prune(inner)
    read = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if read.isdisjoint(node.output):
            continue
        kept.append(node)
        read.update(node.input)
        for inner in _inner(node):
            for one in _graphs(inner):
                read.update(value.name for value in one.output)
                read.update(name for each in one.node for name in each.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def _narrow(whole: "GraphProto") -> None:
    """Store weights in single precision that are used in double precision, as TensorFlow does."""
    onnx = extra("onnx", "writing .onnx files")
    for graph in _graphs(whole):
        casts = []
        for weight in graph.initializer:
            values = onnx.numpy_helper.to_array(weight)
            narrow = values.astype("float32")
            if values.dtype == "float64" and values.size > 1 and (narrow == values).all():
                name = weight.name
                weight.CopyFrom(onnx.numpy_helper.from_array(narrow, f"{name}/single"))
                casts.append(onnx.helper.make_node("Cast", [weight.name], [name], to=_DOUBLE))
        nodes = [*casts, *graph.node]
        del graph.node[:]
        graph.node.extend(nodes)


def _shorten(whole: "GraphProto") -> None:
    """Name nodes and inner values by numbers.

    The converter's names are paths through TensorFlow's graph, which take a fifth of a file of a few MB.
    """
    names = {value.name: value.name for value in (*whole.input, *whole.output)}
    names[""] = ""  # an omitted optional input

    def short(name: str) -> str:
        return names.setdefault(name, str(len(names)))

    for graph in _graphs(whole):
        for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
            value.name = short(value.name)
        for node in graph.node:
            node.name = ""
            node.input[:] = map(short, node.input)
            node.output[:] = map(short, node.output)
