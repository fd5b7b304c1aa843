import math

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import mizoo
from mizoo.mappers import (
    Bijection,
    CodePosterior,
    Deterministic,
    Diffusion,
    Flow,
    Gaussian,
    NoiseInjected,
    PostProcessed,
    RotationEquivariant,
    StochasticResidual,
)
from mizoo.networks import attention, mlp
from mizoo.representations import Latent, ObjectCoordinates, PartonCoordinates


def shaken(flow, condition_shape, scale=0.15):
    """The flow with weights far from those of the identity."""
    flow.build((None, *condition_shape))
    rng = np.random.default_rng(0)
    flow.set_weights([w + scale * rng.normal(size=w.shape) for w in flow.get_weights()])
    return flow


@pytest.fixture
def flow():
    return shaken(Flow((4,), angles=(1,), couplings=3, units=8, bins=4), (2,))


def test_flow_is_the_base_law_before_training():
    flow = Flow((3,), couplings=2, units=8)
    flow.build((None, 2))
    condition = tf.random.normal((5, 2))
    values = tf.random.normal((5, 3))
    expected = scipy.stats.norm.logpdf(values.numpy()).sum(1)
    np.testing.assert_allclose(flow.distribution(condition).log_prob(values), expected, rtol=1e-5)


@pytest.mark.ci
def test_flow_change_of_variables_agrees_with_a_numerical_jacobian(flow):
    condition = tf.random.normal((1, 2))
    noise = tf.random.normal((1, 4))

    def push(noise):
        return flow.distribution(condition, noise=noise).sample()

    with tf.GradientTape() as tape:
        tape.watch(noise)
        values = push(noise)
    jacobian = tape.jacobian(values, noise)[0, :, 0].numpy().astype("float64")
    assert np.abs(jacobian - np.eye(4)).max() > 0.1
    expected = scipy.stats.norm.logpdf(noise).sum() - np.linalg.slogdet(jacobian)[1]
    assert flow.distribution(condition).log_prob(values).numpy()[0] == pytest.approx(expected, abs=1e-4)


def test_flow_inverts(flow):
    condition, noise = tf.random.normal((200, 2)), tf.random.normal((200, 4))
    given = flow.distribution(condition, noise=noise)
    values = given.sample()
    back = values / flow.unit
    for coupling in reversed(flow.chain):
        back, _ = coupling(back, flow.context(condition), inverse=True)
    np.testing.assert_allclose(back, flow.base(noise), atol=1e-4)


def test_flow_density_integrates_to_one_and_angles_have_no_seam():
    flow = shaken(Flow((2,), angles=(1,), couplings=3, units=8, bins=4), (1,))
    lines = np.linspace(-8, 8, 400)
    angles = np.linspace(-np.pi, np.pi, 201)[:-1]
    grid = np.stack(np.meshgrid(lines, angles, indexing="ij"), -1).reshape(-1, 2).astype("float32")
    density = np.exp(flow.distribution(tf.ones((len(grid), 1))).log_prob(grid).numpy())
    cell = (lines[1] - lines[0]) * (angles[1] - angles[0])
    assert density.sum() * cell == pytest.approx(1.0, abs=0.01)
    edge = tf.constant([[0.3, -math.pi + 1e-5], [0.3, math.pi - 1e-5]])
    left, right = flow.distribution(tf.ones((2, 1))).log_prob(edge).numpy()
    assert left == pytest.approx(right, abs=1e-2)


@pytest.mark.ci
def test_flow_in_training_is_the_same_function(flow):
    condition, values = tf.random.normal((6, 2)), tf.random.normal((6, 4))
    plain = flow.distribution(condition).log_prob(values)
    np.testing.assert_allclose(
        flow.distribution(condition, training=True).log_prob(values), plain, atol=1e-4
    )


def coordinates(ttbar):
    """Coordinates of tt̄ events, of detector objects and of partons."""
    x, z = ObjectCoordinates(mizoo.processes.ttbar), PartonCoordinates(mizoo.processes.ttbar)
    x.adapt(ttbar.train.x)
    z.adapt(ttbar.train.z)
    return x, z


@pytest.mark.ci
def test_turned_mapper_commutes_with_rotations(ttbar):
    x, z = coordinates(ttbar)
    decoder = RotationEquivariant(
        shaken(Flow(x.shape, x.angles, couplings=2, units=8), z.shape), z, x.angles
    )
    decoder.build((None, *z.shape))
    partons = z(ttbar.validation.z[:50]).numpy()
    noise = tf.random.normal((50, 18))
    turn = np.zeros((1, 16), "float32")
    turn[:, z.angles] = 1.3
    first = x.inverse(decoder(partons, noise=noise)).numpy().reshape(-1, 6, 4)
    second = x.inverse(decoder(partons + turn, noise=noise)).numpy().reshape(-1, 6, 4)
    rotated = first[..., 0] * np.cos(1.3) - first[..., 1] * np.sin(1.3)
    scale = np.abs(first[..., 3]).max(-1, keepdims=True)
    np.testing.assert_allclose(second[..., 0] / scale, rotated / scale, atol=1e-3)
    np.testing.assert_allclose(
        second[..., 2:] / scale[..., None], first[..., 2:] / scale[..., None], atol=1e-3
    )


