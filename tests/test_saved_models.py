"""SavedModels that do more than compute are refused; loaded ones are copied and pickled by their folder."""

import copy
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import mizoo
from mizoo.export.operations import check_operations

SHIPPED = Path(__file__).parents[1] / "saved_models"
SPEC = tf.TensorSpec((None, 2), tf.float32)


def saved(folder, draw, **attributes):
    """A SavedModel whose `decode` is `draw`."""
    module = tf.Module()
    module.variable = tf.Variable([1.0, 2.0])
    for name, value in attributes.items():
        setattr(module, name, value(module))
    module.decode = tf.function(draw, input_signature=[SPEC])
    tf.saved_model.save(module, folder, signatures={"decode": module.decode})
    return folder


def writes(z):
    with tf.control_dependencies([tf.io.write_file("written", "x")]):
        return tf.identity(z)


def appends(z):
    tf.print("x", output_stream="file://written")
    return z


def nested(z):
    return tf.while_loop(lambda i, _: i < 1, lambda i, z: (i + 1, writes(z)), (0, z))[1]


def saves(z):
    tf.raw_ops.SaveV2(prefix="written", tensor_names=["z"], shape_and_slices=[""], tensors=[z])
    return tf.identity(z)


def maps(z):
    constant = tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=(1,), memory_region_name="/etc/passwd")
    return z + constant


ATTACKS = {
    "write": (writes, "WriteFile"),
    "print": (appends, "PrintV2"),
    "nested": (nested, "WriteFile"),
    "read": (lambda z: z + tf.cast(tf.strings.length(tf.io.read_file("a")), tf.float32), "ReadFile"),
    "map": (maps, "ImmutableConst"),
    "list": (lambda z: z + tf.cast(tf.size(tf.io.matching_files("/*")), tf.float32), "MatchingFiles"),
    "python": (lambda z: tf.numpy_function(lambda a: a, [z], tf.float32), "PyFunc"),
    "save": (saves, "SaveV2"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_graphs_that_touch_files_or_python_are_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    draw, operation = ATTACKS[name]
    folder = saved(str(tmp_path / "model"), draw)
    with pytest.raises(
        ValueError, match=rf"^.*saved_model\.pb has the operation .*{operation}.*trust=True"
    ) as error:
        mizoo.load(folder)
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "written").exists()


def test_a_trusted_graph_is_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = mizoo.load(saved(str(tmp_path / "model"), writes), trust=True)
    assert model.endpoints == ["decode"]


def test_files_that_initialisers_read_are_found(tmp_path):
    (tmp_path / "words").write_text("a\nb\n")

    def table(_):
        start = tf.lookup.TextFileInitializer(
            str(tmp_path / "words"), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
        )  # fmt: skip
        return tf.lookup.StaticHashTable(start, -1)

    folder = saved(str(tmp_path / "model"), lambda z: z * 2.0, table=table)
    with pytest.raises(ValueError, match="has the operation"):
        check_operations(folder)


def test_nothing_but_the_saver_calls_its_functions(tmp_path):
    folder = Path(saved(str(tmp_path / "model"), lambda z: z * 2.0))
    check_operations(folder)
    program = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = program.meta_graphs[0]
    functions = graph.graph_def.library.function
    saver = next(f for f in functions if any(node.op == "SaveV2" for node in f.node_def))
    other = next(f for f in functions if not any(node.op in ("SaveV2", "RestoreV2") for node in f.node_def))
    call = other.node_def.add(name="call", op="StatefulPartitionedCall")
    call.attr["f"].func.name = saver.signature.name
    (folder / "saved_model.pb").write_bytes(program.SerializeToString())
    with pytest.raises(ValueError, match="outside of the saver"):
        check_operations(folder)


def test_a_second_graph_and_a_damaged_one_are_refused(tmp_path):
    folder = Path(shutil.copytree(SHIPPED / "pix2pix-ttbar", tmp_path / "model"))
    (folder / "saved_model.cpb").write_bytes(b"")
    with pytest.raises(ValueError, match=r"holds a second graph beside saved_model\.pb"):
        check_operations(folder)
    (folder / "saved_model.cpb").unlink()
    (folder / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(ValueError, match="is no whole SavedModel: its graph cannot be read"):
        check_operations(folder)


@pytest.mark.parametrize("folder", sorted(SHIPPED.glob("*/")), ids=lambda folder: folder.name)
def test_shipped_models_only_compute(folder):
    check_operations(folder)


def test_pretrained_models_are_copied_and_pickled_by_path_and_checksum(tmp_path):
    folder = shutil.copytree(SHIPPED / "pix2pix-ttbar", tmp_path / "model")
    model = mizoo.load(folder)
    pickled = pickle.dumps(model)
    assert len(pickled) < 1000
    z = mizoo.datasets.ttbar().validation.z[:5]
    for again in (copy.deepcopy(model), pickle.loads(pickled)):
        np.testing.assert_array_equal(again.decode(z, seed=1), model.decode(z, seed=1))
    shutil.rmtree(folder)
    shutil.copytree(SHIPPED / "cyclegan-ttbar", folder)
    with pytest.raises(ValueError, match="holds another model than when it was pickled"):
        pickle.loads(pickled)


def test_a_fork_is_refused(monkeypatch):
    model = mizoo.load("pix2pix-ttbar")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="pix2pix-ttbar was loaded before a fork"):
        model.decode(mizoo.datasets.ttbar().validation.z[:5])
