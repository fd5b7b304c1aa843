import keras
import numpy as np
import pytest
import tensorflow as tf

from mizoo.mappers import DDPM, EDM, Deterministic, Diffusion, FlowMatching, Transcoder
from mizoo.networks import attention, mlp, modulated
from mizoo.objectives import LINKS, Streams
from mizoo.representations import Identity, Tokens

MEAN, DEVIATION = 1.5, 0.7


class Oracle(keras.layers.Layer):
    """The best network for data N(context + mean, deviation²): the expected target of a formulation."""

    def __init__(self, formulation, mean=MEAN, deviation=DEVIATION):
        super().__init__()
        self.formulation = formulation
        self.mean = mean
        self.deviation = deviation

    def call(self, inputs):
        value, t, context = inputs
        alpha, sigma = self.formulation.alpha_sigma(t)
        value = value / self.formulation.scale(tf.ones_like(value), t)
        mean = self.mean + context
        off = (value - alpha * mean) / (alpha**2 * self.deviation**2 + sigma**2)
        return self.formulation.prediction_target(mean + alpha * self.deviation**2 * off, sigma * off, t)


@pytest.mark.slow
@pytest.mark.parametrize("formulation", [FlowMatching(), DDPM(), EDM()], ids=lambda f: type(f).__name__)
@pytest.mark.parametrize(
    ("sampler", "evaluations"),
    [("euler", 100), ("midpoint", 60), ("heun", 60), ("adams", 60), ("ancestral", 200)],
)
def test_samplers_lead_to_the_data(formulation, sampler, evaluations):
    mapper = Diffusion(
        Oracle(formulation), (1,), formulation=formulation, sampler=sampler, evaluations=evaluations
    )
    context = tf.repeat([[0.0], [2.0]], 10_000, axis=0)
    draws = mapper(context).numpy()
    for part, shift in ((draws[:10_000], 0.0), (draws[10_000:], 2.0)):
        assert part.mean() == pytest.approx(MEAN + shift, abs=0.05)
        assert part.std() == pytest.approx(DEVIATION, rel=0.05)


@pytest.mark.parametrize("formulation", [FlowMatching(), DDPM(), EDM()], ids=lambda f: type(f).__name__)
def test_loss_is_least_for_the_best_network(formulation):
    class Off(Oracle):
        def call(self, inputs):
            return super().call(inputs) + 0.3

    keras.utils.set_random_seed(0)
    target = MEAN + DEVIATION * tf.random.normal((50_000, 1))
    context = tf.zeros((50_000, 1))

    def loss(network):
        mapper = Diffusion(network(formulation), (1,), formulation=formulation)
        return -float(tf.reduce_mean(mapper.distribution(context).log_prob(target)))

    best, worse = loss(Oracle), loss(Off)
    assert worse - best == pytest.approx(0.3**2, abs=0.03)


@pytest.mark.parametrize("formulation", [FlowMatching(), DDPM(), EDM()], ids=lambda f: type(f).__name__)
def test_ends_invert_the_aim(formulation):
    data, noise = tf.constant([[0.3], [-1.2]]), tf.constant([[1.1], [0.4]])
    t = tf.constant([[0.3], [0.8]])
    alpha, sigma = formulation.alpha_sigma(t)
    found = formulation.predictions(
        alpha * data + sigma * noise, formulation.prediction_target(data, noise, t), t
    )
    np.testing.assert_allclose(found[0], data, atol=1e-4)
    np.testing.assert_allclose(found[1], noise, atol=1e-4)


@pytest.mark.slow
def test_order_of_the_samplers():
    """Half as many steps of Euler double the error; the others' grows four times or more."""

    def error(sampler, evaluations):
        formulation = FlowMatching()
        mapper = Diffusion(Oracle(formulation), (1,), sampler=sampler, evaluations=evaluations)
        noise = tf.constant([[-1.0], [0.5], [1.5]])
        exact = MEAN + DEVIATION * noise  # the paths of a normal distribution do not cross
        return float(tf.reduce_max(tf.abs(mapper(tf.zeros((3, 1)), noise=noise) - exact)))

    assert error("euler", 16) / error("euler", 32) == pytest.approx(2.0, rel=0.2)
    for sampler in ("midpoint", "heun"):
        assert error(sampler, 32) / error(sampler, 64) > 3.0
        assert error(sampler, 32) < error("euler", 32) / 3.0
    assert error("adams", 8) < error("midpoint", 8)  # one evaluation a step instead of two
    assert error("adams", 8) / error("adams", 64) > 16.0


@pytest.mark.parametrize("formulation", [FlowMatching(), DDPM()], ids=lambda f: type(f).__name__)
def test_one_adams_step_is_exact_for_normal_data(formulation):
    network = Oracle(formulation, mean=0.0, deviation=1.0)
    mapper = Diffusion(network, (1,), formulation=formulation, sampler="adams", evaluations=1)
    noise = tf.constant([[-1.0], [0.5], [1.5]])
    drawn = mapper(tf.zeros((3, 1)), noise=noise)
    np.testing.assert_allclose(drawn, noise, rtol=3e-3)  # paths of DDPM start near noise, not at it


