"""ONNX files agree with TensorFlow, and broken ones are not written."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
import tf2onnx
from conftest import toy

import mizoo
from mizoo.export import onnx_graph, write_onnx
from mizoo.export.onnx import compare
from mizoo.mappers import Diffusion, NoiseInjected, Transcoder
from mizoo.mappers.spline import bend
from mizoo.networks import attention, mlp, modulated
from mizoo.objectives import Likelihood
from mizoo.physics import JetMatching
from mizoo.representations import JetAssignment, ObjectCoordinates, ProjectedMomenta, Tokens


def gandalf():
    """Its parts at small sizes: rejection of orders of jets, attention, coordinates, a sampler's loop."""
    x, z = ObjectCoordinates(mizoo.processes.ttbar, ordered=False), ProjectedMomenta(mizoo.processes.ttbar)

    def transcoder(source, target):
        encoder = keras.Sequential([Tokens(source), attention(6, 10, 8, 8)])
        network = modulated(target.shape[0], 9, target.shape[0], 16, 1)
        return Transcoder(encoder, Diffusion(network, target.shape, evaluations=4))

    return mizoo.Turbo(
        transcoder(x, z), transcoder(z, x), [Likelihood("z_tilde"), Likelihood("x_tilde")],
        JetAssignment(x, attention(6, 10, 24, 8), matching=JetMatching()), z,
    )  # fmt: skip


def flow():
    """A conditional flow whose splines bend."""
    model = mizoo.presets.flow(x=(3,), z=(2,), units=8, couplings=2)
    for weight in model.weights:
        if weight.name in ("kernel", "bias") and not np.any(weight.numpy()):
            weight.assign(keras.random.normal(weight.shape, seed=1))
    return model


def names(graph):
    """Names of all values in a graph and its inner graphs."""
    for node in graph.node:
        yield from (*node.input, *node.output)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from names(attribute.g)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(gandalf, marks=pytest.mark.slow),
        pytest.param(flow, marks=pytest.mark.ci),
        lambda: mizoo.presets.turbosim(original=True),
    ],
)
def test_onnx_gives_what_tensorflow_gives(make, few, tmp_path):
    model = make()
    wide = model.x_representation.physical_shape == (24,)
    data = few.test if wide else mizoo.datasets.Samples(few.test.x[:, :3] / 100, few.test.z[:, :2] / 100)
    model.adapt(data)
    path = tmp_path / "model.onnx"
    deviations = write_onnx(model, path, data)
    assert set(deviations) == {"encode", "decode"}
    assert all(0.0 <= found["usual"] <= found["largest"] < 1e-2 for found in deviations.values())
    whole = onnx.load(path).graph
    known = {value.name for value in (*whole.input, *whole.output)} | {"", "nothing", "Identity:0"}
    known |= {f"{output.name}_{kind}" for output in whole.output for kind in ("size", "given")}
    assert all(name in known or name.isdigit() for name in names(whole))  # the converter's are long
    session = onnxruntime.InferenceSession(path)
    for draw, source, target in ((model.encode, "x", "z"), (model.decode, "z", "x")):
        shape = model.noise_shape({"x": "encoder", "z": "decoder"}[source])
        for count in (0, 1, 5):
            given = data[source][:count]
            noise = np.random.default_rng(1).standard_normal((count, *shape)).astype("float32")
            (drawn,) = session.run([f"{target}_tilde"], {source: given, f"{target}_noise": noise})
            assert drawn.shape == (count, *data[target].shape[1:])
            if count:
                expected = draw(given, noise=noise)
                np.testing.assert_allclose(drawn, expected, rtol=1e-3, atol=1e-3 * data[target].std())


@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(name, marks=pytest.mark.ci) for name in ("vae", "pix2pix")),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("infogan", "bibae", "srgan")),
    ],
)
def test_what_a_mapper_lacks_is_left_out(name, tmp_path):
    preset = mizoo.presets.PRESETS[name]
    model, test = preset.factory(), preset.truth()[:50]
    model.adapt(preset.load_dataset().train[:200])
    there = set(model.endpoints) & {"encode", "decode"}
    assert set(write_onnx(model, tmp_path / "model.onnx", test)) == there
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    outputs = {"encode": "z_tilde", "decode": "x_tilde"}
    assert {output.name for output in session.get_outputs()} == {outputs[name] for name in there}


def one_minus(z):
    return 1e6 * tf.math.log(1.0 + 1e-6 * tf.cast(z, tf.float64))


def power(z):
    return (tf.exp(20.0 * z) + 1.0) * tf.sigmoid(-20.0 * z) * z


