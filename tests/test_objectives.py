import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import linear, plain, streams, toy_pairs

from mizoo import Turbo, presets
from mizoo.mappers import Deterministic, Gaussian, NoiseInjected
from mizoo.networks import mlp
from mizoo.objectives import (
    CRPS,
    LINKS,
    MMD,
    Acceptance,
    Adversarial,
    Alignment,
    Anchor,
    AssignmentLikelihood,
    Divergence,
    EnergyDistance,
    Likelihood,
    MassShell,
    MaximumLikelihood,
    NormalKL,
    Rate,
    SlicedWasserstein,
    Streams,
    terms,
)
from mizoo.representations import Identity, Latent


def test_streams_follow_the_two_paths():
    s = streams([[1.0], [2.0]], [[3.0], [5.0]], encoder=2.0, decoder=10.0)
    np.testing.assert_allclose(s["z_tilde"], [[2.0], [4.0]])
    np.testing.assert_allclose(s["x_hat"], [[20.0], [40.0]])
    np.testing.assert_allclose(s["x_tilde"], [[30.0], [50.0]])
    np.testing.assert_allclose(s["z_hat"], [[60.0], [100.0]])


def test_streams_draw_once():
    mapper = NoiseInjected(linear(1.0), (1,), stddev=1.0)
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


GAN_LOSSES = {
    "non-saturating": (lambda r, f: softplus(-r) + softplus(f), lambda f: softplus(-f)),
    "least-squares": (lambda r, f: (r - 1) ** 2 + f**2, lambda f: (f - 1) ** 2),
    "hinge": (lambda r, f: np.maximum(1 - r, 0) + np.maximum(1 + f, 0), lambda f: -f),
    "wasserstein": (lambda r, f: f - r, lambda f: -f),
}


@pytest.mark.parametrize("gan_loss", GAN_LOSSES)
def test_games_by_hand(gan_loss):
    real, fake = np.array([[0.2], [1.5]]), np.array([[-0.7], [0.4]])
    estimator = Adversarial(linear(2.0, 0.1), gan_loss)
    critic, mapper = GAN_LOSSES[gan_loss]
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


@pytest.mark.ci
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


def test_conditional_divergence_keeps_pairs_together():
    seen = []

    class Spy(Adversarial):
        def loss(self, real, fake):
            seen.append((real.numpy(), fake.numpy()))
            return super().loss(real, fake)

    term = Divergence("x_tilde", Spy(mlp([], 1)), condition="z")
    term.build((None, 1), (None, 1))
    x, z = np.array([[1.0], [2.0]], "float32"), np.array([[3.0], [5.0]], "float32")
    term.loss(streams(x, z, decoder=0.5))
    np.testing.assert_allclose(seen[0][0], [[1.0, 3.0], [2.0, 5.0]])
    np.testing.assert_allclose(seen[0][1], [[1.5, 3.0], [2.5, 5.0]])
    assert term.note == "wasserstein critic given z"


def test_difference_critic_sees_zero_where_x_is_real():
    seen = []

    class Spy(Adversarial):
        def loss(self, real, fake):
            seen.append((real.numpy(), fake.numpy()))
            return super().loss(real, fake)

    join = keras.layers.Subtract()
    term = Divergence("x_hat", Spy(mlp([], 1)), condition="x", join=join, label="difference")
    term.build((None, 1), (None, 1))
    x = np.array([[1.0], [2.0]], "float32")
    term.loss(streams(x, x, encoder=2.0, decoder=2.0))
    np.testing.assert_allclose(seen[0][0], 0.0)
    np.testing.assert_allclose(seen[0][1], 3.0 * x)
    assert (term.term, term.critic_term) == ("D_x_hat_difference", "critic_x_hat_difference")


def test_likelihood_of_features():
    x = np.array([[1.0], [2.0]], "float32")
    term = Likelihood("x_hat", features=linear(3.0), label="features")
    value = float(term.loss(streams(x, x, encoder=2.0, decoder=2.0)))
    assert value == pytest.approx(np.mean((3.0 * 4.0 * x - 3.0 * x) ** 2) / 2.0, rel=1e-6)
    assert term.draws == ["x_hat"]
    assert term.term == "L_x_hat_features"


