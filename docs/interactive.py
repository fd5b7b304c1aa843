"""Scripts of the page `interactive`: trained models, onnxruntime, and the figures that the page shows.

A page that is opened from disk can load scripts, but neither other files nor modules. Therefore each file
is compressed and written as text into a script, `mizooFiles.name = {…}`.
"""

import base64
import gzip
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import onnxruntime_web

import mizoo
from mizoo.datasets.digits import labelled
from mizoo.export.onnx_model import OnnxModel
from mizoo.physics import reconstruct
from mizoo.physics.process import Process

MODELS = Path(__file__).parents[1] / "saved_models"
VARIABLE = "MIZOO_INTERACTIVE"
# Detector observables of the page: the range of the axis in GeV.
RANGES = {
    "pt_e": (0, 200),
    "pt_met": (0, 240),
    "pt_jet1": (0, 320),
    "m_w_had": (0, 200),
    "m_t_had": (0, 400),
    "m_tt": (250, 1050),
}
BINS = 50
EVENTS = 1000  # per draw
CELLS = 11  # images across the plane of latents


def mapper(path: Path, output: str, count: int) -> onnx.ModelProto:
    """The mapper of a model of mizoo that computes one output, as a model of its own for a browser.

    All inputs of the model in the file have default values, by which it leaves out the other mapper
    (`mizoo.export.onnx_graph.joined`); onnxruntime does not take such inputs in a browser. This one has
    only the inputs of the mapper, without defaults. The number of events is fixed and the graph optimised:
    a browser then opens a model of thousands of operations in a third of the time.

    Args:
        path: `model.onnx`.
        output: `z_tilde` or `x_tilde`.
        count: number of events.

    Raises:
        ValueError: if the model lacks the output.
    """
    whole = onnx.load(path)
    node = next((node for node in whole.graph.node if output in node.output), None)
    if node is None:
        raise ValueError(f"{path} has no output {output}")
    branch = next(attribute.g for attribute in node.attribute if attribute.name == "then_branch")
    used = {name for inner in branch.node for name in inner.input}
    inputs = [value for value in whole.graph.input if value.name in used]
    outputs = [value for value in whole.graph.output if value.name == output]
    for value in (*inputs, *outputs):
        value.type.tensor_type.shape.dim[0].dim_value = count
    last = onnx.helper.make_node("Identity", [branch.output[0].name], [output])
    graph = onnx.helper.make_graph([*branch.node, last], "mizoo", inputs, outputs, branch.initializer)
    model = onnx.helper.make_model(graph, opset_imports=whole.opset_import, ir_version=whole.ir_version)
    _without_cosines(model)
    onnx.checker.check_model(model)
    return _optimised(model)


def _without_cosines(model: onnx.ModelProto) -> None:
    """Write cosines of doubles as sines, as onnxruntime 1.18 has no others; cos x = sin(x + π/2)."""
    double = onnx.TensorProto.DOUBLE
    values = onnx.shape_inference.infer_shapes(model).graph.value_info
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Cos" and types.get(node.output[0]) == double:
            turned = f"{node.output[0]}/turned"
            nodes.append(onnx.helper.make_node("Add", [node.input[0], "quarter"], [turned]))
            node.op_type, node.input[:] = "Sin", [turned]
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.float64(np.pi / 2), "quarter"))


def _optimised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with constants computed; it has only standard operations, which any release knows."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = f"{folder}/model.onnx"
        onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        found = onnx.load(options.optimized_model_filepath)
    assert not any(node.domain for node in found.graph.node)
    return found


def observables(events: np.ndarray, process: Process) -> dict[str, np.ndarray]:
    """Observables (n,) in GeV of detector events (n, 24), by the names of `RANGES`."""
    px, py = np.moveaxis(events.reshape(len(events), -1, 4)[:, :, :2], 2, 0)
    pt = np.hypot(px, py)
    masses = reconstruct(events, process)
    found = {"pt_e": pt[:, 0], "pt_met": pt[:, 1], "pt_jet1": pt[:, 2:].max(1), **masses}
    return {name: found[name] for name in RANGES}


