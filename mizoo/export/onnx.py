"""ONNX files of a model, one for each of its mappers."""

import logging
from pathlib import Path

import numpy as np
import tensorflow as tf

from mizoo.extra import extra
from mizoo.graphs import inlined

OPSET = 18
# Rounding grows in steep splines and in loops: of one event in a hundred it may be more, but not much.
_USUAL, _LARGEST = 1e-4, 1e-2
_SINGLE, _DOUBLE = 1, 11  # numbers of types in ONNX


def write_onnx(model, directory, events) -> dict[str, dict[str, float]]:
    """Write `encode.onnx` and `decode.onnx` of a model, as far as it has these mappers.

    Inputs are `x` or `z`, (n, …) in physical units, and, if the mapper draws, `noise`: standard normal
    numbers, of the input's shape. There are two files because a runtime wants all inputs of one. A file
    appears only after onnxruntime has given what TensorFlow gives on `events`: where the converter does
    not know an operation, it writes a broken file and says so in its log alone.

    Args:
        model: a `Turbo`.
        directory: folder to write to.
        events: x and z by space, (n, …) in physical units, to compare on; z is drawn if there is none.

    Returns:
        By file name, how far components are from TensorFlow's: `usual`, what 99 % of the events keep to,
        and `largest`; and `last_bit`, how far those of TensorFlow move at most if the last bit of the
        noise, or of the events if there is none, changes: no two programs can be expected to agree
        better. A deviation is relative to the component, to its standard deviation or to a hundredth
        of that of all components, whichever is largest.

    Raises:
        ImportError: without the extra `onnx`.
        ValueError: if a file does not give what TensorFlow gives, within 1e-4 in 99 % of the events and
            1e-2 in all of them.
    """
    converter = extra("tf2onnx", "onnx")
    runtime = extra("onnxruntime", "onnx")
    deviations = {}
    for name, space, role in (("encode", "x", "encoder"), ("decode", "z", "decoder")):
        if model.mappers[role] is None:
            continue
        path = Path(directory) / f"{name}.onnx"
        unfinished = path.with_suffix(".part")
        signature, feeds = _inputs(model, space, role, events)
        function = tf.function(getattr(model, name), input_signature=signature, autograph=False)
        try:
            logging.disable(logging.ERROR)  # of what it cannot convert, hundreds of lines
            with inlined():  # in loops, the converter gives what is called twice the same names
                converter.convert.from_function(
                    function, input_signature=signature, opset=OPSET, output_path=str(unfinished)
                )
            _edit(unfinished, _exact_logarithms, _shorten)
            session = runtime.InferenceSession(unfinished, providers=["CPUExecutionProvider"])
            deviations[path.name] = deviation = compare(function, session, feeds)
            if not (deviation["usual"] <= _USUAL and deviation["largest"] <= _LARGEST):
                raise ValueError(f"it differs from TensorFlow by up to {deviation['largest']:.1e}")
        except Exception as error:
            unfinished.unlink(missing_ok=True)
            raise ValueError(f"{path.name} is not written: {error}") from error
        finally:
            logging.disable(logging.NOTSET)
        unfinished.replace(path)
    return deviations


def _edit(path, *changes):
    """Change the graph of an ONNX file, in place."""
    onnx = extra("onnx", "onnx")
    model = onnx.load(path)
    for change in changes:
        change(model.graph)
    onnx.save(model, path)


def _inner(graph):
    """Graphs of the loops and branches in a graph."""
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.g, *attribute.graphs)


def _exact_logarithms(graph):
    """Take logarithms of doubles as doubles. The converter has them in single precision, where those of
    numbers near 1 lose most of their digits, between two casts.
    """
    made = {name: node for node in graph.node for name in node.output}

    def source(name, op):
        node = made.get(name)
        return node if node is not None and node.op_type == op else None

    for last in graph.node:
        if _cast_to(last) != _DOUBLE or (logarithm := source(last.input[0], "Log")) is None:
            continue
        first = source(logarithm.input[0], "Cast")
        if first is not None and _cast_to(first) == _SINGLE:
            last.op_type, last.input[:] = "Log", first.input
            del last.attribute[:]
    for inner in _inner(graph):
        _exact_logarithms(inner)


def _cast_to(node):
    """Type to which a node casts, by its number in ONNX; None if it does not."""
    return next((a.i for a in node.attribute if a.name == "to"), None) if node.op_type == "Cast" else None


def _shorten(graph):
    """Name nodes and inner values by numbers.

    The converter's names are paths through TensorFlow's graph: a fifth of a file of a few MB.
    """
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    names[""] = ""  # an input that is left out

    def short(name):
        return names.setdefault(name, str(len(names)))

    def visit(graph):
        for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
            value.name = short(value.name)
        for node in graph.node:
            node.name = ""
            node.input[:] = map(short, node.input)
            node.output[:] = map(short, node.output)
        for inner in _inner(graph):
            visit(inner)

    visit(graph)


def compare(function, session, feeds) -> dict[str, float]:
    """How far onnxruntime is from TensorFlow on the same inputs, as `write_onnx` returns it."""
    *others, last = feeds.values()
    expected = function(*others, last).numpy()
    moved = function(*others, np.nextafter(last, np.float32(np.inf))).numpy()
    (drawn,) = session.run(None, feeds)
    return {**_deviation(expected, drawn), "last_bit": _deviation(expected, moved)["largest"]}


def _inputs(model, space, role, events):
    """Signature of a mapper's function, and inputs to try it on."""
    given = events[space]
    if given is None:
        given = model.representations[space].draw(1000)
    given = np.asarray(given, "float32")
    signature = [tf.TensorSpec((None, *given.shape[1:]), tf.float32, name=space)]
    feeds = {space: given}
    if shape := model.noise_shape(role):
        signature.append(tf.TensorSpec((None, *shape), tf.float32, name="noise"))
        draws = np.random.default_rng(0).standard_normal((len(given), *shape))
        feeds["noise"] = draws.astype("float32")
    return signature, feeds


def _deviation(expected, found):
    spread = np.maximum(expected.std(0), 0.01 * expected.std())
    relative = np.abs(found - expected) / np.maximum(np.abs(expected), spread)
    events = relative.reshape(len(relative), -1).max(1)
    return {"usual": float(np.quantile(events, 0.99)), "largest": float(events.max())}
