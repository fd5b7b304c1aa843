import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import toy, toy_events, toy_pairs

from mizoo import NotFiniteError, Stage, Turbo, presets
from mizoo.mappers import Deterministic, NoiseInjected
from mizoo.networks import mlp
from mizoo.objectives import Likelihood
from mizoo.representations import Identity, Standardise
from mizoo.training import Backup, Warmup
from mizoo.training.warm_start import take_weights

pytestmark = pytest.mark.usefixtures("eagerly")

ALL = ["z_tilde", "x_hat", "x_tilde", "z_hat"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("terms", "streams"),
    [
        (["L_z_tilde"], []),
        (["L_x_tilde", "L_z_tilde"], []),
        (["L_x_hat"], ["z_tilde"]),
        (["D_z_tilde", "L_x_hat"], ["z_tilde"]),
        (["D_x_tilde"], ["x_tilde"]),
        (["D_x_hat"], ["z_tilde", "x_hat"]),
        (["D_z_tilde", "D_x_tilde", "L_x_hat", "L_z_hat"], ["z_tilde", "x_tilde"]),
        (None, ALL),
    ],
)
def test_only_the_streams_asked_for_are_computed(terms, streams, monkeypatch):
    model = toy(terms, run_eagerly=True)
    assert model.streams == streams
    drawn = []
    distribution = NoiseInjected.distribution

    def spy(self, *args, **kwargs):
        drawn.append("z" if self is model.encoder else "x")
        return distribution(self, *args, **kwargs)

    monkeypatch.setattr(NoiseInjected, "distribution", spy)
    model.train_on_batch(toy_pairs(8))
    needed = set(streams) | {objective.stream for objective in model.active}
    assert len(drawn) == len(needed)


@pytest.mark.ci
@pytest.mark.usefixtures("compiled")
def test_fit_reports_every_term_by_its_name():
    history = toy().fit(toy_pairs(), epochs=2, batch_size=16, verbose=0).history
    expected = {f"{letter}_{stream}" for letter in "LD" for stream in ALL}
    assert set(history) == expected | {f"critic_{stream}" for stream in ALL} | {"loss"}
    assert np.isfinite(list(history.values())).all()


@pytest.mark.usefixtures("compiled")
def test_training_lowers_the_likelihood_term():
    model = toy(["L_z_tilde"])
    history = model.fit(toy_pairs(), epochs=30, batch_size=16, verbose=0).history["L_z_tilde"]
    assert history[-1] < history[0] - 0.1


@pytest.mark.ci
def test_every_weight_gets_a_gradient():
    model = toy()
    before = [v.numpy() for v in (*model.mapper_variables, *model.critic_variables)]
    model.fit(toy_pairs(), batch_size=16, verbose=0)
    after = [v.numpy() for v in (*model.mapper_variables, *model.critic_variables)]
    # The last bias of a Wasserstein critic cancels in the difference of means.
    unmoved = [b.shape for b, a in zip(before, after, strict=True) if np.array_equal(a, b)]
    assert set(unmoved) <= {(1,)}
    assert len(unmoved) <= 4


@pytest.mark.ci
def test_arrays_read_as_x_and_z():
    pairs = toy_pairs()
    results = []
    for arguments in ((pairs,), (pairs["x"], pairs["z"])):
        keras.utils.set_random_seed(3)
        model = toy(["L_z_tilde", "D_x_tilde"])
        results.append(model.fit(*arguments, batch_size=64, verbose=0).history)
    assert results[0] == results[1]


@pytest.mark.ci
def test_critics_step_more_often_than_mappers():
    model = toy(["L_z_tilde", "D_z_tilde"], critic_steps=3)
    model.fit(toy_pairs(), batch_size=16, verbose=0)
    assert int(model.optimizer.iterations) == 4
    assert int(model.critic_optimizer.iterations) == 12


def test_critics_do_not_train_mappers_nor_mappers_critics():
    model = toy(["D_z_tilde"])
    model.critic_optimizer.learning_rate = 0.0
    critic = [v.numpy() for v in model.critic_variables]
    model.fit(toy_pairs(), batch_size=16, verbose=0)
    for before, after in zip(critic, model.critic_variables, strict=True):
        np.testing.assert_array_equal(before, after)


