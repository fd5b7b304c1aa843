"""Export of the mappers of a model to an ONNX file."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from mizoo.core.optional import extra
from mizoo.core.tracing import inlined
from mizoo.core.types import Tensor
from mizoo.datasets.samples import Samples
from mizoo.export import onnx_graph
from mizoo.model.turbo import Turbo

if TYPE_CHECKING:
    from onnx import ModelProto
    from onnxruntime import InferenceSession

OPSET = 18
# Rounding errors grow in steep splines and in loops, so one event in a hundred may deviate more.
_USUAL, _LARGEST = 1e-4, 1e-3
_MAPPERS = (("encode", "x", "z", "encoder"), ("decode", "z", "x", "decoder"))


def write_onnx(
    model: Turbo, path: str | Path, events: Samples | Mapping[str, np.ndarray | None]
) -> dict[str, dict[str, float]]:
    """Write the mappers of a model as one ONNX file.

    Inputs are `x` and `z`, (n, …) in physical units, `condition` for models that have one, and for mappers
    that draw, standard normal numbers `z_noise` and `x_noise`; outputs are `z_tilde` = encode(x) and
    `x_tilde` = decode(z). Inputs are optional and have no rows by default: only the inputs of the requested
    output are needed. The file appears only after onnxruntime has reproduced TensorFlow on `events`,
    because the converter writes a broken file, with a mere log message, if it does not support an
    operation.

    Args:
        model: a `Turbo`.
        path: path of the file.
        events: x and z by space, (n, …) in physical units, for the comparison; a missing one is drawn.

    Returns:
        By endpoint, `encode` and `decode`, deviations of onnxruntime from TensorFlow: `usual`, the 99 %
        quantile over events, and `largest`; and `last_bit`, the largest change of TensorFlow's result if
        the last bit of the noise (or of the events, without noise) changes, a lower limit for the agreement
        of two programs. Deviations are relative to the component, to its standard deviation or to a
        hundredth of that of all components, whichever is largest.

    Raises:
        ImportError: without the extra `onnx`.
        ValueError: if a mapper deviates from TensorFlow by more than 1e-4 at the 99 % quantile of the
            events, or in any of them by more than 1e-3 and twice what the last bit of the noise does.
    """
    onnx, runtime, converter = (
        extra(name, "writing .onnx files") for name in ("onnx", "onnxruntime", "tf2onnx")
    )
    path = Path(path)
    unfinished = path.with_suffix(".part")
    functions: dict[str, Callable[..., Tensor]] = {}
    feeds: dict[str, dict[str, np.ndarray]] = {}
    parts: dict[str, ModelProto] = {}
    try:
        for name, space, other, role in _MAPPERS:
            if model.mappers[role] is None:
                continue
            signature, feeds[name] = _inputs(model, space, other, role, events)
            draw = _by_position(getattr(model, name), list(feeds[name]))
            functions[name] = tf.function(draw, input_signature=signature, autograph=False)
            parts[f"{other}_tilde"] = _converted(functions[name], signature, converter)
        onnx.save(onnx_graph.joined(parts), unfinished)
        session = runtime.InferenceSession(unfinished, providers=["CPUExecutionProvider"])
        deviations = {}
        for (name, function), output in zip(functions.items(), parts, strict=True):
            deviations[name] = found = compare(function, session, feeds[name], output)
            largest = max(_LARGEST, 2.0 * found["last_bit"])
            if not (found["usual"] <= _USUAL and found["largest"] <= largest):
                raise ValueError(
                    f"{name} differs from TensorFlow by {found['usual']:.1e} at the 99 % quantile, "
                    f"and by up to {found['largest']:.1e}"
                )
    except Exception as error:
        unfinished.unlink(missing_ok=True)
        raise ValueError(f"{path.name} is not written: {error}") from error
    unfinished.replace(path)
    return deviations


def _by_position(draw: Callable[..., Tensor], names: Sequence[str]) -> Callable[..., Tensor]:
    """`encode` or `decode` as a function of its inputs of these names in order."""
    keywords = [name if name == "condition" else "noise" for name in names[1:]]
    return lambda given, *rest: draw(given, **dict(zip(keywords, rest, strict=True)))


def _converted(
    function: Callable[..., Tensor], signature: Sequence[tf.TensorSpec], converter: ModuleType
) -> "ModelProto":
    """Convert a function to an ONNX model."""
    logging.disable(logging.ERROR)  # hundreds of lines on operations that it cannot convert
    try:
        with inlined():  # in loops, the converter would reuse names for repeated calls
            model, _ = converter.convert.from_function(function, input_signature=signature, opset=OPSET)
    finally:
        logging.disable(logging.NOTSET)
    onnx_graph.settle(model)
    return model


def compare(
    function: Callable[..., Tensor],
    session: "InferenceSession",
    feeds: dict[str, np.ndarray],
    output: str,
) -> dict[str, float]:
    """Deviations of onnxruntime from TensorFlow on the same inputs, as returned by `write_onnx`."""
    *_, last = (name for name in feeds if name != "condition")  # a label has no neighbours
    beside = {**feeds, last: np.nextafter(feeds[last], np.float32(np.inf))}
    expected, moved = (function(*inputs.values()).numpy() for inputs in (feeds, beside))
    (drawn,) = session.run([output], feeds)
    return {**_deviation(expected, drawn), "last_bit": _deviation(expected, moved)["largest"]}


def _inputs(
    model: Turbo,
    space: str,
    other: str,
    role: str,
    events: Samples | Mapping[str, np.ndarray | None],
) -> tuple[list[tf.TensorSpec], dict[str, np.ndarray]]:
    """Signature of a mapper's function, and test inputs."""
    given = events[space]
    condition = None if model.condition is None else events["c"]
    if model.condition is not None and condition is None:
        raise ValueError("the comparison with TensorFlow needs the condition c beside x or z")
    if given is None:
        given = model.representations[space].sample(1000 if condition is None else len(condition))
    feeds = {space: np.asarray(given, "float32")}
    if condition is not None:
        feeds["condition"] = np.asarray(condition, "float32")[: len(given)]
    if shape := model.noise_shape(role):
        draws = np.random.default_rng(0).standard_normal((len(given), *shape))
        feeds[f"{other}_noise"] = draws.astype("float32")
    signature = [tf.TensorSpec((None, *value.shape[1:]), tf.float32, name) for name, value in feeds.items()]
    return signature, feeds


def _deviation(expected: np.ndarray, found: np.ndarray) -> dict[str, float]:
    spread = np.maximum(expected.std(0), 0.01 * expected.std())
    relative = np.abs(found - expected) / np.maximum(np.abs(expected), spread)
    events = relative.reshape(len(relative), -1).max(1)
    return {"usual": float(np.quantile(events, 0.99)), "largest": float(events.max())}