def test_learnt_targets_are_not_drawn_along():
    """L on z_hat moves a learnt prior only through x_tilde, not towards the output of the encoder."""
    prior = Latent(1, mapping=linear(2.0))
    mappers = {
        "encoder": Deterministic(linear(2.0), (1,)),
        "decoder": Deterministic(linear(1.0), (1,)),
    }
    with tf.GradientTape() as tape:
        s = Streams(mappers, {"x": tf.zeros((4, 1))}, {"x": Identity((1,)), "z": prior})
        loss = Likelihood("z_hat").loss(s)  # (2 z - target)² / 2, z = 2 × noise
    slope = tape.gradient(loss, prior.mapping.trainable_variables[0])
    np.testing.assert_allclose(slope, [[np.mean(np.square(s["z"]))]], rtol=1e-5)


def gaussian(mean, log_deviation):
    network = keras.Sequential([keras.layers.Dense(2)])
    network.build((None, 1))
    network.set_weights([np.array([[mean, 0.0]]), np.array([0.0, log_deviation])])
    return Gaussian(network, (1,))


@pytest.mark.parametrize("prior", [Latent(1), Latent(uniform=1)])
def test_rate(prior):
    """In closed form for a normal prior, otherwise by draws."""
    x = np.full((40_000, 1), 0.5, "float32")
    s = Streams({"encoder": gaussian(1.0, np.log(0.2))}, {"x": x}, {"x": Identity((1,)), "z": prior})
    normal = 0.5 * (0.2**2 + 0.5**2 - 1.0) - np.log(0.2)
    uniform = np.log(2.0) - 0.5 * np.log(2 * np.pi * np.e * 0.2**2)
    expected = normal if prior.normal else uniform
    assert float(Rate().loss(s)) == pytest.approx(expected, rel=1e-5 if prior.normal else 0.02)


def test_alignment_is_least_where_partners_are_closest():
    class Given:
        def __init__(self, latent):
            self.latent = latent

    class Fixed(dict):
        def distribution(self, stream):
            return Given(self[stream])

    points = tf.eye(8)
    term = Alignment(temperature=0.1)
    together = float(term.loss(Fixed(z_tilde=points, x_tilde=points)))
    apart = float(term.loss(Fixed(z_tilde=points, x_tilde=tf.roll(points, 1, 0))))
    collapsed = float(term.loss(Fixed(z_tilde=tf.ones((8, 8)), x_tilde=tf.ones((8, 8)))))
    # About their mean, eight points at right angles are -1/7 apart by the cosine.
    assert together == pytest.approx(np.log(1 + 7 * np.exp(-10 * (1 + 1 / 7))), abs=1e-5)
    assert collapsed == pytest.approx(np.log(8.0), rel=1e-4)
    assert apart == pytest.approx(10.0 * (1 + 1 / 7) + together, rel=1e-3)


@pytest.mark.slow
def test_alignment_brings_pairs_together():
    """The contexts of two flows align, and the terms train as well."""
    model = presets.flow(x=(3,), z=(2,), units=16, couplings=2, dropout=0.0)
    aligned = Turbo(
        model.encoder, model.decoder, [*model.objectives, Alignment()], Identity((3,)), Identity((2,))
    )
    aligned.compile(keras.optimizers.Adam(3e-3))
    logs = aligned.fit(toy_pairs(256), batch_size=64, epochs=15, verbose=0).history["A_z_tilde"]
    assert logs[-1] < logs[0] / 2.0 < np.log(64.0)


def event_streams(events, others=None):
    """Streams of one made-up event in physical units."""
    values = {"x_tilde": tf.constant([events], tf.float32)}
    values["z"] = tf.constant([events if others is None else others], tf.float32)
    space = Identity((len(events),))
    return Streams({}, values, {"x": space, "z": space})


