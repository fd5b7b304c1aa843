"""ONNX files are loaded without TensorFlow, and cannot read other files."""

import copy
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import mizoo
from mizoo.export.generate import generate
from mizoo.export.manifest import UnverifiedModel, write_manifest
from mizoo.export.origin import Origin
from mizoo.training.warm_start import start_from

SHIPPED = Path(__file__).parents[1] / "saved_models"
FILE = SHIPPED / "pix2pix-ttbar" / "model.onnx"
NOISY = SHIPPED / "turbosim-original-ttbar" / "model.onnx"


@pytest.fixture(scope="module")
def events(ttbar):
    return ttbar.validation[:20]


@pytest.mark.ci
def test_tensorflow_is_not_imported():
    code = (
        "import sys, mizoo, numpy\n"
        f"model = mizoo.load({str(NOISY)!r})\n"
        "z = numpy.tile(numpy.float32([3, 4, 0, 50]), (2, 6))\n"
        "assert model.decode(z, seed=1, num_samples=3).shape == (2, 3, 24)\n"
        "assert model.process.name == 'ttbar'\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["pix2pix-ttbar", "turbosim-original-ttbar"])
def test_draws_are_those_of_onnxruntime(name, events):
    model = mizoo.load(SHIPPED / name / "model.onnx")
    assert (model.name, model.verified) == (name, True)
    assert isinstance(model, mizoo.OnnxModel)
    assert set(model.endpoints) <= {"encode", "decode"}
    shape = model.noise_shape("decoder")
    feeds = {"z": events.z}
    if shape is not None:
        noise = np.random.default_rng(5).standard_normal((len(events), *shape))
        feeds["x_noise"] = noise.astype("float32")
    session = onnxruntime.InferenceSession(SHIPPED / name / "model.onnx")
    (expected,) = session.run(["x_tilde"], feeds)
    np.testing.assert_array_equal(model.decode(events.z, seed=5), expected)
    if shape is not None:
        np.testing.assert_array_equal(model.decode(events.z, noise=noise), expected)
        several = model.decode(events.z, seed=5, num_samples=3)
        assert several.shape == (20, 3, 24)
        assert (several[:, 0] != several[:, 1]).any()
        assert (model.decode(events.z) != model.decode(events.z)).any()


def test_other_requests_are_refused_in_one_line(events):
    model = mizoo.load(FILE)
    for ask, message in (
        (lambda: model.reconstruct(events.x), "pix2pix-ttbar has no reconstruct, only "),
        (lambda: model.sample(3), "pix2pix-ttbar has no sample, only "),
        (lambda: model.decode(events.z[:, :4]), r"z must have shape \(n, 24\), got \(20, 4\)"),
        (lambda: model.decode(events.z, noise=events.z), "the decoder of pix2pix-ttbar takes no noise"),
        (lambda: model.noise_shape("critic"), "pix2pix-ttbar has no critic"),
        (lambda: model.latents({"x": events.x}), "has no latents: load the SavedModel"),
        (
            lambda: mizoo.load(NOISY).decode(events.z, noise=np.zeros((3, 2))),
            r"noise must have shape \(20, ",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            ask()
    with pytest.raises(FileNotFoundError, match=r"gone\.onnx: no such file"):
        mizoo.load("gone.onnx")


def test_a_folder_with_an_onnx_file_alone_is_one_of_its(events, tmp_path):
    for name in ("model.onnx", "config.json"):
        (tmp_path / "alone").mkdir(exist_ok=True)
        shutil.copy(FILE.with_name(name), tmp_path / "alone" / name)
    with pytest.warns(UnverifiedModel, match="alone is unverified"):
        model = mizoo.load(tmp_path / "alone")
    assert repr(model).endswith("alone/model.onnx, unverified>")
    write_manifest(tmp_path / "alone")
    with pytest.raises(ValueError, match="has no weights to start from"):
        start_from(None, tmp_path / "alone")
    assert mizoo.load(tmp_path / "alone").verified
    (tmp_path / "alone" / "model.onnx").write_bytes(FILE.read_bytes() + b" ")
    with pytest.raises(ValueError, match=r"model\.onnx is damaged or was changed"):
        mizoo.load(tmp_path / "alone" / "model.onnx")


def test_events_are_drawn_for_files(ttbar, tmp_path):
    mizoo.datasets.write(tmp_path / "in.h5", ttbar.test[:30])
    origin = Origin(FILE)
    assert origin.process.name == "ttbar"
    count = generate(origin.model, "decode", tmp_path / "in.h5", tmp_path / "out.h5", seed=1)
    with h5py.File(tmp_path / "out.h5") as file:
        assert count == len(file["ROL"]) == 30


def test_models_are_copied_and_pickled(events, tmp_path):
    path = shutil.copytree(NOISY.parent, tmp_path / "model") / "model.onnx"
    model = mizoo.load(path)
    expected = model.decode(events.z, seed=1)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.decode(events.z, seed=1), expected)
    content = pickle.dumps(model)
    shutil.copy(FILE, path)
    write_manifest(path.parent)
    with pytest.raises(ValueError, match="is another model than when it was pickled"):
        pickle.loads(content)


def test_a_fork_is_refused(events, monkeypatch):
    model = mizoo.load(NOISY)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="turbosim-original-ttbar was loaded before a fork"):
        model.decode(events.z)


def graph(location=None, output="x_tilde"):
    """The bytes of a model that adds weights, which may be in another file."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    if location is not None:
        weights = TensorProto(name="w", data_type=1, dims=[2], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", location), ("length", "8")):
            weights.external_data.add(key=key, value=value)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in ("z", output)]
    node = helper.make_node("Add", ["z", "w"], [output])
    made = helper.make_graph([node], "graph", values[:1], values[1:], [weights])
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8
    ).SerializeToString()


def test_other_files_are_not_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.float32([5.0, 6.0]).tofile(tmp_path / "secret")
    path = tmp_path / "a.onnx"
    path.write_bytes(graph())
    with pytest.warns(UnverifiedModel):
        np.testing.assert_array_equal(mizoo.load(path).decode(np.zeros((1, 2))), [[1.0, 2.0]])
    for location in ("secret", str(tmp_path / "secret"), "../secret"):
        path.write_bytes(graph(location))
        with (
            pytest.warns(UnverifiedModel),
            pytest.raises(ValueError, match=r"a\.onnx refers to other files") as found,
        ):
            mizoo.load(path)
        assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no ONNX file that can be run"),
        (FILE.read_bytes()[:1000], "is no ONNX file that can be run"),
        (b"ORTM" * 100, "is no ONNX file that can be run"),
        (graph(output="y"), "is no model of mizoo: its outputs are y"),
    ],
)
def test_other_and_damaged_files_are_told_in_one_line(content, message, tmp_path):
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.warns(UnverifiedModel), pytest.raises(ValueError, match=rf"a\.onnx {message}") as found:
        mizoo.load(tmp_path / "a.onnx")
    assert "\n" not in str(found.value)


def test_shipped_files_have_nothing_elsewhere():
    for path in SHIPPED.glob("*/model.onnx"):
        assert b"location" not in path.read_bytes()
        assert {node.domain for node in onnx.load(path).graph.node} <= {""}
