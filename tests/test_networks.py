import itertools

import keras
import numpy as np
import pytest

from mizoo import presets
from mizoo.compat import all_layers
from mizoo.datasets import Samples
from mizoo.networks import UNet, is_grid, is_image, linear_and_mlp, network
from mizoo.networks.attention import SelfAttention

SHAPES = [(3,), (2, 4), (8, 8, 1), (7, 5, 3), (1, 6, 2), (2, 2, 1), (5, 3, 9, 2)]


@pytest.mark.ci
@pytest.mark.parametrize(("source", "target"), itertools.product(SHAPES, SHAPES))
def test_there_is_a_network_between_any_shapes_but_to_smaller_images(source, target):
    images = is_image(source) and is_image(target)
    if is_grid(source) and is_grid(target) and not images and source != target:
        with pytest.raises(ValueError, match="volumes must be of one size"):
            network(source, target, 8)
        return
    if images and (source[0] > target[0] or source[1] > target[1]):
        with pytest.raises(ValueError, match="smaller"):
            network(source, target, 8)
        return
    made = network(source, target, 8)
    assert made(np.zeros((2, *source), "float32")).shape == (2, *target)


def test_kind_is_chosen_from_the_shapes():
    def kinds(source, target):
        made = network(source, target, 8)
        made(np.zeros((1, *source), "float32"))
        return {type(layer).__name__ for layer in all_layers(made)}

    assert {type(layer).__name__ for layer in network((3,), (2,), 8).layers} == {"Dense"}
    assert {"Conv2D", "Dense", "Flatten"} <= kinds((8, 8, 1), (2,))
    assert {"Conv2D", "Dense", "Conv2DTranspose"} <= kinds((2,), (8, 8, 1))
    assert "Concatenate" in kinds((8, 8, 1), (8, 8, 2))  # a U-Net skips
    assert "Add" in kinds((8, 8, 1), (16, 16, 1))
    assert {"Conv3D", "Dense", "Flatten"} <= kinds((5, 6, 9, 1), (2,))
    assert {"Conv3D", "Dense", "Conv3DTranspose"} <= kinds((2,), (5, 6, 9, 1))
    volumes = kinds((5, 6, 9, 1), (5, 6, 9, 2))
    assert {"Conv3D", "Conv3DTranspose", "Concatenate"} <= volumes
    assert "Conv2D" not in volumes


def test_a_u_net_of_a_file_that_does_not_say_it_is_light_has_the_former_layers():
    """Otherwise the weights of files of version 0.1.0 would not fit."""

    def shapes(made):
        made(np.zeros((1, 8, 8, 1), "float32"))
        return [weight.shape for weight in made.weights if len(weight.shape) == 4]

    config = UNet(1, filters=2).get_config()
    del config["light"]
    former = [(3, 3, 1, 2), (3, 3, 2, 4), (3, 3, 4, 4), (3, 3, 6, 2), (3, 3, 2, 1)]
    assert shapes(UNet.from_config(config)) == former
    light = network((8, 8, 1), (8, 8, 1), 8)
    assert shapes(type(light).from_config(light.get_config())) == shapes(light) != former


def test_last_activation_bounds_the_output():
    for source in ((3,), (8, 8, 1), (4, 4, 1)):
        made = network(source, (8, 8, 1), 8, last="tanh")
        assert np.abs(made(100.0 * np.ones((1, *source), "float32"))).max() <= 1.0


def test_self_attention_is_that_of_keras():
    tokens = np.random.default_rng(0).normal(size=(5, 6, 8)).astype("float32")
    own, theirs = SelfAttention(2), keras.layers.MultiHeadAttention(2, 4)
    own(tokens), theirs(tokens, tokens)
    parts = theirs.get_weights()  # kernel and bias of queries, keys, values, output
    kernels, biases = (np.concatenate([p.reshape(-1, 8) for p in parts[i:6:2]], -1) for i in (0, 1))
    own.set_weights([kernels, biases[0], parts[6].reshape(8, 8), parts[7]])
    np.testing.assert_allclose(own(tokens), theirs(tokens, tokens), atol=1e-5)


def test_a_linear_map_is_all_there_is_at_first():
    first, second = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    model = linear_and_mlp(3, [8], 4)
    np.testing.assert_allclose(model(first + second), model(first) + model(second), atol=1e-5)


def mostly_black():
    """Images (40, 8, 8, 1) of one short line."""
    x = np.zeros((40, 8, 8, 1), "float32")
    x[np.arange(40), 1 + np.arange(40) % 6, 2:5] = 1.0
    return x


@pytest.mark.ci
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("name", ["ae", "vae", "lsgan"])
def test_images_that_are_mostly_black_do_not_stay_black(name):
    """Of an output bounded by tanh they do, as first steps push it to where its gradient is zero."""
    x = mostly_black()
    keras.utils.set_random_seed(0)
    model = presets.PRESETS[name].factory(x=(8, 8, 1), latent=4, units=16, learning_rate=0.01)
    model.fit(Samples(x), batch_size=20, epochs=60, verbose=0)
    drawn = model.reconstruct(x, seed=1) if name == "ae" else model.sample(len(x), seed=1)
    assert np.max(drawn) > 0.5
    assert abs(np.mean(drawn) - x.mean()) < 0.02


@pytest.mark.ci
@pytest.mark.usefixtures("compiled")
def test_translated_images_that_are_mostly_black_do_not_stay_black():
    x = mostly_black()
    model = presets.pix2pix(
        x=(8, 8, 1), z=(8, 8, 1), units=16, weights={"D_x_tilde": 0.0}, learning_rate=0.01
    )
    model.fit(Samples(x, 1.0 - x), batch_size=20, epochs=30, verbose=0)
    drawn = model.decode(1.0 - x).numpy()
    assert drawn[x == 1.0].mean() > 0.5 > 0.2 > drawn[x == 0.0].mean()
