"""Models of the zoo against known results."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import eager
from sklearn.decomposition import PCA

from mizoo import presets
from mizoo.datasets import Samples, digits
from mizoo.mappers import Deterministic, Gaussian
from mizoo.representations import Identity


def linear_gaussian(n, seed, rng=None):
    """Draws of x = W z + b + noise, with two latent components."""
    mix = np.random.default_rng(7).normal(size=(2, 6))
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 2)) @ mix + 1.0 + 0.5 * rng.normal(size=(n, 6))).astype("float32")


@pytest.mark.ci
def test_vae_is_probabilistic_pca_where_all_is_linear():
    """Its bound reaches the marginal likelihood of PPCA at the optimum (arXiv 1911.02469, section 4)."""
    x, test = linear_gaussian(20_000, 0), linear_gaussian(20_000, 1)
    pca = PCA(2).fit(x)
    exact = pca.score(test)
    model = presets.vae(
        x=Identity((6,)),
        latent=2,
        encoder=Gaussian(keras.layers.Dense(4, kernel_initializer="zeros"), (2,)),
        decoder=Deterministic(keras.layers.Dense(6), (6,), scale=float(np.sqrt(pca.noise_variance_))),
        learning_rate=0.03,
    )
    model.schedule(0.03, 400)
    model.fit(Samples(x), batch_size=1000, epochs=20, verbose=0)
    logs = model.evaluate({"x": test}, batch_size=1000, verbose=0, return_dict=True)
    assert -logs["loss"] == pytest.approx(exact, rel=0.01)
    assert -logs["loss"] < exact + 0.02  # a bound, up to the noise of the draws


@pytest.fixture(scope="module")
def bent():
    """An unconditional flow of two components with weights far from the identity."""
    keras.utils.set_random_seed(0)
    model = presets.flow(x=Identity((2,)), units=16, couplings=2)
    rng = np.random.default_rng(0)
    for weight in model.decoder.trainable_variables:
        weight.assign(weight + 0.1 * rng.normal(size=weight.shape))
    return model


def test_flow_at_the_start_is_the_normal_law():
    model = presets.flow(x=Identity((3,)), units=8, couplings=3)
    x = np.random.default_rng(0).normal(size=(1000, 3)).astype("float32")
    exact = -0.5 * (x**2 + np.log(2 * np.pi)).sum(1)
    np.testing.assert_allclose(model.decoder.density(x), exact, atol=1e-4)


@pytest.mark.slow
def test_flow_changes_variables_by_its_jacobian(bent):
    z = tf.random.normal((300, 2), seed=1)
    with tf.GradientTape() as tape:
        tape.watch(z)
        x = bent.decode(z)
    jacobian = tape.batch_jacobian(x, z)
    determinant = np.log(np.abs(np.linalg.det(jacobian.numpy().astype("float64"))))
    exact = -0.5 * (z.numpy() ** 2 + np.log(2 * np.pi)).sum(1) - determinant
    np.testing.assert_allclose(bent.decoder.density(x), exact, atol=1e-4, rtol=1e-4)
    assert determinant.std() > 0.2


@pytest.mark.ci
def test_flow_jacobian_by_finite_differences(bent):
    z = np.random.default_rng(2).normal(size=(200, 2)).astype("float32")
    h = 1e-3
    steps = h * np.eye(2, dtype="float32")
    columns = [(bent.decode(z + step) - bent.decode(z - step)).numpy() / (2 * h) for step in steps]
    determinant = np.log(np.abs(np.linalg.det(np.stack(columns, -1))))
    exact = -0.5 * (z**2 + np.log(2 * np.pi)).sum(1) - determinant
    gap = np.abs(bent.decoder.density(bent.decode(z)) - exact)
    assert np.median(gap) < 2e-3  # single precision over a difference of 2e-3


@pytest.mark.ci
def test_flow_inverts_itself(bent):
    z = np.random.default_rng(1).normal(size=(1000, 2)).astype("float32")
    np.testing.assert_allclose(bent.encode(bent.decode(z)), z, atol=1e-4)
    x = bent.decode(z).numpy()
    np.testing.assert_allclose(bent.reconstruct(x), x, atol=1e-4)
    np.testing.assert_allclose(bent.reconstruct(z=z), z, atol=1e-4)
    for given in ({}, {"x": x, "z": z}):
        with pytest.raises(ValueError, match="either x or z"):
            bent.reconstruct(**given)


@pytest.mark.ci
def test_flow_density_integrates_to_one(bent):
    axis = np.linspace(-7.0, 7.0, 701, dtype="float32")
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    density = np.concatenate([np.exp(bent.decoder.density(part)) for part in np.array_split(grid, 20)])
    assert density.sum(dtype="float64") * (axis[1] - axis[0]) ** 2 == pytest.approx(1.0, abs=1e-3)


@pytest.mark.slow
def test_flow_learns_a_known_density():
    """The likelihood of two correlated normal components reaches minus their entropy."""
    rng = np.random.default_rng(0)
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    x, test = rng.multivariate_normal([0, 0], covariance, size=(2, 20_000)).astype("float32")
    model = presets.flow(x=Identity((2,)), units=16, couplings=2, learning_rate=5e-3)
    model.schedule(5e-3, 400)
    model.fit(Samples(x), batch_size=500, epochs=10, verbose=0)
    exact = -0.5 * np.einsum("ni,ij,nj->n", test, np.linalg.inv(covariance), test).mean()
    exact -= 0.5 * np.log((2 * np.pi) ** 2 * np.linalg.det(covariance))
    assert float(tf.reduce_mean(model.decoder.density(test))) == pytest.approx(exact, abs=0.02)


def known_map(z):
    """A rotation, a stretch and a bend."""
    turned = z @ np.array([[0.9, 0.4], [-0.4, 0.9]])
    return (turned + np.array([0.0, 0.3]) * np.sin(turned[:, ::-1])).astype("float32")


def lopsided(n, seed):
    """Two components with no symmetry between them nor in themselves."""
    rng = np.random.default_rng(seed)
    z = np.stack([rng.gamma(2.0, 1.0, n), rng.exponential(1.5, n) + rng.uniform(0, 2, n)], 1)
    return z.astype("float32")


def error(made, true):
    """Root mean squared error in units of the data's standard deviations."""
    return np.sqrt(np.mean(((made - true) / true.std(0)) ** 2))