def test_mass_shell():
    on_shell = [3.0, 4.0, 0.0, 5.0, 0.0, 0.0, 12.0, 13.0]
    assert float(MassShell("x_tilde", [0.0, 5.0]).loss(event_streams(on_shell))) < 1e-8
    off = [3.0, 4.0, 0.0, 5.5, 0.0, 0.0, 12.0, 13.0]
    assert float(MassShell("x_tilde", [0.0, 5.0]).loss(event_streams(off))) == pytest.approx(
        0.1**2 / 2, 1e-3
    )


def test_acceptance():
    eta = np.arcsinh(-30.0 / 10.0)
    term = Acceptance("x_tilde", pt=[20.0, 0.0], eta=[np.inf, 1.0])
    event = [6.0, 8.0, 5.0, 12.0, 0.0, 10.0, -30.0, 32.0]
    expected = ((1.0 - 10.0 / 20.0) + (abs(eta) - 1.0)) / 2.0
    assert float(term.loss(event_streams(event))) == pytest.approx(expected, rel=1e-4)
    inside = [30.0, 0.0, 0.0, 30.0, 0.0, 1.0, 0.5, 2.0]
    assert float(term.loss(event_streams(inside))) == 0.0


def test_acceptance_pulls_objects_up_to_the_threshold():
    momentum = tf.Variable([[3.0, 4.0, 0.0, 5.0]])
    term = Acceptance("x_tilde", pt=[20.0], eta=[2.5])
    with tf.GradientTape() as tape:
        values = {"x_tilde": momentum * 1.0, "z": momentum * 1.0}
        loss = term.loss(Streams({}, values, {"x": Identity((4,)), "z": Identity((4,))}))
    slope = tape.gradient(loss, momentum)[0].numpy()
    np.testing.assert_allclose(slope[:2], [-3.0 / 5.0 / 20.0, -4.0 / 5.0 / 20.0], rtol=1e-4)


def test_anchor():
    before = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    after = [0.0, 2.0, 0.0, 2.0, 0.0, 1.0, 0.0, 1.0]
    assert float(Anchor("x_tilde").loss(event_streams(after, before))) == pytest.approx(1.0)
    assert float(Anchor("x_tilde", [1]).loss(event_streams(after, before))) == pytest.approx(0.0, abs=1e-6)


def test_two_terms_share_one_critic():
    critic = Adversarial(mlp([4], 1), "non-saturating")
    model = Turbo(
        NoiseInjected(mlp([], 1), (1,)), NoiseInjected(mlp([], 1), (1,)),
        [Divergence("x_hat", critic), Divergence("x_tilde", critic)], Identity((1,)), Latent(1),
    )  # fmt: skip
    assert len(model.critic_variables) == 4
    model.compile()
    logs = model.train_on_batch({"x": np.ones((8, 1), "float32")}, return_dict=True)
    assert {"critic_x_hat", "critic_x_tilde"} <= set(logs)
    assert int(model.critic_optimizer.iterations) == 1


def test_what_critic_and_mapper_share_is_not_trained_by_the_mappers_game():
    """As in ALAE, whose critic begins with the encoder."""
    shared = linear(2.0)
    estimator = Adversarial(keras.Sequential([shared, linear(3.0)]), "wasserstein")
    events = tf.Variable([[1.0], [2.0]])
    with tf.GradientTape() as tape:
        loss = estimator.loss(events, events)
    of_events, of_shared = tape.gradient(loss, [events, shared.trainable_variables[0]])
    np.testing.assert_allclose(of_events, -3.0)  # minus 2 × 3, of a mean of two
    assert of_shared is None
    with tf.GradientTape() as tape:
        loss = estimator.critic_loss(tf.ones((2, 1)), tf.zeros((2, 1)))
    assert tape.gradient(loss, shared.trainable_variables[0]) is not None


def test_a_part_of_the_streams_is_never_empty():
    few = streams([[1.0], [2.0]], [[3.0], [5.0]]).paired_samples(0.1)
    np.testing.assert_allclose(few["z_tilde"], [[2.0], [2.0]])