def test_one_adams_step_is_exact_for_a_rotation():
    class Rotation(keras.layers.Layer):
        def call(self, inputs):
            return tf.fill((len(inputs[0]), 1), 0.4)

    mapper = Diffusion(Rotation(), (1,), angles=(0,), sampler="adams", evaluations=1)
    condition = tf.zeros((5, 1))
    noise = mapper.noise(condition)
    start = np.pi * tf.math.erf(noise / np.sqrt(2.0))
    turned = (mapper(condition, noise=noise) - start + np.pi) % (2.0 * np.pi) - np.pi
    np.testing.assert_allclose(turned, 0.4, atol=1e-5)


@pytest.mark.slow
def test_angles_have_no_seam():
    """A distribution around ±π is learnt as well as one around 0."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    centres = np.where(rng.random((4000, 1)) < 0.5, 0.0, np.pi).astype("float32")
    angles = (centres + 0.3 * rng.normal(size=(4000, 1)) + np.pi) % (2 * np.pi) - np.pi
    condition = tf.constant(centres)
    mapper = Diffusion(modulated(2, 1, 1, units=32, blocks=1), (1,), angles=(0,))
    mapper.build((None, 1))
    optimizer = keras.optimizers.Adam(3e-3)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(mapper.distribution(condition, training=True).log_prob(angles))
        optimizer.apply(tape.gradient(loss, mapper.trainable_variables), mapper.trainable_variables)

    for _ in range(400):
        step()
    draws = mapper(condition).numpy()
    assert np.abs(draws).max() <= np.pi + 1e-6
    for centre in (0.0, np.pi):
        off = (draws[centres[:, 0] == np.float32(centre)] - centre + np.pi) % (2 * np.pi) - np.pi
        assert abs(off.mean()) < 0.08
        assert off.std() == pytest.approx(0.3, rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampler": "rk4"}, "'rk4'"),
        ({"angles": (0,), "formulation": EDM()}, "need FlowMatching"),
        ({"angles": (0,), "sampler": "ancestral"}, "need FlowMatching"),
    ],
)
def test_wrong_arguments_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        Diffusion(mlp([], 1), (1,), **arguments)


@pytest.mark.ci
@pytest.mark.parametrize("formulation", [FlowMatching(), DDPM(), EDM()], ids=lambda f: type(f).__name__)
def test_configuration_survives_json(formulation):
    mapper = Diffusion(
        modulated(2, 3, 2, 8, 1), (2,), formulation=formulation, sampler="heun", evaluations=4
    )
    mapper.build((None, 3))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mapper))
    again.build((None, 3))
    again.set_weights(mapper.get_weights())
    noise = np.ones((5, 2), "float32")
    np.testing.assert_array_equal(mapper(tf.ones((5, 3)), noise=noise), again(tf.ones((5, 3)), noise=noise))
    assert vars(again.formulation) == vars(formulation)


def dense(*values):
    layer = keras.layers.Dense(1, use_bias=False)
    layer.build((None, len(values)))
    layer.set_weights([np.array(values)[:, None]])
    return layer


def test_cycles_of_transcoders_close_in_the_latent():
    """x → latent → x and z → latent → z, for any draws; decoders know the direction."""
    mappers = {
        "encoder": Transcoder(dense(2.0), Deterministic(dense(100.0, 0.5), (1,))),  # x → latent → z
        "decoder": Transcoder(dense(3.0), Deterministic(dense(10.0, 0.5), (1,))),  # z → latent → x
    }
    spaces = {"x": Identity((1,)), "z": Identity((1,))}
    s = Streams(mappers, {"x": tf.constant([[1.0]]), "z": tf.constant([[1.0]])}, spaces)
    values = {name: s[name].numpy().item() for name in LINKS}
    assert values == {"z_tilde": 200.5, "x_hat": 20.0, "x_tilde": 30.5, "z_hat": 300.0}
    assert s.distribution("x_hat").latent is s.distribution("z_tilde").latent


def test_attention_knows_types_and_sees_every_object():
    network = attention(3, 5, outputs=4, width=8, blocks=1, heads=2)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(rng.normal(size=weight.shape) * 0.5)
    event = rng.normal(size=(1, 3, 5)).astype("float32")
    out = network(event).numpy()
    assert out.shape == (1, 4)
    assert not np.allclose(out, network(event[:, [1, 0, 2]]), atol=1e-3)
    for i in range(3):
        moved = event.copy()
        moved[:, i] += 0.5
        assert not np.allclose(out, network(moved), atol=1e-3)


def test_tokens_hold_momenta_and_masses(ttbar):
    layer = Tokens(Identity((24,)))
    events = ttbar.test[:50].x
    tokens = layer(events).numpy()
    assert tokens.shape == (50, 6, 10) == (50, *layer.compute_output_shape((None, 24))[1:])
    objects = events.reshape(50, 6, 4)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    np.testing.assert_allclose(np.linalg.norm(tokens[..., :2], axis=-1), np.log(1 + pt / 20), rtol=1e-3)
    np.testing.assert_allclose(tokens[..., 3], np.log(1 + objects[..., 3]) - 4.5, rtol=1e-4, atol=1e-5)
    pair = objects[:, 2] + objects[:, 3]
    mass = np.sqrt(np.maximum(pair[:, 3] ** 2 - (pair[:, :3] ** 2).sum(1), 0))
    np.testing.assert_allclose(tokens[:, 2, 4 + 3], np.log(1 + mass) - 4.0, atol=2e-3)
    np.testing.assert_array_equal(tokens[:, 2, 4 + 3], tokens[:, 3, 4 + 2])
