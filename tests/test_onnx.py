"""ONNX files give what TensorFlow gives, and broken ones are not written."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
import tf2onnx
from conftest import toy

import mizoo
from mizoo.export import write_onnx
from mizoo.export.onnx import _edit, _exact_logarithms, compare
from mizoo.mappers import Diffusion, Noisy, Transcoder
from mizoo.mappers.spline import bend
from mizoo.networks import attention, mlp, modulated
from mizoo.objectives import Likelihood
from mizoo.physics import Matched
from mizoo.presets.ttbar import coordinates
from mizoo.representations import Assigned, Tokens


def gandalf():
    """Its parts at small sizes: orders drawn until they fit, attention, coordinates, a sampler's loop."""
    x, z = coordinates(fitted=True)

    def transcoder(source, target):
        encoder = keras.Sequential([Tokens(source), attention(6, 10, 8, 8)])
        network = modulated(target.shape[0], 9, target.shape[0], 16, 1)
        return Transcoder(encoder, Diffusion(network, target.shape, evaluations=4))

    return mizoo.Turbo(
        transcoder(x, z), transcoder(z, x), [Likelihood("z_tilde"), Likelihood("x_tilde")],
        Assigned(x, attention(6, 10, 24, 8), matching=Matched()), z,
    )  # fmt: skip


def flow():
    """A conditional flow whose splines bend."""
    model = mizoo.presets.flow(x=(3,), z=(2,), units=8, couplings=2)
    for weight in model.weights:
        if weight.name in ("kernel", "bias") and not np.any(weight.numpy()):
            weight.assign(keras.random.normal(weight.shape, seed=1))
    return model


@pytest.mark.parametrize("make", [gandalf, flow, lambda: mizoo.presets.turbosim(original=True)])
def test_onnx_gives_what_tensorflow_gives(make, few, tmp_path):
    model = make()
    wide = model.x_representation.physical_shape == (24,)
    data = few.test if wide else mizoo.datasets.Samples(few.test.x[:, :3] / 100, few.test.z[:, :2] / 100)
    model.adapt(data)
    deviations = write_onnx(model, tmp_path, data)
    assert set(deviations) == {"encode.onnx", "decode.onnx"}
    assert all(0.0 <= found["usual"] <= found["largest"] < 1e-2 for found in deviations.values())
    names = {name for node in onnx.load(tmp_path / "decode.onnx").graph.node for name in node.input}
    assert all(name in ("z", "noise", "") or name.isdigit() for name in names)  # the converter's are long
    session = onnxruntime.InferenceSession(tmp_path / "decode.onnx")
    shape = model.noise_shape("decoder")
    for count in (1, 5):
        noise = np.random.default_rng(1).standard_normal((count, *shape)).astype("float32")
        (drawn,) = session.run(None, {"z": data.z[:count], "noise": noise})
        expected = model.decode(data.z[:count], noise=noise).numpy()
        assert drawn.shape == expected.shape
        np.testing.assert_allclose(drawn, expected, rtol=1e-3, atol=1e-3 * data.x.std())


@pytest.mark.parametrize("name", ["infogan", "srgan", "aae", "pix2pix"])
def test_what_a_mapper_lacks_is_left_out(name, tmp_path):
    preset = mizoo.presets.PRESETS[name]
    model, test = preset.factory(), preset.truth()[:50]
    model.adapt(preset.demonstration().train[:200])
    there = {f"{role}.onnx" for role in model.endpoints} & {"encode.onnx", "decode.onnx"}
    assert set(write_onnx(model, tmp_path, test)) == there == {path.name for path in tmp_path.iterdir()}


def test_logarithms_of_numbers_near_one_keep_their_digits(tmp_path):
    signature = [tf.TensorSpec((None,), tf.float32, "z")]

    @tf.function(input_signature=signature)
    def nearly_linear(z):
        return tf.cast(1e6 * tf.math.log(1.0 + 1e-6 * tf.cast(z, tf.float64)), tf.float32)

    def deviation():
        given = np.linspace(0.1, 1.0, 10, dtype="float32")
        (found,) = onnxruntime.InferenceSession(path).run(None, {"z": given})
        return np.abs(found / given - 1.0).max()

    path = tmp_path / "log.onnx"
    tf2onnx.convert.from_function(nearly_linear, signature, opset=18, output_path=str(path))
    assert deviation() > 1e-3  # as the converter has it
    _edit(path, _exact_logarithms)
    assert deviation() < 1e-5


def test_what_the_last_bit_of_the_noise_does():
    """Beside 1 it is 2⁻²³; draws are ±1 and move by a thousand times as much."""
    feeds = {"z": np.float32([[-1.0], [1.0]]), "noise": np.ones((2, 1), "float32")}

    class Session:
        def run(self, names, feeds):
            return [feeds["z"]]

    def draw(z, noise):
        return tf.constant(z + 1000 * (noise - 1))

    found = compare(draw, Session(), feeds)
    assert found == {"usual": 0.0, "largest": 0.0, "last_bit": pytest.approx(1000 * 2.0**-23)}


@keras.saving.register_keras_serializable("test")
class Unknown(keras.layers.Layer):
    """An operation that the converter does not know."""

    def call(self, inputs):
        return keras.ops.erfinv(keras.ops.tanh(inputs))


def test_a_broken_file_is_not_written(few, tmp_path, monkeypatch):
    model = toy(["L_z_tilde"])
    model.encoder = model.encoder_average = Noisy(keras.Sequential([mlp([4], 2), Unknown()]), (2,))
    model.encoder.build((None, 3))
    data = mizoo.datasets.Samples(few.test.x[:, :3], few.test.z[:, :2])
    with pytest.raises(ValueError, match=r"encode\.onnx is not written"):
        write_onnx(model, tmp_path, data)
    model = toy(["L_z_tilde"])
    monkeypatch.setattr("mizoo.export.onnx._deviation", lambda *_: {"usual": 1e-3, "largest": 1e-3})
    with pytest.raises(ValueError, match=r"encode\.onnx is not written: it differs from TensorFlow by"):
        write_onnx(model, tmp_path, data)
    assert list(tmp_path.iterdir()) == []


def test_splines_are_those_of_tensorflow_probability():
    import tensorflow_probability as tfp

    generator = np.random.default_rng(0)
    knots = generator.normal(size=(3, 50, 4, 5)).astype("float32")
    widths, heights = (tf.nn.softmax(part) * 7.8 + 0.04 for part in knots[:2])
    slopes = tf.nn.softplus(knots[2, ..., 1:]) + 1e-3
    values = (4 * generator.normal(size=(50, 4))).astype("float32")
    spline = tfp.bijectors.RationalQuadraticSpline(widths, heights, slopes, range_min=-4.0)
    for inverse in (False, True):
        bent, change = bend(values, widths, heights, slopes, -4.0, inverse)
        way = "inverse" if inverse else "forward"
        np.testing.assert_allclose(bent, getattr(spline, way)(values), atol=2e-4)
        np.testing.assert_allclose(change, getattr(spline, f"{way}_log_det_jacobian")(values, 0), atol=2e-3)
    bent, _ = bend(values, widths, heights, slopes, -4.0)
    np.testing.assert_allclose(bend(bent, widths, heights, slopes, -4.0, True)[0], values, atol=2e-3)
