import keras
import numpy as np
import pytest
import tensorflow as tf

from mizoo.mappers import Noisy
from mizoo.networks import mlp
from mizoo.objectives import LINKS, Adversarial, Divergence, Likelihood, Streams
from mizoo.representations import Identity


def linear(slope, bias=0.0):
    """A critic or network of one input: slope × value + bias."""
    network = keras.Sequential([keras.layers.Dense(1)])
    network.build((None, 1))
    network.set_weights([np.array([[slope]]), np.array([bias])])
    return network


def plain(x, z):
    """Representations that do nothing, of vectors of these lengths."""
    return {"x": Identity((x,)), "z": Identity((z,))}


def streams(x, z, encoder=2.0, decoder=0.5):
    mappers = {
        "encoder": Noisy(linear(encoder), (1,), stddev=0.0),
        "decoder": Noisy(linear(decoder), (1,), stddev=0.0),
    }
    return Streams(mappers, {"x": tf.constant(x), "z": tf.constant(z)}, plain(1, 1))


def test_streams_follow_the_two_paths():
    s = streams([[1.0], [2.0]], [[3.0], [5.0]], encoder=2.0, decoder=10.0)
    np.testing.assert_allclose(s["z_tilde"], [[2.0], [4.0]])
    np.testing.assert_allclose(s["x_hat"], [[20.0], [40.0]])
    np.testing.assert_allclose(s["x_tilde"], [[30.0], [50.0]])
    np.testing.assert_allclose(s["z_hat"], [[60.0], [100.0]])


def test_streams_draw_once():
    mapper = Noisy(linear(1.0), (1,), stddev=1.0)
    s = Streams({"encoder": mapper, "decoder": mapper}, {"x": tf.zeros((5, 1))}, plain(1, 1))
    assert s["z_tilde"] is s["z_tilde"]


def test_streams_name_missing_data():
    s = Streams({}, {"x": tf.zeros((5, 1))}, plain(1, 1))
    with pytest.raises(ValueError, match="'z'"):
        s.target("z_tilde")


@pytest.mark.parametrize("stream", LINKS)
def test_likelihood_by_hand(stream):
    x, z = np.array([[1.0], [2.0]], "float32"), np.array([[3.0], [5.0]], "float32")
    drawn = {"z_tilde": 2 * x, "x_hat": 1 * x, "x_tilde": 0.5 * z, "z_hat": 1 * z}[stream]
    target = x if stream[0] == "x" else z
    expected = np.mean(0.5 * (target - drawn) ** 2 + 0.5 * np.log(2 * np.pi))
    assert float(Likelihood(stream).loss(streams(x, z))) == pytest.approx(expected, rel=1e-6)


def softplus(value):
    return np.log1p(np.exp(value))


GAMES = {
    "non-saturating": (lambda r, f: softplus(-r) + softplus(f), lambda f: softplus(-f)),
    "least-squares": (lambda r, f: (r - 1) ** 2 + f**2, lambda f: (f - 1) ** 2),
    "hinge": (lambda r, f: np.maximum(1 - r, 0) + np.maximum(1 + f, 0), lambda f: -f),
    "wasserstein": (lambda r, f: f - r, lambda f: -f),
}


@pytest.mark.parametrize("game", GAMES)
def test_games_by_hand(game):
    real, fake = np.array([[0.2], [1.5]]), np.array([[-0.7], [0.4]])
    estimator = Adversarial(linear(2.0, 0.1), game)
    critic, mapper = GAMES[game]
    real_logits, fake_logits = 2 * real + 0.1, 2 * fake + 0.1
    tensors = tf.constant(real, tf.float32), tf.constant(fake, tf.float32)
    assert float(estimator.critic_loss(*tensors)) == pytest.approx(
        critic(real_logits, fake_logits).mean(), rel=1e-5
    )
    assert float(estimator.loss(*tensors)) == pytest.approx(mapper(fake_logits).mean(), rel=1e-5)


def test_penalties_by_hand():
    real, fake = tf.constant([[0.2], [1.5]]), tf.constant([[-0.7], [0.4]])
    plain = Adversarial(linear(3.0)).critic_loss(real, fake)
    punished = Adversarial(linear(3.0), gradient_penalty=10.0).critic_loss(real, fake)
    assert float(punished - plain) == pytest.approx(10.0 * (3.0 - 1.0) ** 2, rel=1e-5)
    punished = Adversarial(linear(3.0), r1=10.0).critic_loss(real, fake)
    assert float(punished - plain) == pytest.approx(10.0 / 2 * 3.0**2, rel=1e-5)


def test_gradient_penalty_looks_between_the_samples():
    seen = []

    class Spy(keras.layers.Layer):
        def call(self, events):
            seen.append(events.numpy())
            return events

    Adversarial(Spy(), gradient_penalty=1.0).critic_loss(tf.zeros((100, 1)), tf.ones((100, 1)))
    between = seen[-1]
    assert 0.0 < between.min() < 0.1 < 0.9 < between.max() < 1.0


def test_a_critic_trained_to_the_end_estimates_the_divergence():
    """-critic loss + log 4 is twice the Jensen-Shannon divergence (arXiv 1406.2661, eq. 5)."""
    rng = np.random.default_rng(0)
    real = tf.constant(rng.normal(0.0, 1.0, (20_000, 1)), tf.float32)
    fake = tf.constant(rng.normal(1.5, 1.0, (20_000, 1)), tf.float32)
    estimator = Adversarial(linear(0.0), "non-saturating")  # the optimal critic of two normals is linear
    optimizer = keras.optimizers.Adam(0.1)
    for _ in range(150):
        with tf.GradientTape() as tape:
            loss = estimator.critic_loss(real, fake)
        optimizer.apply(tape.gradient(loss, estimator.critic_variables), estimator.critic_variables)
    grid = np.linspace(-8, 10, 20_001)
    p, q = (np.exp(-((grid - m) ** 2) / 2) / np.sqrt(2 * np.pi) for m in (0.0, 1.5))
    middle = (p + q) / 2
    divergence = (p * np.log(p / middle) + q * np.log(q / middle)).sum() / 2 * (grid[1] - grid[0])
    assert (np.log(4.0) - float(loss)) / 2 == pytest.approx(divergence, rel=0.05)


def test_divergence_decouples_marginals_and_looks_through_its_view():
    pairs = []

    class Spy(Adversarial):
        def loss(self, real, fake):
            pairs.append((real.numpy(), fake.numpy()))
            return super().loss(real, fake)

    term = Divergence("z_tilde", Spy(mlp([], 1)), view=keras.layers.Rescaling(10.0))
    term.build((None, 1), (None, 1))
    z = np.arange(4.0, dtype="float32")[:, None]
    term.loss(streams(z, z, encoder=1.0))
    real, fake = pairs[0]
    np.testing.assert_allclose(fake, 10 * z)
    assert sorted(real.ravel()) == sorted(10 * z.ravel())
    assert not np.any(real == fake)


@pytest.mark.parametrize(
    "make", [lambda s: Likelihood(s), lambda s: Divergence(s, Adversarial(mlp([], 1)))]
)
def test_unknown_streams_are_named(make):
    with pytest.raises(ValueError, match="'z_bar'"):
        make("z_bar")


def test_unknown_games_are_named():
    with pytest.raises(ValueError, match="'chess'"):
        Adversarial(mlp([], 1), "chess")
