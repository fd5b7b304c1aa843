"""Every preset in mixed precision: matrix products in bfloat16, all else in single precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo.mappers import (
    CodePosterior,
    Deterministic,
    Diffusion,
    Flow,
    Gaussian,
    NoiseInjected,
    PostProcessed,
    StochasticResidual,
    Transcoder,
)
from mizoo.networks import mlp, modulated
from mizoo.networks.modulated import Frequencies
from mizoo.objectives import Divergence, EnergyDistance, Likelihood, Streams
from mizoo.presets import PRESETS
from mizoo.representations import Latent

SMALL = {
    "flow": {"units": 8, "couplings": 2},
    "turbosim": {"units": 8, "couplings": 2},
    "gandalf": {"latent": 8, "width": 8, "units": 16, "blocks": 1, "evaluations": 2},
}


@pytest.fixture(autouse=True)
def _mixed():
    keras.config.set_dtype_policy("mixed_bfloat16")
    tf.config.run_functions_eagerly(True)  # graphs of splines take longer to make than to run once
    yield
    tf.config.run_functions_eagerly(False)
    keras.config.set_dtype_policy("float32")


def made(name, **options):
    return PRESETS[name].factory(**SMALL.get(name, {}), **options)


def assert_used(model, events):
    """All results of a model are finite and in single precision."""
    for endpoint, space in (("encode", "x"), ("decode", "z"), ("reconstruct", "x")):
        if endpoint in model.endpoints:
            given = events[space]
            if given is None:
                given = np.full((4, *model.representations[space].physical_shape), 0.5, "float32")
            drawn = getattr(model, endpoint)(given[:4])
            assert drawn.dtype == tf.float32
            assert np.isfinite(drawn).all()
    if model.has_prior:
        drawn = model.sample(4)
        assert drawn.dtype == tf.float32
        assert np.isfinite(drawn).all()


FAST = {"vae", "pix2pix"}
# `.ci/nightly` has the others.
USUAL = {"wgan_gp", "infogan"}


def grid(names):
    """Parameters, of which those that are not `FAST` belong to the suites that take longer."""
    marks = {name: pytest.mark.ci if name in USUAL else pytest.mark.slow for name in names}
    return [name if name in FAST else pytest.param(name, marks=marks[name]) for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("name", grid(PRESETS))
def test_every_preset_trains_a_step_and_draws(name):
    model, events = made(name), PRESETS[name].load_dataset().train[:16]
    logs = model.fit(events, batch_size=16, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    # Three digits of an energy do not make a four-momentum: only networks are in bfloat16.
    exact = [model.augmentation or [], *model.representations.values()]
    assert {part.compute_dtype for part in keras.tree.flatten(exact)} == {"float32"}
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert_used(model, events)


@pytest.mark.ci
@pytest.mark.parametrize("name", grid(["flow", "turbosim", "gandalf", "otus", "cyclegan", "pix2pix"]))
def test_all_but_networks_of_physics_presets_is_float32(name):
    """Weights, coordinates, draws, losses and densities, log-determinants included."""
    model, events = made(name), PRESETS[name].load_dataset().train[:16]
    model.adapt(events)
    model.fit(events, batch_size=16, verbose=0)  # statistics, averages, states of optimisers
    assert "bfloat16" in {layer.compute_dtype for layer in _dense(model)}
    states = [*model.variables, *model.optimizer.variables, *model.critic_optimizer.variables]
    assert {v.dtype for v in states if "int" not in v.dtype} == {"float32"}
    batch = {space: model.representations[space](tf.constant(v)) for space, v in events.arrays().items()}
    streams = Streams(model.mappers, batch, model.representations, training=True)
    found = list(batch.values())
    for objective in model.objectives:
        found += [objective.loss(streams), *(streams[name] for name in objective.draws)]
        if objective.critic_variables:
            found.append(objective.critic_loss(streams))
    for name in model.streams:
        found.append(streams.distribution(name).log_prob(streams.target(name)))
    found += [model.representations[space].inverse(values) for space, values in batch.items()]
    assert {tensor.dtype for tensor in found} == {tf.float32}


@pytest.mark.slow
def test_flows_train_in_a_graph():
    """With couplings in double precision and in that of the policy; both are compiled."""
    tf.config.run_functions_eagerly(False)
    model = mizoo.presets.flow(x=(2,), units=8, couplings=3)
    data = {"x": np.random.default_rng(0).normal(size=(32, 2)).astype("float32")}
    model.adapt(data)
    logs = model.fit(data, batch_size=16, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    assert_used(model, {**data, "z": None})


def test_a_model_that_is_called_keeps_the_digits_of_its_data():
    keras.utils.set_random_seed(1)
    model = mizoo.presets.ae(x=(3,))
    x = 1000.0 + np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    model.adapt({"x": x})
    np.testing.assert_array_equal(model({"x": x})["x_hat"], model.reconstruct(x))


def test_losses_of_flows_are_those_of_single_precision():
    """As far as the context goes: likelihoods of some 20 nats have more than three digits."""
    keras.utils.set_random_seed(1)
    mixed = Flow((6,), angles=(1,), couplings=4, units=16)
    mixed.build((None, 4))
    with_noise = [w + 0.1 * np.random.default_rng(2).normal(size=w.shape) for w in mixed.get_weights()]
    mixed.set_weights(with_noise)
    keras.config.set_dtype_policy("float32")
    single = Flow((6,), angles=(1,), couplings=4, units=16)
    single.build((None, 4))
    single.set_weights(with_noise)
    target, condition = tf.random.normal((200, 6)), tf.random.normal((200, 4))
    ours, exact = (flow.distribution(condition).log_prob(target) for flow in (mixed, single))
    assert ours.dtype == tf.float32
    np.testing.assert_allclose(ours, exact, atol=0.5)
    assert abs(np.mean(ours - exact)) < 0.02
    assert len(np.unique(ours)) > 195  # in bfloat16 there would be some dozens


def test_flows_invert_themselves():
    flow = Flow((5,), angles=(2,), couplings=4, units=16)
    flow.build((None, 3))
    rng = np.random.default_rng(0)
    flow.set_weights([w + 0.1 * rng.normal(size=w.shape) for w in flow.get_weights()])
    noise = tf.random.normal((500, 5))
    given = flow.distribution(tf.random.normal((500, 3)), noise=noise)
    gaps = np.abs(given.noise_of(given.sample()) - noise)
    # Where a value that has been rounded otherwise lies between two numbers in bfloat16, it shows.
    assert np.quantile(gaps, 0.95) < 1e-4
    assert gaps.max() < 0.1


@pytest.mark.parametrize("name", grid(["flow", "turbosim", "gandalf", "vae"]))
def test_saved_and_loaded_draws_the_same(name, tmp_path):
    model, events = made(name), PRESETS[name].load_dataset().train[:4]
    model.adapt(events)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert {variable.dtype for variable in again.trainable_variables} == {"float32"}
    np.testing.assert_array_equal(again.encode(events.x, seed=1), model.encode(events.x, seed=1))
    first, second = (next(layer for layer in _dense(m)) for m in (model, again))
    assert first.compute_dtype == second.compute_dtype == "bfloat16"


def _dense(model):
    return (layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense))


def mappers():
    return [
        Flow((3,), couplings=2, units=8),
        NoiseInjected(mlp([4], 3), (3,)),
        Gaussian(mlp([4], 6), (3,)),
        PostProcessed(NoiseInjected(mlp([4], 3), (3,)), mlp([4], 3)),
        StochasticResidual(mlp([4], 3), mlp([4], 4), (3,), 2),
        CodePosterior(mlp([4], 5), Latent(uniform=1, categories=(3,))),
        Diffusion(modulated(3, 3, 3, 8, 1), (3,), evaluations=2),
        Transcoder(mlp([4], 2), Gaussian(mlp([4], 6), (3,))),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(mappers())))
def test_mappers_draw_and_compare_in_single_precision(index):
    mapper = mappers()[index]
    condition = 1000.0 + tf.random.uniform((8, 3))
    mapper.build((None, 3))
    given = mapper.distribution(condition)
    draw = given.sample()
    assert draw.dtype == given.log_prob(draw).dtype == mapper(condition).dtype == tf.float32


def test_conditions_keep_their_digits():
    """A mapper that is called gives what the same distribution gives; 1000.1 is no number in bfloat16."""
    mapper = StochasticResidual(mlp([], 1), mlp([], 2), (1,), 1)
    mapper.build((None, 1))
    mapper.set_weights([np.zeros(w.shape) for w in mapper.get_weights()])
    np.testing.assert_array_equal(mapper(tf.constant([[1000.1]])), [[np.float32(1000.1)]])


def test_times_of_diffusion_models_keep_their_digits():
    times = tf.linspace(0.0, 1.0, 1001)[:, None]
    mixed = Frequencies()(times)
    assert mixed.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(mixed, tf.float32), Frequencies(dtype="float32")(times), atol=4e-3)


def test_losses_are_in_single_precision():
    noisy = Deterministic(mlp([], 2), (2,))
    noisy.build((None, 2))
    x = tf.random.normal((8, 2))
    space = mizoo.representations.Identity((2,))
    streams = Streams({"encoder": noisy, "decoder": noisy}, {"x": x, "z": x}, {"x": space, "z": space})
    features = mlp([4], 3)
    features.build((None, 2))
    assert Likelihood("x_hat", features=features).loss(streams).dtype == tf.float32
    term = Divergence("x_tilde", EnergyDistance(), condition="z")
    term.build((None, 2), (None, 2))
    real, fake = term.samples(streams)
    assert real.dtype == fake.dtype == tf.float32
    np.testing.assert_array_equal(real[:, :2], x)


def test_small_differences_are_not_rounded_away():
    """The critic of x_hat - x sees a difference of coordinates, not of rounded ones."""
    model = made("bibae_desy", x=(3,))
    (term,) = (o for o in model.objectives if o.label == "difference")
    values = tf.constant([[1.0, 1.0 + 2.0**-12, 1.0]])
    np.testing.assert_array_equal(term.join([values, tf.ones((1, 3))]), [[0.0, 2.0**-12, 0.0]])