@pytest.mark.ci
def test_pix2pix_recovers_a_map_from_pairs():
    z, test = lopsided(5000, 0), lopsided(1000, 1)
    model = presets.pix2pix(x=(2,), z=(2,))
    model.fit(Samples(known_map(z), z), batch_size=100, epochs=10, verbose=0)
    assert error(model.decode(test).numpy(), known_map(test)) < 0.05


@pytest.mark.slow
def test_cyclegan_recovers_a_map_without_pairs():
    z, other, test = lopsided(5000, 0), lopsided(5000, 2), lopsided(1000, 1)
    data = Samples(known_map(other), z, paired=False)
    model = presets.cyclegan(x=(2,), z=(2,), learning_rate=1e-3)
    model.schedule(1e-3, 1500)
    model.fit(data, batch_size=100, epochs=30, verbose=0)
    made = error(model.decode(test).numpy(), known_map(test))
    assert made < 0.25
    assert error(model.encode(known_map(test)).numpy(), test) < 0.25
    chance = error(known_map(lopsided(1000, 3)), known_map(test))
    assert made < chance / 4


@pytest.mark.slow
def test_pix2pix_recovers_a_map_of_images():
    split = digits()
    model = presets.pix2pix(x=(8, 8, 1), z=(8, 8, 1))
    model.fit(Samples(1.0 - split.train.x, split.train.x), batch_size=50, epochs=8, verbose=0)
    made = model.decode(split.test.x).numpy()
    assert np.abs(made - (1.0 - split.test.x)).mean() < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("off", "other", "arguments"),
    [
        (["D_z_tilde", "D_x_hat"], "vae", {}),
        (["R_z_tilde", "D_x_hat"], "aae", {"stochastic": True}),
        (["R_z_tilde", "D_x_hat", "D_z_tilde"], "ae", {"stochastic": True}),
    ],
)
@pytest.mark.parametrize("shape", [(3,), (6, 6, 1)])
def test_bibae_without_some_terms_is_another_preset(off, other, arguments, shape):
    """Term by term and step by step, to float precision, from the same seed."""
    x = np.random.default_rng(0).normal(size=(64, *shape)).astype("float32")

    def history(name, **options):
        keras.utils.set_random_seed(3)
        model = presets.PRESETS[name].factory(x=shape, latent=2, **options)
        with eager():
            return model.fit({"x": x}, batch_size=16, epochs=2, shuffle=False, verbose=0).history, model

    one, bibae = history("bibae", weights=dict.fromkeys(off, 0.0), learning_rate=1e-3)
    two, model = history(other, **arguments, learning_rate=1e-3)
    assert {o.term for o in bibae.active} == {o.term for o in model.active}
    assert one.keys() == two.keys()
    for term in one:
        np.testing.assert_allclose(one[term], two[term], rtol=1e-5, err_msg=term)
