"""Data in the forms that users of Keras have: taken as Keras takes them, or refused in one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mizoo import Turbo, presets
from mizoo.mappers import Deterministic
from mizoo.objectives import Likelihood
from mizoo.representations import Identity, Latent

IMAGES = np.random.default_rng(0).random((8, 5, 5, 1)).astype("float32")


def batches(*arrays, size=4):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(size)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    made = presets.ae(x=Identity((5, 5, 1)), latent=2, units=4)
    made.run_eagerly = True
    return made


@pytest.mark.ci
@pytest.mark.parametrize(
    "kind", [lambda x: x[..., 0], lambda x: x.tolist(), tf.constant, lambda x: x > 0.5]
)
def test_use_takes_images_as_fit_does(model, kind):
    given = kind(IMAGES)
    model.fit(given, verbose=0)
    assert model.reconstruct(given).shape == model.predict(given, verbose=0)["x_hat"].shape == IMAGES.shape
    assert model(tf.convert_to_tensor(given))["x_hat"].shape == IMAGES.shape
    assert model.encode(given).shape == (8, 2)


@pytest.mark.ci
@pytest.mark.parametrize("kind", [lambda x: x[..., 0], lambda x: (255 * x).astype("uint8")])
def test_batches_are_taken_as_arrays_are(model, kind):
    data = batches(kind(IMAGES))
    model.fit(data, validation_data=data, verbose=0)
    drawn, expected = (model.predict(given, verbose=0)["z_tilde"] for given in (data, kind(IMAGES)))
    np.testing.assert_allclose(drawn, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (batches(IMAGES, IMAGES), r"y is read as z of shape \(n, 2\).*so give x alone"),
        (batches(IMAGES, np.arange(8)), r"y is read as z .* so give x alone"),
        (batches({"image": IMAGES}), "named x and z, got image"),
        (tf.data.Dataset.from_tensor_slices(IMAGES), r"\(n, 5, 5, 1\), got \(5, 5, 1\)"),
        (batches(np.moveaxis(np.repeat(IMAGES, 3, -1), -1, 1)), r"\(n, 5, 5, 1\), got \(None, 3, 5, 5\)"),
        (batches(IMAGES.astype("complex64")), "x must be real numbers"),
    ],
)
def test_batches_of_another_kind_are_named_before_training(model, data, message):
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message) as caught:
            method(data, verbose=0)
        assert "\n" not in str(caught.value)


def test_channels_come_last():
    model = presets.ae(x=Identity((5, 5, 3)), latent=2, units=4)
    with pytest.raises(ValueError, match=r"\(n, 5, 5, 3\), channels last, got \(8, 3, 5, 5\)"):
        model.fit(np.zeros((8, 3, 5, 5)), verbose=0)
    with pytest.raises(ValueError, match="channels last"):
        model.encode(np.zeros((8, 3, 5, 5)))


@pytest.mark.parametrize("method", ["encode", "reconstruct", "call"])
def test_values_that_are_no_numbers_are_refused_in_use(model, method):
    """`Pixels` would clip NaN to an ordinary image."""
    bad = IMAGES.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"event 3.*not finite"):
        getattr(model, method)(bad)
    with pytest.raises(ValueError, match="real numbers, got complex"):
        getattr(model, method)(IMAGES * 1j)


@pytest.mark.parametrize("network", [keras.layers.Reshape((1, 3)), keras.layers.Dense(1)])
def test_a_decoder_of_a_shape_that_only_broadcasts_is_refused(network):
    decoder = Deterministic(keras.Sequential([keras.layers.Dense(3), network]), (3,))
    model = Turbo(
        Deterministic(keras.layers.Dense(2), (2,)),
        decoder,
        [Likelihood("x_hat")],
        Identity((3,)),
        Latent(2),
    )
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"Deterministic gives arrays .* but the target has shape \(3,\)"):
        model.fit(np.zeros((4, 3)), verbose=0)