@pytest.mark.parametrize(
    ("term", "least"),
    [
        (Likelihood("x_hat"), 1),
        (Divergence("z_tilde", MMD()), 2),
        (Divergence("z_tilde", EnergyDistance()), 2),
        (Divergence("z_tilde", NormalKL()), 2),
        (Divergence("z_tilde", SlicedWasserstein()), 1),
        (Divergence("z_tilde", Adversarial(mlp([], 1))), 1),
        (Alignment(), 2),
        (CRPS("x_tilde"), 1),
        (CRPS("x_tilde", marginal=True), 2),
        (CRPS("x_tilde", marginal=True, fraction=0.25), 5),
        (CRPS("x_tilde", marginal=True, fraction=0.1), 11),
    ],
)
def test_terms_say_how_many_events_they_need(term, least):
    assert term.least_events == least


@pytest.mark.parametrize("fraction", [0.1, 0.25, 1 / 3, 0.5, 0.7, 1.0])
def test_marginal_scores_have_a_value_from_just_so_many_events_on(fraction):
    term = CRPS("x_tilde", marginal=True, fraction=fraction)
    for extra, finite in ((-1, False), (0, True)):
        events = np.arange(1.0, 1.0 + term.least_events + extra, dtype="float32")[:, None]
        assert bool(np.isfinite(term.loss(streams(events, 2.0 * events)))) == finite


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CRPS("x_tilde", fraction=0.0), "fraction must be"),
        (lambda: CRPS("x_tilde", fraction=1.5), "fraction must be"),
        (lambda: Alignment(stream="x_hat"), "'x_hat'"),
        (lambda: Alignment(temperature=0.0), "temperature"),
        (lambda: AssignmentLikelihood(stream="x_tilde"), "'x_tilde'"),
        (lambda: MaximumLikelihood("x_hat"), "density of x_hat"),
        (lambda: Divergence("x_hat", MMD(), condition="y"), "'y'"),
        (lambda: Divergence("x_hat", MMD(), join=keras.layers.Subtract()), "no condition"),
        (lambda: Acceptance("x_tilde", pt=[1.0, 2.0], eta=[1.0]), "limits"),
        (lambda: Acceptance("x_tilde", pt=[1.0], eta=[0.0]), "limits"),
        (lambda: terms({"D_x_hat": 1.0}), "D_x_hat needs an estimator"),
        (lambda: terms({"L_x_hat": 1.0}, views={"x_hat": None}), "'x_hat'"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("term", "event", "message"),
    [
        (MassShell("x_tilde", [0.0]), [0.0] * 8, r"shell_x_tilde is of events \(n, 4 × 1\)"),
        (MassShell("x_tilde", [0.0, 0.0]), [0.0] * 4, r"\(n, 4 × 2\)"),
        (MassShell("x_tilde", [0.0]), [0.0] * 6, r"\(n, 4 × 1\)"),
        (Acceptance("x_tilde", [1.0], [1.0]), [0.0] * 8, r"\(n, 4 × 1\)"),
        (Anchor("x_tilde", [2]), [1.0] * 8, "from 0 to 1"),
        (Anchor("x_tilde", [-1]), [1.0] * 8, "from 0 to 1"),
        (Anchor("x_tilde"), [1.0] * 7, "4 × objects"),
    ],
)
def test_terms_of_other_objects_than_the_events_have_are_refused(term, event, message):
    with pytest.raises(ValueError, match=message):
        term.loss(event_streams(event))


def test_mappers_to_other_shapes_than_the_coordinates_are_refused():
    """Their likelihoods would be broadcast."""
    mappers = {"encoder": Deterministic(linear(1.0), (1,))}
    space = {"x": Identity((1,)), "z": Identity((3,))}
    s = Streams(mappers, {"x": tf.zeros((4, 1)), "z": tf.zeros((4, 3))}, space)
    with pytest.raises(
        ValueError, match=r"encoder draws arrays \(1,\), but coordinates of z have shape \(3,\)"
    ):
        Likelihood("z_tilde").loss(s)


def test_a_rate_needs_a_prior():
    with pytest.raises(ValueError, match="R_z_tilde needs a prior"):
        Rate().loss(streams([[1.0]], [[2.0]]))
