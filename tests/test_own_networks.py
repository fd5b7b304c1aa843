"""Networks of one's own: raw Keras networks are wrapped, and `units` reaches every network of a preset."""

import keras
import numpy as np
import pytest
from keras import layers

from mizoo import presets
from mizoo.compat import all_layers
from mizoo.mappers import Deterministic, Gaussian
from mizoo.networks import to_image, to_vector
from mizoo.presets import PRESETS

X = np.random.default_rng(0).random((8, 6, 6, 1)).astype("float32")


def encoder(outputs=4):
    return keras.Sequential([layers.Flatten(), layers.Dense(outputs)])


def decoder():
    return keras.Sequential([layers.Dense(36), layers.Reshape((6, 6, 1))])


@pytest.mark.ci
def test_raw_networks_become_mappers():
    own = encoder(), decoder()
    model = presets.vae(x=(6, 6, 1), latent=2, encoder=own[0], decoder=own[1])
    assert (model.encoder.network, model.decoder.network) == own
    assert isinstance(model.encoder, Gaussian)
    assert isinstance(model.decoder, Deterministic)
    assert model.decoder.scale == 0.3
    model.run_eagerly = True
    model.fit(X, verbose=0)
    mapper = Deterministic(encoder(2), (2,))
    assert presets.ae(x=(6, 6, 1), latent=2, encoder=mapper).encoder is mapper


def test_a_critic_of_ones_own_is_trained():
    critic = encoder(1)
    model = presets.gan(x=(6, 6, 1), latent=2, decoder=decoder(), critic=critic)
    assert critic.trainable_variables == model.critic_variables
    for name in ("aae", "infogan", "pix2pix"):
        assert "critic" in PRESETS[name].arguments


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: presets.vae(x=(6, 6, 1), encoder=7),
            "encoder should be a mapper, or a Keras network to wrap",
        ),
        (
            lambda: presets.gan(x=(6, 6, 1), critic="mlp"),
            "critic should be a Keras network with one output",
        ),
        (
            lambda: presets.flow(x=(3,), z=(2,), encoder=encoder()),
            r"encoder should be a mapper, such as mizoo.mappers.Deterministic\(network, shape\)",
        ),
        (
            lambda: presets.turbosim(x=(3,), z=(2,), depth=2),
            "depth is of convolutional networks, and flows have couplings",
        ),
        (
            lambda: presets.gan(x=(4,), critic=layers.Dense(1), spectral=True),
            "spectral=True needs a critic",
        ),
    ],
)
def test_what_is_no_network_is_refused_with_what_was_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.ci
@pytest.mark.parametrize("name", sorted(name for name in PRESETS if "units" in PRESETS[name].arguments))
def test_units_reach_every_network(name):
    """More units or layers make every network with hidden layers larger, that of the critic included."""
    if name in ("flow", "gandalf"):
        pytest.skip("no network of it is chosen from shapes")

    def sizes(units, depth=1):
        """Numbers of weights of encoder, decoder and critics."""
        spaces = {"x": (6, 6, 1), **({"z": (6, 6, 1)} if "z" in PRESETS[name].arguments else {})}
        model = PRESETS[name].factory(**spaces, units=units, depth=depth)
        mappers = [0 if m is None else m.count_params() for m in model.mappers.values()]
        return [*mappers, sum(np.prod(weight.shape) for weight in model.critic_variables)]

    small = sizes(8)
    for before, wider, deeper in zip(small, sizes(16), sizes(8, 2), strict=True):
        assert wider > 1.5 * before or not before
        assert deeper > before or not before


def test_no_convolution_is_as_large_as_the_image_but_the_last():
    """Those took most of the time of a step."""
    critic, generator = to_vector((28, 28, 1), 1), to_image((28, 28, 1))
    critic(np.zeros((1, 28, 28, 1)))
    generator(np.zeros((1, 8)))
    assert max(layer.output.shape[1] for layer in critic.layers if isinstance(layer, layers.Conv2D)) == 14
    widths = [layer.filters for layer in generator.layers if isinstance(layer, layers.Conv2DTranspose)]
    assert widths == [64, 32, 16]
    assert len(all_layers(generator)) < 12