@pytest.mark.ci
def test_turned_likelihood_is_invariant(ttbar):
    x, z = coordinates(ttbar)
    encoder = RotationEquivariant(
        shaken(Flow(z.shape, z.angles, couplings=2, units=8), x.shape), x, z.angles
    )
    encoder.build((None, *x.shape))
    partons, objects = z(ttbar.validation.z[:50]).numpy(), x(ttbar.validation.x[:50]).numpy()
    before = encoder.distribution(objects).log_prob(partons)
    for line, angles in ((partons, z.angles), (objects, x.angles)):
        line[:, angles] = np.mod(line[:, angles] + 2.0 + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_allclose(
        encoder.distribution(objects).log_prob(partons), before, rtol=1e-3, atol=1e-2
    )


@pytest.mark.parametrize(
    ("likelihood", "reference"), [("normal", scipy.stats.norm), ("laplace", scipy.stats.laplace)]
)
def test_likelihood_is_that_of_its_distribution(likelihood, reference):
    mapper = Deterministic(mlp([3], 2), (2,), likelihood=likelihood, scale=0.5)
    mapper.build((None, 3))
    condition, target = tf.random.normal((4, 3)), tf.random.normal((4, 2))
    given = mapper.distribution(condition)
    expected = reference.logpdf(target, given.sample(), 0.5).sum(1)
    np.testing.assert_allclose(given.log_prob(target), expected, rtol=1e-5)


def test_noisy_disturbs_its_input():
    mapper = NoiseInjected(keras.layers.Identity(), (2,), stddev=0.05)
    mapper.build((None, 2))
    condition = tf.zeros((20_000, 2))
    assert np.std(mapper(condition)) == pytest.approx(0.05, rel=0.02)
    noise = tf.ones((3, 2))
    np.testing.assert_allclose(mapper(tf.zeros((3, 2)), noise=noise), 0.05)


def test_noisy_refuses_an_unknown_law():
    with pytest.raises(ValueError, match="'cauchy'"):
        NoiseInjected(mlp([], 1), (1,), likelihood="cauchy")


def fixed(kernel, bias):
    """A dense layer with given weights."""
    layer = keras.layers.Dense(len(bias))
    layer.build((None, len(kernel)))
    layer.set_weights([np.array(kernel, "float32"), np.array(bias, "float32")])
    return layer


def test_gaussian_is_the_law_its_network_says():
    mapper = Gaussian(fixed([[1.0, 2.0, 0.0, 0.0]], [0.0, 0.0, np.log(0.5), np.log(3.0)]), (2,))
    condition = tf.fill((50_000, 1), 2.0)
    given = mapper.distribution(condition)
    sample = given.sample().numpy()
    np.testing.assert_allclose(sample.mean(0), [2.0, 4.0], atol=0.06)
    np.testing.assert_allclose(sample.std(0), [0.5, 3.0], rtol=0.02)
    reference = scipy.stats.norm([2.0, 4.0], [0.5, 3.0])
    np.testing.assert_allclose(
        given.log_prob(sample), reference.logpdf(sample).sum(1), rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(mapper(condition[:1], noise=tf.ones((1, 2))), [[2.5, 7.0]], rtol=1e-6)


def test_gaussian_of_images():
    mapper = Gaussian(keras.layers.Conv2D(4, 3, padding="same"), (5, 4, 2))
    image = tf.random.normal((3, 5, 4, 1))
    given = mapper.distribution(image)
    assert given.sample().shape == (3, 5, 4, 2)
    assert given.log_prob(tf.zeros((3, 5, 4, 2))).shape == (3,)


def test_code_is_a_law_of_its_parts():
    latent = Latent(normal=2, uniform=1, categories=(3,))
    logits = np.log([0.2, 0.3, 0.5])
    mapper = CodePosterior(fixed(np.zeros((1, 5)), [0.4, np.log(0.1), *logits]), latent)
    given = mapper.distribution(tf.zeros((40_000, 1)))
    sample = given.sample().numpy()
    np.testing.assert_allclose(sample[:, :2].std(0), 1.0, rtol=0.03)
    assert sample[:, 2].mean() == pytest.approx(0.4, abs=0.01)
    assert sample[:, 2].std() == pytest.approx(0.1, rel=0.03)
    np.testing.assert_allclose(sample[:, 3:].mean(0), [0.2, 0.3, 0.5], atol=0.01)
    np.testing.assert_array_equal(sample[:, 3:].sum(1), 1.0)
    expected = scipy.stats.norm.logpdf(sample[:, :2]).sum(1)
    expected += scipy.stats.norm(0.4, 0.1).logpdf(sample[:, 2]) + sample[:, 3:] @ logits
    np.testing.assert_allclose(given.log_prob(sample), expected, rtol=1e-3, atol=1e-3)


def test_stochastic_residual_adds_to_its_condition():
    mapper = StochasticResidual(
        fixed([[0.0, 0.0], [0.0, 0.0], [1.0, 10.0]], [0.5, 0.0]),
        fixed([[1.0, 0.0], [0.0, 0.0]], [0.0, np.log(2.0)]),
        (2,), 1, scale=0.5,
    )  # fmt: skip
    condition = tf.constant([[3.0, 4.0]])
    # The noise has mean 3 and deviation 2.
    np.testing.assert_allclose(
        mapper(condition, noise=tf.ones((1, 1))), [[3.0 + 5.5, 4.0 + 50.0]], rtol=1e-6
    )
    assert mapper.noise_shape((2,)) == (1,)
    given = mapper.distribution(condition, noise=tf.ones((1, 1)))
    reference = scipy.stats.norm([8.5, 54.0], 0.5).logpdf([8.0, 54.0]).sum()
    assert float(given.log_prob(tf.constant([[8.0, 54.0]]))[0]) == pytest.approx(reference, rel=1e-4)


def test_refined_mapper_corrects_draws_and_keeps_the_likelihood():
    inner = Deterministic(fixed([[2.0]], [0.0]), (1,))
    mapper = PostProcessed(inner, fixed([[0.0]], [0.25]))
    condition = tf.constant([[3.0]])
    np.testing.assert_allclose(mapper(condition), [[6.25]])
    given, plain = mapper.distribution(condition), inner.distribution(condition)
    np.testing.assert_array_equal(given.log_prob(condition), plain.log_prob(condition))


def test_bijection_has_a_density_one_way_and_no_likelihood():
    flow = Flow((2,), units=8, couplings=2)
    there, back = Bijection(flow), Bijection(flow, inverse=True)
    z = tf.random.normal((10, 2))
    np.testing.assert_allclose(back(there(z)), z, atol=1e-5)
    assert there.density(z).shape == (10,)
    with pytest.raises(ValueError, match="not known"):
        back.density(z)
    with pytest.raises(ValueError, match="MaximumLikelihood"):
        there.distribution(z).log_prob(z)


def test_flow_finds_the_noise_of_angles_too():
    flow = Flow((2,), angles=(1,), units=8, couplings=2)
    noise = tf.random.normal((100, 2))
    given = flow.distribution(tf.zeros((100, 1)), noise=noise)
    np.testing.assert_allclose(given.noise_of(given.sample()), noise, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NoiseInjected(mlp([], 1), (1,), stddev=-0.1), "stddev"),
        (lambda: NoiseInjected(mlp([], 1), (1,), scale=0.0), "scale"),
        (lambda: Diffusion(mlp([], 3), (3,), angles=(3,)), "angles must be indices from 0 to 2"),
        (lambda: Diffusion(mlp([], 3), (3,), angles=(0, 0)), "twice"),
        (lambda: Diffusion(mlp([], 3), (3, 1)), "vectors"),
        (lambda: Diffusion(mlp([], 3), (3,), sampler="midpoint", evaluations=1), "2 evaluations a step"),
        (lambda: Diffusion(mlp([], 3), (3,), sampler="heun", evaluations=5), "2 evaluations a step"),
        (lambda: Diffusion(mlp([], 3), (3,), sampler="euler", evaluations=0), "not 0 in all"),
        (
            lambda: RotationEquivariant(NoiseInjected(mlp([], 2), (2,)), None, (2,)),
            "angles must be indices from 0 to 1",
        ),
        (lambda: attention(3, 4, 2, width=10, heads=4), "4 heads"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "mapper",
    [
        NoiseInjected(mlp([], 1), (3,)),
        Gaussian(mlp([], 2), (3,)),
        PostProcessed(NoiseInjected(mlp([], 3), (3,)), mlp([], 1)),
        Deterministic(keras.layers.Dense(3), (3, 3)),
    ],
)
def test_networks_of_another_shape_than_the_target_are_refused(mapper):
    """Their outputs would be broadcast."""
    mapper.build((None, 3))
    with pytest.raises(ValueError, match="but the target has shape"):
        mapper.distribution(tf.zeros((3, 3))).sample()


@pytest.mark.parametrize(
    ("mapper", "noise"),
    [
        (Flow((3,), couplings=2, units=8), (4, 1)),
        (NoiseInjected(mlp([], 3), (3,)), (4, 1)),
        (Deterministic(mlp([], 3), (3,)), (4, 3)),
        (Gaussian(mlp([], 6), (3,)), (4, 1)),
        (StochasticResidual(mlp([], 3), mlp([], 4), (3,), 2), (4, 1)),
        (Bijection(Flow((3,), couplings=2, units=8)), (4, 3)),
    ],
)
def test_noise_of_another_shape_is_refused(mapper, noise):
    """It would be broadcast, or ignored."""
    mapper.build((None, 3))
    with pytest.raises(ValueError, match="noise of"):
        mapper(tf.zeros((4, 3)), noise=tf.zeros(noise))


def test_residual_mappers_need_conditions_of_the_shape_of_the_target():
    with pytest.raises(ValueError, match=r"to \(3,\) adds to such conditions, not to \(1,\)"):
        StochasticResidual(mlp([], 3), mlp([], 4), (3,), 2).build((None, 1))
