"""Every preset trains where a GPU is listed, for which Keras compiles steps with XLA."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden import SMALL

from mizoo import datasets, presets
from mizoo.compat import all_layers
from mizoo.networks import UNet, to_image
from mizoo.presets import PRESETS

AS_OFTEN = {"vae"}  # compiled by CI too: compilation takes most of a minute


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.ci if name in AS_OFTEN else pytest.mark.slow)
        for name in PRESETS
    ],
)
def test_every_preset_trains_where_a_gpu_is_listed(name, monkeypatch):
    listed = tf.config.list_physical_devices()
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda *_: [*listed, SimpleNamespace(device_type="GPU")]
    )
    options = {"units": 8} if "units" in PRESETS[name].arguments else {}
    model = PRESETS[name].factory(**{**options, **SMALL.get(name, {})})
    assert model.jit_compile
    before = [weight.numpy() for weight in model.mapper_variables]
    model.fit(PRESETS[name].load_dataset().train[:32], batch_size=32, verbose=0)
    assert any(
        (weight.numpy() != old).any() for weight, old in zip(model.mapper_variables, before, strict=True)
    )


@pytest.mark.slow
def test_networks_of_volumes_are_compiled():
    data = datasets.showers(40).train
    model = presets.bibae_desy(x=(10, 10, 30, 1), condition=(1,), units=4, latent=2)
    model.compile(model.optimizer, model.critic_optimizer, jit_compile=True)
    logs = model.fit(data, batch_size=len(data), epochs=2, verbose=0).history
    assert np.isfinite(logs["D_x_hat"]).all()


@pytest.mark.slow
def test_turbosim_of_images_is_compiled():
    images = np.random.default_rng(0).random((32, 9, 8, 1)).astype("float32")
    model = presets.turbosim(x=(9, 8, 1), z=(9, 8, 1), units=8)
    model.compile(model.optimizer, model.critic_optimizer, jit_compile=True)
    history = model.fit(images, 1.0 - images, batch_size=16, verbose=0).history
    assert model.jit_compile
    assert np.isfinite(list(history.values())).all()


@pytest.mark.slow
def test_gradients_pass_through_drawn_jets_where_only_coordinates_are_compiled():
    """XLA has no gradient of the loop that separates jets, if the gradient is compiled apart from it."""
    model = presets.turbosim("zh", units=8, couplings=2)
    model.fit(datasets.zh().train[:32], batch_size=32, verbose=0)
    assert not model.jit_compile


@pytest.mark.ci
@pytest.mark.parametrize("size", [(8, 8), (25, 25), (7, 12), (5, 6, 9)])
def test_images_and_volumes_of_any_size_are_enlarged_without_resizing(size):
    """XLA has no gradient of `Resizing` by nearest neighbours."""
    for network, given in (
        (to_image((*size, 2), 2), np.zeros((1, 3))),
        (UNet(2, filters=2), np.zeros((1, *size, 2))),
        (UNet(2, light=True, filters=2), np.zeros((1, *size, 2))),
    ):
        assert network(given).shape == (1, *size, 2)
        assert not any(isinstance(layer, keras.layers.Resizing) for layer in all_layers(network))


def test_auto_is_no_compilation_on_a_cpu():
    assert presets.ae(x=(2,), latent=1, units=4).jit_compile is False
