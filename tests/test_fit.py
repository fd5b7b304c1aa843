"""Arguments of `fit`, `evaluate`, `predict` and `compile` are used or rejected, for all kinds of data."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import eager, toy, toy_events
from watched import PAIRS, numbered, numbers, watched

from mizoo import Turbo, presets
from mizoo.datasets import Samples, Split
from mizoo.mappers import Deterministic, Gaussian
from mizoo.networks import mlp
from mizoo.objectives import terms
from mizoo.representations import Identity
from mizoo.training.callbacks import KSDistance
from mizoo.training.recipe import Recipe, train

# ------------------------------------------------------------------ weights


@pytest.mark.ci
@pytest.mark.parametrize("arrays", [("x", "z"), ({"x", "z"},), "samples"])
def test_sample_weights_are_used_whatever_the_data(arrays):
    x, z, weights = numbers(40), np.zeros((40, 1)), np.repeat([0.0, 2.0], 20)
    data = {"samples": (Samples(x, z),)}.get(arrays) if arrays == "samples" else None
    data = data or ((x, z) if len(arrays) == 2 else ({"x": x, "z": z},))
    model = watched()
    model.fit(*data, sample_weight=weights, batch_size=10, verbose=0)
    assert sorted(model.all_seen()) == sorted([*range(20, 40), *range(20, 40)])
    model.evaluate(*data, sample_weight=weights, batch_size=10, verbose=0)
    assert sorted(model.all_seen("tested")) == sorted([*range(20, 40), *range(20, 40)])


def test_sample_weights_are_used_without_pairs():
    model = presets.vae(x=(1,), latent=1)
    x = np.repeat([0.0, 1.0], 64)[:, None]
    logs = [
        model.evaluate(x, sample_weight=w, batch_size=128, verbose=0, return_dict=True)["L_x_hat"]
        for w in (np.repeat([1.0, 0.0], 64), np.repeat([0.0, 1.0], 64))
    ] if model.x_representation.adapt(x) is None else []  # fmt: skip
    assert logs[0] != pytest.approx(logs[1], rel=1e-3)


def test_weights_of_validation_data_are_used():
    model, x, z = watched(), numbers(20), np.zeros((20, 1))
    weights = np.repeat([0.0, 2.0], 10)
    model.fit(x, z, validation_data=(x, z, weights), verbose=0)
    assert set(model.all_seen("tested")) == set(range(10, 20))
    with pytest.raises(ValueError, match=r"1 of 20 are negative"):
        model.fit(x, z, sample_weight=np.r_[-1.0, np.ones(19)], verbose=0)
    with pytest.raises(ValueError, match="weights must be one a row"):
        model.evaluate(x, z, sample_weight=np.ones(7), verbose=0)


# ------------------------------------------------------------------ arguments that do not go together

STREAM = "tf.data"


@pytest.mark.ci
@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (PAIRS, {"class_weight": {0: 1.0}}, "class_weight is not used"),
        (PAIRS, {"y": np.zeros((20, 1))}, "y beside a dictionary is not used"),
        (numbered(20), {"y": np.zeros((20, 1))}, "y beside Samples is not used"),
        (numbered(20, weights=np.ones(20)), {"sample_weight": np.ones(20)}, "give one of the two"),
        (numbered(20), {"batch_size": 21}, "a batch of 21 needs as many events, got 20"),
        (PAIRS, {"batch_size": 0}, "batch_size must be 1 or more"),
        (PAIRS, {"validation_split": 1.5}, "a fraction between 0 and 1"),
        (PAIRS, {"validation_split": 0.5, "validation_data": PAIRS}, "give one of the two"),
        (PAIRS, {"validation_steps": 2}, "validation_steps without validation data"),
        (PAIRS, {"validation_batch_size": 2}, "validation_batch_size without validation data"),
        (PAIRS, {"validation_freq": 2}, "validation_freq without validation data"),
        (PAIRS, {"initial_step": 1}, "initial_step must be 0 to 0"),
        (PAIRS, {"initial_step": -1}, "initial_step must be"),
        (PAIRS, {"validation_data": (1, 2, 3, 4)}, "got 4 parts"),
        (STREAM, {"y": np.zeros((20, 1))}, "y beside a _BatchDataset is not used"),
        (STREAM, {"sample_weight": np.ones(20)}, "sample_weight beside a _BatchDataset is not used"),
        (STREAM, {"batch_size": 4}, "batch_size beside batches is not used"),
        (STREAM, {"shuffle": True}, "shuffle beside batches is not used"),
        (STREAM, {"initial_step": 1}, "initial_step beside batches"),
        (STREAM, {"validation_split": 0.5}, "validation_split beside batches"),
        (PAIRS, {"validation_data": STREAM, "validation_batch_size": 2}, "validation_batch_size beside"),
        ({"x": numbers(20), "features": numbers(20)}, {}, "named x and z, got features"),
        ({}, {}, "x, z or both"),
        (None, {}, "x is missing"),
        ((numbers(20), numbers(20)), {}, "x is a tuple"),
        ([numbers(20), numbers(20)], {}, r"x must have shape \(n, 1\), got \(2, 20, 1\)"),
        (np.full((20, 1), "a"), {}, "x must be an array of numbers"),
        (np.full((20, 1), 1j), {}, "x must be real numbers"),
        (numbers(20), {"y": np.zeros((19, 1))}, "got 20 x and 19 z"),
        (numbers(20), {"y": np.zeros((20, 2))}, r"z must have shape \(n, 1\), got \(20, 2\)"),
    ],
)
def test_what_would_be_ignored_is_refused_by_name(data, arguments, message):
    def made(data):
        return tf.data.Dataset.from_tensor_slices(PAIRS).batch(10) if isinstance(data, str) else data

    model = watched()
    with pytest.raises(ValueError, match=message) as caught:
        model.fit(made(data), **{name: made(value) for name, value in arguments.items()}, verbose=0)
    assert "\n" not in str(caught.value)
    assert not model.trained
    for name in ("evaluate", "predict"):
        if set(arguments) == {"batch_size"} and isinstance(data, str):
            with pytest.raises(ValueError, match=message):
                getattr(model, name)(made(data), **arguments, verbose=0)


def test_weights_and_names_within_batches_are_refused():
    model, arrays = watched(), (numbers(20), np.zeros((20, 1)), np.ones(20))
    with pytest.raises(ValueError, match="weights within batches are not used"):
        model.fit(tf.data.Dataset.from_tensor_slices(arrays).batch(10), verbose=0)
    named = tf.data.Dataset.from_tensor_slices({"x": numbers(20), "condition": numbers(20)}).batch(10)
    for method in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match="named x and z, got condition"):
            method(named, verbose=0)
    model = watched()
    model.fit(tf.data.Dataset.from_tensor_slices(arrays[:2]).batch(10), verbose=0)
    assert [len(batch) for batch in model.seen()] == [10, 10]


@pytest.mark.ci
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "mse"}, "loss is not used: the loss is the weighted sum"),
        ({"metrics": ["mse"]}, "metrics is not used: every term is logged"),
        ({"weighted_metrics": []}, "weighted_metrics is not used"),
        ({"loss_weights": [1.0]}, "loss_weights is not used: set_loss_weights"),
        ({"critic_steps": 0}, "critic_steps must be a whole number of 1 or more, got 0"),
        ({"optimizer": keras.optimizers.Adam(use_ema=True)}, "optimizer has use_ema=True"),
        ({"critic_optimizer": keras.optimizers.Adam(loss_scale_factor=2.0)}, "critic_optimizer expects"),
    ],
)
def test_compile_refuses_what_it_would_not_use(arguments, message):
    model = toy()
    with pytest.raises(ValueError, match=message):
        model.compile(**arguments)
    with pytest.raises(TypeError, match="'los'"):
        model.compile(los="mse")


def test_half_precision_that_learns_nothing_is_refused():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(
            ValueError, match=r"mixed_float16, under which nothing is learnt.*mixed_bfloat16"
        ):
            toy()
    finally:
        keras.config.set_dtype_policy("float32")
    network = keras.Sequential([keras.layers.Dense(1, dtype="mixed_float16", name="half")])
    with pytest.raises(ValueError, match="half has the policy mixed_float16"):
        Turbo(
            None,
            Deterministic(network, (1,)),
            terms({"L_x_tilde": 1.0}),
            Identity((1,)),
            Identity((1,)),
        )
    model = toy(["L_z_tilde"])
    model.encoder.network.layers[-1].dtype_policy = "mixed_float16"
    with pytest.raises(ValueError, match="mixed_float16"):
        model.compile()


# ------------------------------------------------------------------ callbacks


def rates(model):
    return [float(o.learning_rate) for o in (model.optimizer, model.critic_optimizer)]


def with_rates(mappers, critics):
    model = toy(["D_z_tilde"], run_eagerly=True)
    model.compile(keras.optimizers.SGD(mappers), keras.optimizers.SGD(critics), run_eagerly=True)
    return model


def fitted(model, *callbacks, epochs=3):
    model.fit(toy_events(32), batch_size=16, epochs=epochs, callbacks=list(callbacks), verbose=0)
    return rates(model)


@pytest.mark.ci
def test_learning_rates_fall_together(tmp_path):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    assert fitted(with_rates(0.08, 0.02), halve) == pytest.approx([0.01, 0.0025])
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=1e9)
    saved = keras.callbacks.ModelCheckpoint(tmp_path / "m.keras")
    assert fitted(with_rates(0.1, 0.2), plateau, saved, epochs=2) == pytest.approx([0.01, 0.02])
    assert rates(keras.saving.load_model(tmp_path / "m.keras")) == pytest.approx([0.01, 0.02])
    up = keras.callbacks.LearningRateScheduler(lambda epoch, rate: (0.1, 0.0, 0.2)[epoch])
    assert fitted(with_rates(0.1, 0.3), up) == pytest.approx([0.2, 0.6])


def test_a_callback_may_set_each_rate():
    class Both(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.optimizer.learning_rate = 0.01
            self.model.critic_optimizer.learning_rate = 0.5

    assert fitted(with_rates(0.1, 0.1), Both()) == pytest.approx([0.01, 0.5])


@pytest.mark.ci
def test_rates_that_cannot_fall_together_are_named():
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 + 0.1)
    with pytest.raises(ValueError, match="the mappers from 0"):
        fitted(with_rates(0.0, 0.1), halve)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    with pytest.raises(ValueError, match="that of the critics is a schedule"):
        fitted(with_rates(0.1, schedule), halve)
    with pytest.raises(TypeError, match="not settable"):
        fitted(with_rates(schedule, schedule), halve)


def test_callbacks_of_every_form():
    class Count(keras.callbacks.Callback):
        epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1

    model = watched()
    for wrapped in (
        lambda c: c,
        lambda c: [c],
        lambda c: (c,),
        lambda c: keras.callbacks.CallbackList([c]),
    ):
        count = Count()
        history = model.fit(numbered(20), callbacks=wrapped(count), epochs=2, verbose=0)
        assert count.epochs == 2
        assert len(history.history["loss"]) == 2
        model.evaluate(numbered(20), callbacks=wrapped(count), verbose=0)


def test_mappers_that_are_all_frozen_do_not_move():
    model = toy(["L_z_tilde", "D_z_tilde"], run_eagerly=True)
    model.encoder.trainable = model.decoder.trainable = False
    before = [w.numpy() for w in model.encoder.weights]
    assert np.isfinite(model.fit(toy_events(32), verbose=0).history["loss"]).all()
    for a, b in zip(before, model.encoder.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_replicas_do_not_run_eagerly(monkeypatch):
    class Two:
        num_replicas_in_sync = 2

    model = toy(run_eagerly=True)
    monkeypatch.setattr(type(model), "distribute_strategy", Two())
    with pytest.raises(ValueError, match="run_eagerly=True does not work under Two"):
        model.make_train_function(force=True)


def test_truth_drawn_from_a_prior_has_no_weights():
    x = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    model = presets.aae(x=(2,), latent=2)
    model.adapt({"x": x})
    callback = KSDistance(Samples(x, weights=np.arange(40.0)))
    callback.set_model(model)
    assert callback._weights("z", truth=True) is None
    assert callback._weights("z") is callback._weights("x", truth=True) is callback.events.weights
    callback.on_epoch_end(0, logs := {})
    assert np.isfinite(logs["val_ks"])


def test_nothing_to_train_is_said():
    model = watched()
    model.set_loss_weights({"L_x_tilde": 0.0})
    with pytest.raises(ValueError, match="all terms have the weight 0"):
        model.fit(numbered(20), verbose=0)
    model = Turbo(
        None,
        Gaussian(mlp([], 2), (1,)),
        terms({"L_x_tilde": 1.0}),
        Identity((1,)),
        Identity((1,)),
        name="raw",
    )
    with pytest.raises(ValueError, match="raw is not compiled"):
        model.fit(numbered(20), verbose=0)


# ------------------------------------------------------------------ runs


@pytest.fixture
def run(tmp_path):
    """Trains or resumes a small run with the given options."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")

    def made(epochs=2, seed=0, resume=True, **options):
        recipe = Recipe(
            "ae", {"x": (3,), "latent": 2, "units": 4, **options}, epochs=epochs, batch_size=20, seed=seed
        )
        split = Split(*[Samples(x)] * 3)
        with eager():
            return train(recipe, split, tmp_path / "run", resume=resume, verbose=0)

    made.folder = tmp_path / "run"
    return made


@pytest.mark.ci
def test_a_run_names_what_differs_in_its_recipe(run):
    run()
    run()  # done, and the same: a tuple is a list in the file
    for changes, message in (
        ({"units": 8}, "has another options: options: units 4, now 8"),
        ({"seed": 7}, "has another seed: seed 0, now 7"),
        ({"epochs": 3, "latent": 3}, "another options, epochs: options: latent 2, now 3; epochs 2, now 3"),
        ({"learning_rate": 0.1}, "options: learning_rate not given, now 0.1"),
    ):
        with pytest.raises(ValueError, match=message):
            run(**changes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("config.json", None, FileNotFoundError),
        ("config.json", "{", ValueError),
        ("metrics.csv", None, FileNotFoundError),
        ("metrics.csv", "epoch,val_ks\n0,1.0\n", ValueError),
        ("metrics.csv", "\x00", ValueError),
        ("best.weights.h5", None, FileNotFoundError),
    ],
)
def test_a_run_names_its_file_that_is_missing_or_damaged(name, content, error, run):
    run()
    path = run.folder / name
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(error) as caught:
        run()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