def collision() -> dict[str, Any]:
    """What the page needs of tt̄: histograms of all test events, masses, and the usual range of partons."""
    process, data = mizoo.processes.ttbar, mizoo.datasets.ttbar()
    found = observables(data.test.x, process)
    histograms = {
        name: {
            "range": RANGES[name],
            "counts": np.histogram(values, BINS, RANGES[name])[0].tolist(),
        }
        for name, values in found.items()
    }
    partons = data.train.z.reshape(len(data.train), -1, 4).astype("float64")
    pt = np.hypot(partons[..., 0], partons[..., 1])
    eta = np.abs(np.arcsinh(partons[..., 2] / pt))
    neutrino = process.reconstruction.neutrino
    assert neutrino is not None
    return {
        "histograms": histograms,
        "partons": [parton.name for parton in process.partons],
        "mass": {p.name: p.gev for p in process.partons} | {d.name: d.gev for d in process.decays},
        # One training event in 200 has a parton of smaller pT, one in 200 of larger pT or |η|.
        "usual": {
            "least_pt": np.quantile(pt, 0.005, axis=0).round(1).tolist(),
            "most_pt": np.quantile(pt, 0.995, axis=0).round(1).tolist(),
            "most_eta": np.quantile(eta, 0.995, axis=0).round(2).tolist(),
        },
        "neutrino": neutrino.mass,
        "peaks": {p.decay: [p.mass, p.resolution] for p in process.reconstruction.peaks},
    }


def latent() -> dict[str, Any]:
    """Codes of ten digits: for each, the test image whose code is nearest to the mean of its digit."""
    images, labels = labelled()
    model = OnnxModel(MODELS / "vae-digits" / "model.onnx")
    codes = model.encode(images, noise=np.zeros((len(images), *model.shapes["z"])))
    nearest = []
    for digit in range(10):
        own = codes[labels == digit]
        nearest.append(own[np.linalg.norm(own - own.mean(0), axis=1).argmin()].round(3).tolist())
    return {"codes": nearest, "cells": CELLS}


def write(folder: Path) -> None:
    """Write the scripts into a folder, which is removed first.

    If onnxruntime cannot be downloaded, one line on stderr says so and nothing is written, unless the
    environment variable `MIZOO_INTERACTIVE` is `required`. The page then says that it has no models.

    Raises:
        ConnectionError: if it is required and cannot be downloaded.
        ValueError: for another value of the variable than `required` or `optional`.
    """
    wanted = os.environ.get(VARIABLE, "optional")
    if wanted not in ("optional", "required"):
        raise ValueError(f"{VARIABLE} must be optional or required, not {wanted!r}")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        runtime = onnxruntime_web.files()
    except ConnectionError as error:
        if wanted == "required":
            raise
        print(f"The page interactive.html is built without its models: {error}", file=sys.stderr)
        return
    folder.mkdir(parents=True)
    onnxruntime.set_default_logger_severity(3)  # it warns of attributes that later releases spell otherwise
    script, wasm = runtime[onnxruntime_web.SCRIPT], runtime[onnxruntime_web.WASM]
    contents = {
        "runtime": {"script": script.decode(), "wasm": _text(wasm)},
        "latent": _model("vae-digits", CELLS**2 + 1) | latent(),
        "collision": _model("flow-ttbar", EVENTS) | collision(),
    }
    for name, content in contents.items():
        text = json.dumps(content, ensure_ascii=False)
        (folder / f"{name}.js").write_text(f"mizooFiles.{name} = {text};\n", encoding="utf-8")


def _model(name: str, count: int) -> dict[str, Any]:
    model = mapper(MODELS / name / "model.onnx", "x_tilde", count)
    return {"model": _text(model.SerializeToString()), "count": count}


def _text(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()