def line(z):
    return tf.nn.softplus(z + 5.0) - tf.nn.softplus(-z - 5.0) - 5.0


def rounded(z):
    """Twice as much, unless values between two floats are rounded."""
    exact = tf.cast(z, tf.float64)
    between = exact + 1e-9 * exact
    return exact + 1e9 * (tf.cast(tf.cast(between, tf.float32), tf.float64) - exact)


@pytest.mark.parametrize(
    ("function", "before"), [(one_minus, 1e-3), (power, 1e-3), (line, 0.0), (rounded, 0.5)]
)
def test_what_is_settled_keeps_its_digits(function, before):
    """Functions of z that are z, but for 1e-6."""
    signature = [tf.TensorSpec((None,), tf.float32, "z")]
    single = tf.function(lambda z: tf.cast(function(z), tf.float32), input_signature=signature)

    def deviation():
        given = np.linspace(0.5, 1.0, 10, dtype="float32")
        (found,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"z": given})
        return np.abs(found / given - 1.0).max()

    model, _ = tf2onnx.convert.from_function(single, signature, opset=18)
    assert deviation() >= before  # as the converter has it
    onnx_graph.settle(model)
    assert deviation() < 1e-5
    kinds = {node.op_type for node in model.graph.node}
    assert kinds.isdisjoint({"Sigmoid", "Softplus"})
    read = {name for node in model.graph.node for name in node.input} | {model.graph.output[0].name}
    assert all(read & set(node.output) for node in model.graph.node)


def test_what_the_last_bit_of_the_noise_does():
    """Beside 1 it is 2⁻²³; draws are ±1 and move by a thousand times as much."""
    feeds = {"z": np.float32([[-1.0], [1.0]]), "noise": np.ones((2, 1), "float32")}

    class Session:
        def run(self, names, feeds):
            assert names == ["x_tilde"]
            return [feeds["z"]]

    def draw(z, noise):
        return tf.constant(z + 1000 * (noise - 1))

    found = compare(draw, Session(), feeds, "x_tilde")
    assert found == {"usual": 0.0, "largest": 0.0, "last_bit": pytest.approx(1000 * 2.0**-23)}


@keras.saving.register_keras_serializable("test")
class Unknown(keras.layers.Layer):
    """An operation that the converter does not know."""

    def call(self, inputs):
        return keras.ops.erfinv(keras.ops.tanh(inputs))


@pytest.mark.ci
def test_a_broken_file_is_not_written(few, tmp_path, monkeypatch):
    model = toy(["L_z_tilde"])
    model.encoder = model.encoder_average = NoiseInjected(keras.Sequential([mlp([4], 2), Unknown()]), (2,))
    model.encoder.build((None, 3))
    data = mizoo.datasets.Samples(few.test.x[:, :3], few.test.z[:, :2])
    with pytest.raises(ValueError, match=r"model\.onnx is not written"):
        write_onnx(model, tmp_path / "model.onnx", data)
    model = toy(["L_z_tilde"])
    monkeypatch.setattr("mizoo.export.onnx._deviation", lambda *_: {"usual": 1e-3, "largest": 1e-3})
    with pytest.raises(ValueError, match=r"model\.onnx is not written: encode differs from TensorFlow by"):
        write_onnx(model, tmp_path / "model.onnx", data)
    assert list(tmp_path.iterdir()) == []


def test_splines_are_those_of_tensorflow_probability():
    import tensorflow_probability as tfp

    generator = np.random.default_rng(0)
    knots = generator.normal(size=(3, 5, 50, 4)).astype("float32")
    widths, heights = (tf.nn.softmax(part, axis=0) * 7.8 + 0.04 for part in knots[:2])
    slopes = tf.nn.softplus(knots[2, 1:]) + 1e-3
    values = (4 * generator.normal(size=(50, 4))).astype("float32")
    last = [tf.transpose(part, (1, 2, 0)) for part in (widths, heights, slopes)]
    spline = tfp.bijectors.RationalQuadraticSpline(*last, range_min=-4.0)
    for inverse in (False, True):
        bent, change = bend(values, widths, heights, slopes, -4.0, inverse)
        way = "inverse" if inverse else "forward"
        np.testing.assert_allclose(bent, getattr(spline, way)(values), atol=2e-4)
        np.testing.assert_allclose(change, getattr(spline, f"{way}_log_det_jacobian")(values, 0), atol=2e-3)
    bent, _ = bend(values, widths, heights, slopes, -4.0)
    np.testing.assert_allclose(bend(bent, widths, heights, slopes, -4.0, True)[0], values, atol=2e-3)
