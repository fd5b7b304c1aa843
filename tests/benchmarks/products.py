"""Arithmetic of the matrix products in a traced function."""

import math
from collections.abc import Callable, Iterator

import tensorflow as tf

_PRODUCTS = ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum")


def flops(function: Callable, *arguments) -> int:
    """Floating-point operations of the matrix products that a call of a `tf.function` makes.

    These are 2 m k n for each `MatMul`, `BatchMatMul` and `Einsum` in its graph and in all functions that
    it calls, by the static shapes of the trace. Gradients that a function returns count, used or not; loops
    count once, as the graph does not have their number of passes.

    Raises:
        ValueError: for a product of unknown shape.
    """
    graph = function.get_concrete_function(*arguments).graph
    return sum(_operations(product) for product in _products(graph))


def _products(graph: tf.Graph) -> Iterator[tf.Operation]:
    for operation in graph.get_operations():
        if operation.type in _PRODUCTS:
            yield operation
        for name in _called(operation):
            inner = graph._get_function(name)  # there is no public way from a call to the graph it calls
            yield from _products(inner.graph)


def _called(operation: tf.Operation) -> Iterator[str]:
    """Names of the functions that an operation calls; of gradients, which it only registers, none."""
    if operation.type == "SymbolicGradient":
        return
    for attribute in operation.node_def.attr.values():
        if attribute.WhichOneof("value") == "func":
            yield attribute.func.name
        yield from (function.name for function in attribute.list.func)


def _operations(product: tf.Operation) -> int:
    shapes = [tensor.shape for tensor in (*product.inputs, *product.outputs)]
    if not all(shape.is_fully_defined() for shape in shapes):
        raise ValueError(f"{product.name} has unknown shapes: give the function a batch of known size")
    if product.type == "Einsum":
        inputs, output = product.get_attr("equation").decode().split("->")
        sizes = dict(zip("".join(inputs.split(",")), [n for s in shapes[:-1] for n in s], strict=True))
        assert set(output) <= set(sizes)
        return 2 * math.prod(sizes.values())
    first, out = shapes[0], shapes[-1]
    transposed = product.get_attr("transpose_a" if product.type == "MatMul" else "adj_x")
    return 2 * math.prod(out) * first[-2 if transposed else -1]
