"""Estimators of divergences against exact values for normal distributions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from scipy.integrate import quad
from scipy.special import gammaln

from mizoo.networks import mlp, spectrally_normalised
from mizoo.objectives import MMD, Adversarial, EnergyDistance, NormalKL, SlicedWasserstein

N = 4000


def samples(d, mean, deviation, n=N, seed=0):
    """Draws of N(0, 1) and of N(mean, deviation²) in d dimensions."""
    rng = np.random.default_rng(seed)
    real = rng.normal(size=(n, d))
    fake = mean + deviation * rng.normal(size=(n, d))
    return tf.constant(real, tf.float32), tf.constant(fake, tf.float32)


def kernel_mean(kernel, d, mean, variance, width):
    """E k(r) for r ~ N(mean, variance) in d dimensions."""

    def rbf(scale):
        spread = 1.0 + 2.0 * scale * variance
        return spread ** (-d / 2) * np.exp(-scale * d * mean**2 / spread)

    scale = 1.0 / (2.0 * width**2 * d)
    if kernel == "rbf":
        return rbf(scale)
    return quad(lambda u: np.exp(-u) * rbf(u * scale), 0.0, np.inf)[0]  # 1 / (1 + s) = ∫ exp(-u (1 + s)) du


@pytest.mark.ci
@pytest.mark.parametrize("kernel", ["rbf", "imq"])
@pytest.mark.parametrize(("d", "mean", "deviation"), [(1, 1.0, 1.0), (2, 0.0, 2.0), (8, 0.5, 1.2)])
def test_mmd(kernel, d, mean, deviation):
    widths = (0.5, 1.0, 2.0)
    exact = np.mean(
        [
            kernel_mean(kernel, d, 0.0, 2.0, w)
            + kernel_mean(kernel, d, 0.0, 2.0 * deviation**2, w)
            - 2.0 * kernel_mean(kernel, d, mean, 1.0 + deviation**2, w)
            for w in widths
        ]
    )
    loss = tf.function(MMD(kernel, widths).loss)
    values = [float(loss(*samples(d, mean, deviation, 1000, seed))) for seed in range(20)]
    assert abs(np.mean(values) - exact) < 3.5 * np.std(values) / np.sqrt(20) < 0.015
    assert exact > 0.02


def test_mmd_of_one_law_has_mean_zero():
    loss, values = tf.function(MMD("rbf").loss), []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        pair = [tf.constant(rng.normal(size=(100, 2)), tf.float32) for _ in range(2)]
        values.append(float(loss(*pair)))
    assert abs(np.mean(values)) < 3.0 * np.std(values) / np.sqrt(400)


@pytest.mark.parametrize(("d", "mean", "deviation"), [(1, 1.0, 1.0), (3, 0.0, 2.0), (8, 0.7, 0.5)])
def test_sliced_wasserstein(d, mean, deviation):
    """Distributions along θ are normal: W2² = (m·θ)² + (1 - s)², on average |m|²/d + (1 - s)²."""
    estimate = float(SlicedWasserstein(500).loss(*samples(d, mean, deviation)))
    assert estimate == pytest.approx(mean**2 + (1.0 - deviation) ** 2, rel=0.12)


def test_sliced_wasserstein_in_one_dimension_is_scipys():
    real, fake = samples(1, 0.5, 1.5, 500)
    estimate = float(SlicedWasserstein(3, power=1).loss(real, fake))
    exact = stats.wasserstein_distance(real.numpy()[:, 0], fake.numpy()[:, 0])
    assert estimate == pytest.approx(exact, rel=1e-4)


def mean_distance(d, deviation):
    """E|r| for r ~ N(0, deviation²) in d dimensions."""
    return deviation * np.sqrt(2.0) * np.exp(gammaln((d + 1) / 2) - gammaln(d / 2))


@pytest.mark.ci
@pytest.mark.parametrize("d", [1, 5])
def test_energy_distance(d):
    s = 2.0
    exact = 2.0 * mean_distance(d, np.hypot(1.0, s)) - mean_distance(d, np.sqrt(2.0)) * (1.0 + s)
    assert float(EnergyDistance().loss(*samples(d, 0.0, s))) == pytest.approx(exact, rel=0.1)


def test_energy_distance_is_scipys_in_one_dimension():
    real, fake = samples(1, 0.7, 1.0)
    exact = stats.energy_distance(real.numpy()[:, 0], fake.numpy()[:, 0]) ** 2
    assert float(EnergyDistance().loss(real, fake)) == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize(("d", "mean", "deviation"), [(1, 1.0, 1.0), (4, 0.5, 1.5)])
def test_closed_form_kl(d, mean, deviation):
    exact = d * (np.log(deviation) + (1.0 + mean**2) / (2.0 * deviation**2) - 0.5)
    estimate = float(NormalKL(ridge=0.0).loss(*samples(d, mean, deviation, 20_000)))
    assert estimate == pytest.approx(exact, rel=0.05)


def test_critic_measures_kl_in_nats():
    """The optimal critic of the non-saturating gan_loss is the log-ratio of densities: its mean is the
    KL.
    """
    real, fake = samples(1, 1.5, 1.0, 20_000)
    critic = Adversarial(mlp([], 1), "non-saturating")
    critic.build((None, 1))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(critic.critic_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = critic.critic_loss(real, fake)
        optimizer.apply(tape.gradient(loss, critic.critic_variables), critic.critic_variables)

    for _ in range(150):
        step()
    assert float(critic.nats(real)) == pytest.approx(1.5**2 / 2.0, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("make", [MMD, SlicedWasserstein, EnergyDistance, NormalKL])
def test_gradients_lead_to_the_target(make):
    """Descent on the estimate moves a normal distribution to the real one; images are flattened."""
    estimator, rng = make(), np.random.default_rng(0)
    real = tf.constant(rng.normal(2.0, 1.0, size=(200, 2, 1)), tf.float32)
    noise = tf.constant(rng.normal(size=(200, 2, 1)), tf.float32)
    mean, deviation = tf.Variable(0.0), tf.Variable(0.5)
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build([mean, deviation])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = estimator.loss(real, mean + deviation * noise)
        optimizer.apply(tape.gradient(loss, [mean, deviation]), [mean, deviation])

    for _ in range(200):
        step()
    assert float(mean) == pytest.approx(2.0, abs=0.2)
    assert abs(float(deviation)) == pytest.approx(1.0, abs=0.2)


def test_spectral_normalisation_bounds_the_slope():
    critic = spectrally_normalised(mlp([32, 32], 1, "leaky_relu"))
    estimator = Adversarial(critic, "hinge")
    estimator.build((None, 2))
    for variable in estimator.critic_variables:
        variable.assign(5.0 * variable)
    points = tf.random.normal((500, 2))
    for _ in range(20):  # the power iteration
        estimator.loss(points, points)
    with tf.GradientTape() as tape:
        tape.watch(points)
        values = critic(points)
    slope = tf.norm(tape.gradient(values, points), axis=-1)
    assert float(tf.reduce_max(slope)) < 1.05


def test_unknown_kernels_are_named():
    with pytest.raises(ValueError, match="'sinc'"):
        MMD("sinc")


LEAST = {MMD: 2, EnergyDistance: 2, NormalKL: 2, SlicedWasserstein: 1}


@pytest.mark.parametrize("make", LEAST)
def test_samples_of_too_few_events_are_refused_where_their_size_is_known(make):
    estimator, least = make(), LEAST[make]
    assert estimator.least_events == least
    events = tf.random.normal((least, 3))
    assert np.isfinite(estimator.loss(events, events + 1.0))
    few = events[: least - 1]
    for pair in ((few, events), (events, few), (few, few)):
        with pytest.raises(
            ValueError, match=f"{estimator.kind} needs {least} events at least, got {least - 1}"
        ):
            estimator.loss(*pair)
        with pytest.raises(ValueError, match=f"needs {least} events"):
            tf.function(estimator.loss).get_concrete_function(*pair)


@pytest.mark.parametrize("make", [MMD, EnergyDistance, NormalKL])
def test_without_a_known_size_too_few_events_give_no_number(make):
    """Nor a gradient: `StopWhereNotFinite` names the term, if nothing refused the batch."""
    estimator, size = make(), tf.TensorSpec((None, 3))

    @tf.function(input_signature=[size, size])
    def loss(real, fake):
        return estimator.loss(real, fake)

    assert np.isnan(loss(tf.zeros((1, 3)), tf.ones((1, 3))))
    assert np.isfinite(loss(tf.zeros((2, 3)), tf.ones((2, 3))))


def test_normal_laws_without_ridge_need_more_events_than_components():
    estimator = NormalKL(ridge=0.0)
    events = tf.random.normal((4, 3))
    assert np.isfinite(estimator.loss(events, tf.random.normal((4, 3))))
    assert estimator.least_events == 4
    with pytest.raises(ValueError, match="needs 4 events at least, got 3"):
        estimator.loss(events[:3], events)


def test_a_critic_takes_single_events():
    critic = Adversarial(mlp([], 1))
    critic.build((None, 2))
    assert critic.least_events == 1
    assert np.isfinite(critic.loss(tf.zeros((1, 2)), tf.ones((1, 2))))


@pytest.mark.parametrize(("real", "fake"), [(5, 1), (1, 5), (4, 6)])
def test_sliced_distances_need_samples_of_one_size(real, fake):
    estimator = SlicedWasserstein(3)
    with pytest.raises(ValueError, match=f"got {real} and {fake} events"):
        estimator.loss(tf.zeros((real, 2)), tf.zeros((fake, 2)))
    size = tf.TensorSpec((None, 2))
    loss = tf.function(estimator.loss, input_signature=[size, size])
    with pytest.raises(tf.errors.InvalidArgumentError):
        loss(tf.zeros((real, 2)), tf.zeros((fake, 2)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MMD(widths=()), "widths"),
        (lambda: MMD(widths=(1.0, 0.0)), "widths"),
        (lambda: SlicedWasserstein(0), "projections"),
        (lambda: SlicedWasserstein(power=3), "power"),
        (lambda: NormalKL(ridge=-1.0), "ridge"),
        (lambda: Adversarial(mlp([], 1), r1=-1.0), "penalties"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_critics_of_several_numbers_are_refused():
    with pytest.raises(ValueError, match="one number for each event"):
        Adversarial(mlp([], 3)).loss(tf.zeros((4, 2)), tf.zeros((4, 2)))
