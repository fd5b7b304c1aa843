"""Warm starts need parts that are the same functions of their weights."""

import numpy as np
import pytest

from mizoo import Turbo
from mizoo.mappers import Diffusion, NoiseInjected
from mizoo.networks import attention, mlp, modulated
from mizoo.objectives import Adversarial, Divergence
from mizoo.presets import PRESETS
from mizoo.representations import Identity, Latent, Standardise
from mizoo.training.warm_start import take_weights


def model(encoder=None, critic=None, x=None, **gan_loss):
    return Turbo(
        encoder or NoiseInjected(mlp([4], 2), (2,)), None,
        [Divergence("z_tilde", Adversarial(critic or mlp([4], 1), **gan_loss))],
        x or Identity((3,)), Latent(2),
    )  # fmt: skip


def diffusion(units=8, **options):
    return Diffusion(modulated(2, 3, 2, units, 1), (2,), **options)


def noisy(network, **options):
    return {"encoder": NoiseInjected(network, (2,), **options)}


def attentive(**options):
    return {**noisy(attention(1, 3, 2, 8, 1, 2, **options)), "x": Identity((1, 3))}


@pytest.mark.ci
@pytest.mark.parametrize(
    ("mine", "theirs", "message"),
    [
        ({}, noisy(mlp([4], 2, "tanh")), "encoder.*network.layers.1.activation is 'tanh', not 'relu'"),
        ({}, noisy(mlp([4], 2), stddev=0.2), "encoder.*stddev is 0.2, not 0.05"),
        ({}, noisy(mlp([5], 2)), "encoder"),
        ({}, {"encoder": diffusion()}, "encoder"),
        ({}, {"critic": mlp([4], 1, "tanh")}, "D_z_tilde.*activation is 'tanh'"),
        ({"x": Standardise((3,))}, {"x": Standardise((3,), scalar=True)}, "x_representation.*scalar"),
        ({"x": Standardise((3,))}, {}, "x_representation"),
    ],
)
def test_other_functions_of_the_same_weights_are_refused(mine, theirs, message):
    first, second = model(**theirs), model(**mine)

    with pytest.raises(ValueError, match=message):
        take_weights(second, first)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({}, {"gan_loss": "hinge", "r1": 1.0}),
        ({"encoder": diffusion(evaluations=2)}, {"encoder": diffusion(sampler="adams", evaluations=5)}),
        (attentive(dropout=0.5, name="a"), attentive(dropout=0.1, name="b")),
    ],
)
def test_settings_of_training_and_sampling_are_free(mine, theirs):
    first, second = model(**theirs), model(**mine)
    take_weights(second, first)
    for one, other in zip(first.encoder.get_weights(), second.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.ci
@pytest.mark.parametrize("name", ["vae", "pix2pix", "infogan", "swae"])
def test_a_preset_starts_from_itself(name):
    """Names of layers, which depend on the session, do not matter."""
    first, second = PRESETS[name].factory(), PRESETS[name].factory()
    take_weights(second, first)


def test_a_part_that_is_missing_is_told():
    first, second = PRESETS["pix2pix"].factory(), PRESETS["cyclegan"].factory()
    with pytest.raises(
        ValueError, match="the encoder of the model to start from is another one: it has none"
    ):
        take_weights(second, first)
