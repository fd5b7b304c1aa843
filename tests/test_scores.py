"""Densities of events, exact and bounded, and codes of auto-encoders."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from mizoo import Turbo, load, presets
from mizoo.mappers import Deterministic, Flow, Gaussian
from mizoo.objectives import Likelihood, Rate
from mizoo.representations import Identity, Latent, Pixels, Standardise

tfd = tfp.distributions
X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")


def linear_gaussian(scale=0.5, representation=None):
    """p(x|z) = N(W z, scale²) and a Gaussian encoder: log p(x) and the posterior are known."""
    decoder = keras.layers.Dense(3, use_bias=False)
    encoder = keras.layers.Dense(4)
    model = Turbo(
        Gaussian(encoder, (2,)), Deterministic(decoder, (3,), scale=scale),
        [Likelihood("x_hat"), Rate()], representation or Identity((3,)), Latent(2), name="linear",
    )  # fmt: skip
    model.compile()
    weights = decoder.kernel.numpy()
    precision = np.eye(2) + weights @ weights.T / scale**2
    covariance = np.linalg.inv(precision)
    # The diagonal of the posterior's covariance: a good, but not an exact, encoder.
    encoder.kernel.assign(np.concatenate([weights.T @ covariance / scale**2, np.zeros((3, 2))], 1))
    encoder.bias.assign(np.concatenate([np.zeros(2), np.log(np.diag(covariance)) / 2]))
    exact = tfd.MultivariateNormalFullCovariance(
        np.zeros(3), weights.T.astype("float64") @ weights + scale**2 * np.eye(3)
    )
    return model, exact.log_prob(X.astype("float64")).numpy()


@pytest.mark.ci
def test_importance_weights_close_the_gap_to_the_density():
    model, exact = linear_gaussian()
    bound = model.elbo(X, samples=2000, seed=1).numpy()
    many = model.log_prob(X, samples=20_000, seed=1).numpy()
    np.testing.assert_allclose(many, exact, atol=0.05)
    assert (bound <= exact + 0.05).all()
    assert bound.mean() < exact.mean() - 0.02
    few = np.mean([model.log_prob(X, samples=2, seed=seed) for seed in range(300)], 0)
    assert bound.mean() < few.mean() < exact.mean()


@pytest.mark.ci
def test_the_bound_is_minus_the_loss():
    model, _ = linear_gaussian()
    logs = model.evaluate(X, verbose=0, return_dict=True)
    bound = np.mean([model.elbo(X, seed=seed) for seed in range(200)])
    assert bound == pytest.approx(-logs["L_x_hat"] - logs["R_z_tilde"], abs=0.6)
    np.testing.assert_array_equal(model.elbo(X, seed=3), model.elbo(X, seed=3))


def test_a_flow_has_the_density_of_its_draws():
    """The mean of exp(-log p) over draws in a region is its volume."""
    model = presets.flow(x=(2,), units=8, couplings=4)
    model.adapt({"x": np.random.default_rng(1).normal(3.0, [2.0, 0.1], (100, 2))})
    bijection = model.decoder.flow
    for coupling in bijection.chain:
        coupling.knots.kernel.assign(np.random.default_rng(2).normal(0, 0.3, coupling.knots.kernel.shape))
    draws = model.sample(20_000, seed=1).numpy()
    density = np.exp(model.log_prob(draws).numpy())
    low, high = np.quantile(draws, 0.35, 0), np.quantile(draws, 0.65, 0)
    inside = ((draws > low) & (draws < high)).all(1)
    assert (inside / density).mean() == pytest.approx(np.prod(high - low), rel=0.1)


@pytest.mark.parametrize("representation", [Identity((2, 2, 1)), Standardise((2, 2, 1)), Pixels((2, 2, 1))])
def test_log_determinants_are_those_of_the_map(representation):
    data = np.random.default_rng(0).random((20, 2, 2, 1)).astype("float32") * 5.0
    if not representation.is_adapted:
        representation.adapt(data)
    events = tf.constant(data[:3])
    with tf.GradientTape() as tape:
        tape.watch(events)
        coordinates = representation(events)
    jacobian = tf.reshape(tape.batch_jacobian(coordinates, events), (3, 4, 4))
    expected = np.linalg.slogdet(jacobian.numpy())[1]
    np.testing.assert_allclose(representation.log_det(events), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.ci
def test_the_density_given_z_is_that_of_the_decoder():
    model = presets.flow(x=(3,), z=(2,), units=8, couplings=2)
    z = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")
    model.adapt({"x": X, "z": z})
    given = model.decoder_average.distribution(model.z_representation(z))
    inner = given.log_prob(model.x_representation(X)).numpy()
    expected = inner - np.log(X.astype("float64").std(0)).sum()
    np.testing.assert_allclose(model.log_prob(X, z), expected, rtol=1e-4, atol=1e-4)


def gan():
    return presets.gan(x=(3,), latent=2, units=4)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("make", "ask", "message"),
    [
        (
            lambda: linear_gaussian()[0],
            lambda m: m.log_prob(X),
            "linear has no log_prob: its decoder is no",
        ),
        (lambda: linear_gaussian()[0], lambda m: m.log_prob(X, samples=0), "samples must be 1 or more"),
        (lambda: linear_gaussian()[0], lambda m: m.elbo(X[:, :2]), r"x must have shape \(n, 3\)"),
        (lambda: linear_gaussian()[0], lambda m: m.log_prob(X, X[:, :2], samples=2), "samples beside z"),
        (lambda: presets.ae(x=(3,), latent=2, units=4), lambda m: m.elbo(X), "encoder has no density"),
        (gan, lambda m: m.elbo(X), "gan has no elbo: it needs an encoder"),
        (gan, lambda m: m.interpolate(X, X), "gan has no interpolate: it needs an encoder"),
        (lambda: load("aae-ttbar").trainable(), lambda m: m.elbo(np.ones((2, 24))), "has no elbo: "),
        (
            lambda: presets.flow(x=(3,), z=(2,), units=4, couplings=2),
            lambda m: m.traverse(X),
            "flow has no traverse: it needs",
        ),
        (lambda: linear_gaussian()[0], lambda m: m.interpolate(X, X, 1), "steps must be 2 or more"),
        (lambda: linear_gaussian()[0], lambda m: m.interpolate(X, X[:2]), "as many events, got 6 and 2"),
        (lambda: linear_gaussian()[0], lambda m: m.traverse(X, components=[2]), "0 to 1, got 2"),
    ],
)
def test_what_a_model_has_not_is_said_with_the_reason(make, ask, message):
    with pytest.raises(ValueError, match=message):
        ask(make())


# ------------------------------------------------------------------ codes


@pytest.mark.ci
@pytest.mark.parametrize("name", ["ae", "vae", "wae", "aae", "vaegan", "bibae"])
def test_latents_are_the_means_of_every_autoencoder(name):
    model = getattr(presets, name)(x=Identity((8, 8, 1)), latent=2, units=4)
    x = np.random.default_rng(0).random((3, 8, 8, 1)).astype("float32")
    found = model.latents({"x": x})["x"].numpy()
    np.testing.assert_array_equal(found, model.latents({"x": x})["x"])
    expected = model.encoder.network(x).numpy()[:, :2]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_latents_of_categories_are_the_most_probable_ones():
    model = presets.infogan(x=(3,), noise=1, uniform=1, categories=(4,), units=4)
    model.adapt({"x": X})
    codes, parameters = (
        model.latents({"x": X})["x"].numpy(),
        model.encoder.network(model.x_representation(X)),
    )
    np.testing.assert_array_equal(codes[:, 0], 0.0)
    np.testing.assert_allclose(codes[:, 1], parameters[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(codes[:, 2:].argmax(1), np.argmax(parameters[:, 2:], 1))


def test_paths_between_and_along_latents():
    model, _ = linear_gaussian()
    between = model.interpolate(X[:2], X[2:4], steps=5).numpy()
    assert between.shape == (2, 5, 3)
    codes = model.latents({"x": X})["x"]
    np.testing.assert_allclose(between[:, 0], model.decode(codes[:2]), rtol=1e-5)
    np.testing.assert_allclose(between[:, -1], model.decode(codes[2:4]), rtol=1e-5)
    np.testing.assert_allclose(between[:, 2], (between[:, 0] + between[:, 4]) / 2.0, atol=1e-5)
    along = model.traverse(X, values=[0.0, 7.0], components=[1]).numpy()
    assert along.shape == (6, 1, 2, 3)
    expected = model.decode(np.stack([codes[:, 0], np.full(6, 7.0)], 1))
    np.testing.assert_allclose(along[:, 0, 1], expected, rtol=1e-5)
    assert model.traverse(X).shape == (6, 2, 7, 3)


@pytest.mark.ci
def test_scores_are_exported(tmp_path):
    model, _ = linear_gaussian()
    model.export(tmp_path / "linear", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "linear"))
    np.testing.assert_allclose(saved.latents(X), model.latents({"x": X})["x"], rtol=1e-5)
    np.testing.assert_allclose(
        saved.elbo_seeded(X, tf.constant(3, tf.int64)), model.elbo(X, seed=3), rtol=1e-5
    )
    assert not hasattr(saved, "log_prob")
    flow = presets.flow(x=Identity((3,)), units=4, couplings=2)
    flow.export(tmp_path / "flow", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "flow"))
    np.testing.assert_allclose(saved.log_prob(X), flow.log_prob(X), rtol=1e-4)


def test_a_flow_of_x_given_nothing_has_codes_too():
    model = presets.flow(x=Identity((3,)), units=4, couplings=2)
    codes = model.latents({"x": X})["x"]
    np.testing.assert_allclose(model.decode(codes), X, rtol=1e-4, atol=1e-5)
    assert isinstance(model.decoder.flow, Flow)
