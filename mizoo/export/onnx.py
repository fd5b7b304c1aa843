"""The mappers of a model as an ONNX file."""

import logging
from pathlib import Path

import numpy as np
import tensorflow as tf

from mizoo.core.optional import extra
from mizoo.core.tracing import inlined
from mizoo.export import onnx_graph

OPSET = 18
# Rounding grows in steep splines and in loops: of one event in a hundred it may be more, but not much.
_USUAL, _LARGEST = 1e-4, 1e-3
_MAPPERS = (("encode", "x", "z", "encoder"), ("decode", "z", "x", "decoder"))


def write_onnx(model, path, events) -> dict[str, dict[str, float]]:
    """Write the mappers of a model as one ONNX file.

    Inputs are `x` and `z`, (n, …) in physical units, and, if mappers draw, standard normal numbers
    `z_noise` and `x_noise`; outputs are `z_tilde` = encode(x) and `x_tilde` = decode(z). What an output is
    made of is all that has to be given: inputs are optional, and have no rows by themselves. The file
    appears only after onnxruntime has given what TensorFlow gives on `events`: where the converter does not
    know an operation, it writes a broken file and says so in its log alone.

    Args:
        model: a `Turbo`.
        path: of the file.
        events: x and z by space, (n, …) in physical units, to compare on; z is drawn if there is none.

    Returns:
        By endpoint, `encode` and `decode`, how far components are from TensorFlow's: `usual`, what 99 % of
        the events keep to, and `largest`; and `last_bit`, how far those of TensorFlow move at most if the
        last bit of the noise, or of the events if there is none, changes: no two programs can be expected
        to agree better. A deviation is relative to the component, to its standard deviation or to a
        hundredth of that of all components, whichever is largest.

    Raises:
        ImportError: without the extra `onnx`.
        ValueError: if a mapper does not give what TensorFlow gives, within 1e-4 in 99 % of the events and
            1e-3 in all of them.
    """
    onnx, runtime, converter = (
        extra(name, "writing .onnx files") for name in ("onnx", "onnxruntime", "tf2onnx")
    )
    path = Path(path)
    unfinished = path.with_suffix(".part")
    functions, feeds, parts = {}, {}, {}
    try:
        for name, space, other, role in _MAPPERS:
            if model.mappers[role] is None:
                continue
            signature, feeds[name] = _inputs(model, space, other, role, events)
            draw = _by_position(getattr(model, name), len(signature))
            functions[name] = tf.function(draw, input_signature=signature, autograph=False)
            parts[f"{other}_tilde"] = _converted(functions[name], signature, converter)
        onnx.save(onnx_graph.joined(parts), unfinished)
        session = runtime.InferenceSession(unfinished, providers=["CPUExecutionProvider"])
        deviations = {}
        for (name, function), output in zip(functions.items(), parts, strict=True):
            deviations[name] = found = compare(function, session, feeds[name], output)
            if not (found["usual"] <= _USUAL and found["largest"] <= _LARGEST):
                raise ValueError(f"{name} differs from TensorFlow by up to {found['largest']:.1e}")
    except Exception as error:
        unfinished.unlink(missing_ok=True)
        raise ValueError(f"{path.name} is not written: {error}") from error
    unfinished.replace(path)
    return deviations


def _by_position(draw, inputs):
    """`encode` or `decode` as a function of events alone, or of events and noise."""
    return (lambda given: draw(given)) if inputs == 1 else lambda given, noise: draw(given, noise=noise)


def _converted(function, signature, converter):
    """A function as a model of ONNX."""
    logging.disable(logging.ERROR)  # of what it cannot convert, hundreds of lines
    try:
        with inlined():  # in loops, the converter gives what is called twice the same names
            model, _ = converter.convert.from_function(function, input_signature=signature, opset=OPSET)
    finally:
        logging.disable(logging.NOTSET)
    onnx_graph.settle(model)
    return model


def compare(function, session, feeds, output) -> dict[str, float]:
    """How far onnxruntime is from TensorFlow on the same inputs, as `write_onnx` returns it."""
    *others, last = feeds.values()
    expected = function(*others, last).numpy()
    moved = function(*others, np.nextafter(last, np.float32(np.inf))).numpy()
    (drawn,) = session.run([output], feeds)
    return {**_deviation(expected, drawn), "last_bit": _deviation(expected, moved)["largest"]}


def _inputs(model, space, other, role, events):
    """Signature of a mapper's function, and inputs to try it on."""
    given = events[space]
    if given is None:
        given = model.representations[space].sample(1000)
    feeds = {space: np.asarray(given, "float32")}
    if shape := model.noise_shape(role):
        draws = np.random.default_rng(0).standard_normal((len(given), *shape))
        feeds[f"{other}_noise"] = draws.astype("float32")
    signature = [tf.TensorSpec((None, *value.shape[1:]), tf.float32, name) for name, value in feeds.items()]
    return signature, feeds


def _deviation(expected, found):
    spread = np.maximum(expected.std(0), 0.01 * expected.std())
    relative = np.abs(found - expected) / np.maximum(np.abs(expected), spread)
    events = relative.reshape(len(relative), -1).max(1)
    return {"usual": float(np.quantile(events, 0.99)), "largest": float(events.max())}
