import keras
import numpy as np
import pytest
import tensorflow as tf

from mizoo import Turbo, presets
from mizoo.mappers import Deterministic, Diffusion, Gaussian
from mizoo.model.information import entropy
from mizoo.networks import mlp, modulated
from mizoo.objectives import Adversarial, Divergence, Likelihood, Rate
from mizoo.representations import Identity, Latent

NORMAL = 0.5 * np.log(2.0 * np.pi * np.e)


@pytest.mark.ci
@pytest.mark.parametrize("d", [2, 8, 24])
def test_entropy_of_correlated_normals(d):
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(d, d))
    sample = rng.normal(size=(5000, d)) @ mix
    exact = d * NORMAL + np.linalg.slogdet(mix)[1]
    assert entropy(sample) == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize(
    ("draw", "exact"),
    [
        (lambda rng: rng.uniform(0, 4, (5000, 3)), 3 * np.log(4)),
        (lambda rng: rng.exponential(1.0, (5000, 2)), 2.0),
        (lambda rng: rng.laplace(0.0, 1.0, (5000, 4)), 4 * (1 + np.log(2))),
    ],
)
def test_entropy_of_other_laws(draw, exact):
    assert entropy(draw(np.random.default_rng(0))) == pytest.approx(exact, abs=0.15)


def test_entropy_refuses_what_has_none():
    with pytest.raises(ValueError, match="linearly dependent"):
        entropy(np.ones((100, 2)) * np.arange(100)[:, None])
    with pytest.raises(ValueError, match="not continuous"):
        entropy(np.random.default_rng(0).integers(0, 3, (100, 2)))
    with pytest.raises(ValueError, match="more than 5 events, got 3"):
        entropy(np.eye(3))


def exact_channel(d, rho):
    """Mappers with the conditional distributions of pairs with correlation rho in each component."""

    def mapper():
        network = keras.Sequential([keras.layers.Dense(2 * d)])
        network.build((None, d))
        kernel = np.concatenate([rho * np.eye(d), np.zeros((d, d))], 1)
        network.set_weights([kernel, np.concatenate([np.zeros(d), np.full(d, np.log(1 - rho**2) / 2)])])
        return Gaussian(network, (d,))

    terms = [Likelihood("z_tilde"), Likelihood("x_tilde")]
    return Turbo(mapper(), mapper(), terms, Identity((d,)), Identity((d,)))


def pairs(d, rho, n=10_000):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, d))
    x = rho * z + np.sqrt(1.0 - rho**2) * rng.normal(size=(n, d))
    return {"x": x.astype("float32"), "z": z.astype("float32")}


@pytest.mark.parametrize("d", [2, 8, pytest.param(24, marks=pytest.mark.slow)])
def test_bound_is_tight_where_the_mapper_is_exact(d):
    rho = 0.8
    exact = -d / 2 * np.log(1.0 - rho**2)
    model = exact_channel(d, rho)
    known = model.information(pairs(d, rho), entropies={"x": d * NORMAL, "z": d * NORMAL})
    assert list(known.index) == ["L_z_tilde", "L_x_tilde"]
    assert list(known.quantity) == ["I(x; z) ≥", "I(z; x) ≥"]
    np.testing.assert_allclose(known.nats, exact, atol=0.015 * d)
    estimated = model.information(pairs(d, rho))
    np.testing.assert_allclose(estimated.nats, exact, atol=0.1 + 0.01 * d)


def test_bound_is_loose_by_the_divergence_of_the_mapper():
    """With a mapper of the wrong correlation, the gap is E KL(true conditional ‖ mapper's)."""
    true, wrong, d = 0.8, 0.5, 4
    data = pairs(d, true, 50_000)
    bound = exact_channel(d, wrong).information(data, entropies={"x": d * NORMAL, "z": d * NORMAL}).nats
    s, t = 1 - true**2, 1 - wrong**2
    gap = d * (0.5 * np.log(t / s) + (s + (true - wrong) ** 2) / (2 * t) - 0.5)
    np.testing.assert_allclose(bound, -d / 2 * np.log(s) - gap, atol=0.05)


def test_rate_critic_and_prior():
    model = Turbo(
        Gaussian(mlp([], 4), (2,)),
        Deterministic(mlp([], 3), (3,)),
        [Likelihood("x_hat"), Likelihood("z_hat"), Rate(), Divergence("z_tilde", Adversarial(mlp([], 1)))],
        Identity((3,)),
        Latent(2),
    )
    x = np.random.default_rng(0).normal(size=(500, 3)).astype("float32")
    table = model.information({"x": x}, batch_size=200)
    assert list(table.quantity) == ["I(z_tilde; x) ≥", "I(x_tilde; z) ≥", "I(x; z_tilde) ≤"]
    assert table.entropy["L_z_hat"] == pytest.approx(2 * NORMAL)  # known from the prior
    mean, deviation = tf.split(model.encoder.network(x), 2, -1)
    rate = 0.5 * (np.exp(2 * deviation) + mean**2 - 1.0) - deviation
    assert table.nats["R_z_tilde"] == pytest.approx(float(np.sum(rate, 1).mean()), rel=1e-4)


def test_terms_without_nats_or_data_are_left_out():
    model = presets.infogan(x=(3,))
    table = model.information({"x": np.zeros((10, 3), "float32")})
    assert list(table.index) == ["D_x_tilde", "L_z_hat"]
    paired = exact_channel(2, 0.5)
    assert paired.information({"x": np.zeros((10, 2), "float32")}).empty


def test_denoising_losses_are_no_bounds():
    mapper = Diffusion(modulated(2, 2, 2, 8, 1), (2,))
    model = Turbo(mapper, None, [Likelihood("z_tilde")], Identity((2,)), Identity((2,)))
    assert model.information(pairs(2, 0.5, 20)).empty