def test_gradients_are_clipped():
    model = toy(["L_z_tilde"])
    model.compile(keras.optimizers.SGD(1.0, global_clipnorm=1e-3))
    before = np.concatenate([v.numpy().ravel() for v in model.mapper_variables])
    model.train_on_batch(toy_pairs())
    after = np.concatenate([v.numpy().ravel() for v in model.mapper_variables])
    assert np.linalg.norm(after - before) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.usefixtures("compiled")
def test_average_follows_the_weights():
    model = toy(["L_z_tilde"], ema_momentum=0.5)
    kernel = [model.encoder.weights[0].numpy()]
    mean = kernel[0]
    for step in range(1, 8):
        model.train_on_batch(toy_pairs())
        momentum = min(0.5, (1 + step) / (10 + step))
        mean = momentum * mean + (1 - momentum) * model.encoder.weights[0].numpy()
    np.testing.assert_allclose(model.encoder_average.weights[0], mean, rtol=1e-4, atol=1e-6)
    assert not np.array_equal(mean, model.encoder.weights[0].numpy())
    x = toy_pairs()["x"]
    np.testing.assert_array_equal(
        model.encode(x, noise=np.zeros_like(x)), model.encoder_average(x, noise=np.zeros_like(x))
    )


@pytest.mark.ci
def test_a_model_takes_what_another_one_draws_with():
    former, model = (toy(["L_z_tilde", "D_z_tilde"], ema_momentum=0.5) for _ in range(2))
    former.fit(toy_pairs(), batch_size=16, verbose=0)
    take_weights(model, former)
    for layer in (model.encoder, model.encoder_average):
        for mine, theirs in zip(layer.weights, former.encoder_average.weights, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    critics = [next(o for o in m.objectives if o.term == "D_z_tilde") for m in (model, former)]
    for mine, theirs in zip(*(critic.weights for critic in critics), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(ValueError, match="the decoder of the model to start from is another one"):
        take_weights(presets.pix2pix(), former)


@pytest.mark.ci
@pytest.mark.usefixtures("compiled")
def test_nan_stops_training_names_the_term_and_spares_the_weights():
    model = toy(["L_z_tilde", "D_z_tilde"])
    pairs = toy_pairs()
    pairs["z"][40] = np.nan
    with pytest.raises(ValueError, match="z has 1 bad events; the first is event 40"):
        model.fit(pairs, batch_size=16, verbose=0)
    with pytest.raises(NotFiniteError, match="L_z_tilde"):
        model.fit(tf.data.Dataset.from_tensor_slices(pairs).batch(16), verbose=0)
    for variable in (*model.mapper_variables, *model.critic_variables):
        assert np.isfinite(variable.numpy()).all()


@pytest.mark.usefixtures("compiled")
def test_gradients_not_finite_stop_training_too():
    class Cliff(keras.layers.Layer):
        def call(self, values):
            return tf.custom_gradient(lambda v: (v, lambda upstream: upstream * np.nan))(values)

    network = keras.Sequential([keras.layers.Dense(1), Cliff()])
    model = Turbo(
        Deterministic(network, (1,)), None, [Likelihood("z_tilde")], Identity((1,)), Identity((1,))
    )
    model.compile("sgd")
    before = [w.numpy() for w in model.mapper_variables]
    with pytest.raises(NotFiniteError, match="the gradient not finite"):
        model.fit({"x": np.ones((4, 1)), "z": np.ones((4, 1))}, verbose=0)
    for a, b in zip(before, model.mapper_variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weigh_switches_terms():
    model = toy(["L_z_tilde", "L_x_hat"])
    model.set_loss_weights({"L_x_hat": 0.0})
    assert model.streams == []
    assert set(model.fit(toy_pairs(), verbose=0).history) == {"loss", "L_z_tilde"}
    with pytest.raises(ValueError, match="'D_x_hat'"):
        model.set_loss_weights({"D_x_hat": 1.0})


@pytest.mark.ci
def test_warmup_begins_with_some_terms():
    model = toy()
    history = model.fit(
        toy_pairs(), epochs=3, batch_size=64, verbose=0, callbacks=[Warmup(["L_z_tilde"], 2)]
    ).history
    assert len(history["L_z_tilde"]) == 3
    assert len(history["D_x_hat"]) == 1
    assert len(model.active) == 8


@pytest.mark.ci
def test_a_warmup_cut_short_leaves_no_weights_behind(tmp_path):
    def stop(batch, logs):
        raise KeyboardInterrupt

    model, weights = toy(run_eagerly=True), {}
    name, saved = repr(model), keras.callbacks.ModelCheckpoint(tmp_path / "m.keras", save_freq=1)
    for callback in (saved, keras.callbacks.LambdaCallback(on_train_batch_end=stop)):
        callbacks = [Warmup(["L_z_tilde"], 2), callback]
        if callback is saved:
            model.fit(toy_pairs(16), epochs=1, verbose=0, callbacks=callbacks)
            weights = {o.term: o.weight for o in keras.saving.load_model(tmp_path / "m.keras").objectives}
            continue
        with pytest.raises(KeyboardInterrupt):
            model.fit(toy_pairs(16), epochs=3, verbose=0, callbacks=callbacks)
    assert repr(model) == name
    assert set(weights.values()) == {1.0}
    model.stages = [Stage(0.0, {"L_z_tilde": 1.0})]
    with pytest.raises(ValueError, match="toy is trained in stages"):
        model.fit(toy_pairs(), verbose=0, callbacks=Warmup(["L_z_tilde"], 1))
    with pytest.raises(ValueError, match="no terms Q to begin with"):
        model.fit(toy_pairs(), verbose=0, callbacks=Warmup(["Q"], 1))


def test_mean_loss_is_the_weighted_sum():
    model = toy(["L_z_tilde", "L_x_tilde"])
    model.set_loss_weights({"L_z_tilde": 3.0, "L_x_tilde": 0.5})
    logs = model.evaluate(toy_pairs(), batch_size=64, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(3.0 * logs["L_z_tilde"] + 0.5 * logs["L_x_tilde"], rel=1e-5)


def test_duplicate_terms_are_refused():
    with pytest.raises(ValueError, match="once"):
        Turbo(
            NoiseInjected(mlp([], 1), (1,)), None, [Likelihood("z_tilde"), Likelihood("z_tilde")],
            Identity((1,)), Identity((1,)),
        )  # fmt: skip


@pytest.mark.ci
def test_wrong_width_and_missing_mapper_are_named():
    model = toy()
    with pytest.raises(ValueError, match=r"x must have shape \(n, 3\), got \(4, 2\)"):
        model.encode(np.zeros((4, 2), "float32"))
    with pytest.raises(ValueError, match=r"noise must have shape \(4, 3\), got \(5, 3\)"):
        model.encode(np.zeros((4, 3), "float32"), noise=np.zeros((5, 3), "float32"))
    sure = Deterministic(mlp([], 1), (1,))
    silent = Turbo(sure, None, [Likelihood("z_tilde")], Identity((1,)), Identity((1,)), name="silent")
    with pytest.raises(ValueError, match="the encoder of silent takes no noise"):
        silent.encode(np.zeros((4, 1), "float32"), noise=np.zeros((4, 1), "float32"))
    lone = Turbo(
        NoiseInjected(mlp([], 1), (1,)), None, [Likelihood("z_tilde")], Identity((1,)), Identity((1,))
    )
    with pytest.raises(ValueError, match="has no decode, only encode"):
        lone.decode(np.zeros((4, 1), "float32"))
    with pytest.raises(ValueError, match="L_x_hat needs a mapper that is missing: the decoder"):
        Turbo(NoiseInjected(mlp([], 1), (1,)), None, [Likelihood("x_hat")], Identity((1,)), Identity((1,)))


def test_call_gives_the_four_streams():
    model = toy()
    streams = model.predict(toy_pairs(), batch_size=16, verbose=0)
    assert {name: array.shape for name, array in streams.items()} == {
        "z_tilde": (64, 2), "x_hat": (64, 3), "x_tilde": (64, 3), "z_hat": (64, 2),
    }  # fmt: skip


def test_representations_adapt_before_training(few):
    model = Turbo(
        NoiseInjected(mlp([4], 24), (24,)), None, [Likelihood("z_tilde")],
        Standardise((24,), scalar=True), Standardise((24,)),
    )  # fmt: skip
    model.compile()
    model.fit(few.train, batch_size=50, verbose=0)
    np.testing.assert_allclose(model.x_representation.mean, few.train.x.mean(), rtol=1e-4)
    np.testing.assert_allclose(model.z_representation.mean, few.train.z.mean(0), rtol=1e-3, atol=1e-3)


@pytest.mark.ci
def test_saved_and_loaded_model_is_the_same_and_trains_on(tmp_path):
    model = toy(["L_z_tilde", "D_x_tilde"])
    model.fit(toy_pairs(), batch_size=16, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    pairs = toy_pairs()
    noise = np.ones_like(pairs["x"])
    np.testing.assert_array_equal(
        model.encode(pairs["x"], noise=noise), again.encode(pairs["x"], noise=noise)
    )
    for mine, its in (
        (model.optimizer, again.optimizer),
        (model.critic_optimizer, again.critic_optimizer),
    ):
        for a, b in zip(mine.variables, its.variables, strict=True):
            np.testing.assert_array_equal(a, b)
    assert repr(again) == repr(model)
    again.fit(toy_pairs(), batch_size=16, verbose=0)


@pytest.mark.slow
def test_resumed_training_is_bitwise_the_undisturbed_one(tmp_path):
    def model():
        keras.utils.set_random_seed(5)
        made = toy()
        made.fit_args = {"batch_size": 16, "verbose": 0}
        return made

    pairs = toy_events()
    whole = model()
    whole.fit(pairs, epochs=4, **whole.fit_args)
    first = model()
    first.fit(pairs, epochs=2, callbacks=[Backup(tmp_path)], **first.fit_args)
    second = model()
    second.train_on_batch(toy_pairs(8))  # its own past must not matter
    backup = Backup(tmp_path)
    assert backup.resume(second) == (2, 0)
    second.fit(pairs, epochs=4, initial_epoch=2, callbacks=[backup], **second.fit_args)
    for a, b in zip(whole.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


@pytest.mark.usefixtures("compiled")
@pytest.mark.slow
@pytest.mark.parametrize("executions", [1, 2])
def test_training_resumes_in_the_middle_of_an_epoch(executions, tmp_path):
    def model():
        keras.utils.set_random_seed(5)
        return toy(["L_z_tilde", "D_x_tilde"], steps_per_execution=executions)

    class Interruption(Exception):
        pass

    def interrupt(batch, logs):
        if whole.interrupted and batch == 5:
            raise Interruption

    pairs, options = toy_events(128), {"batch_size": 16, "epochs": 3, "verbose": 0}
    whole = model()
    whole.interrupted = False
    expected = whole.fit(pairs, **options).history
    first = model()
    whole.interrupted = True
    stop = keras.callbacks.LambdaCallback(on_train_batch_end=interrupt)
    with pytest.raises(Interruption):
        first.fit(pairs, callbacks=[Backup(tmp_path, every=4), stop], **options)
    second, backup = model(), Backup(tmp_path)
    assert backup.resume(second) == (0, 4)
    history = second.fit(pairs, initial_step=4, callbacks=[backup], **options).history
    assert history == expected
    for a, b in zip(whole.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_executions_of_many_steps_do_not_run_past_an_epoch(few):
    model = presets.turbosim(original=True)
    assert model.steps_per_execution == 20
    model.fit(few.train, batch_size=50, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 8


def test_model_is_a_plain_keras_citizen(capsys):
    model = toy()
    model.summary()
    assert "noise_injected" in capsys.readouterr().out
    assert "1·L_z_tilde" in repr(model)
    assert all(isinstance(v, keras.Variable) for v in model.variables)


@pytest.mark.ci
def test_bfloat16_policy_trains():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = toy()
        assert model.encoder.network.compute_dtype == "bfloat16"
        history = model.fit(toy_pairs(), batch_size=16, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(list(history.values())).all()
    assert model.encode(tf.zeros((2, 3))).dtype == tf.float32
