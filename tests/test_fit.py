"""Arguments of `fit`, `evaluate`, `predict` and `compile` are used or rejected, for all kinds of data."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import eager, toy, toy_events, toy_pairs

from mizoo import Turbo, presets
from mizoo.datasets import Samples, Split
from mizoo.mappers import Deterministic, Gaussian
from mizoo.networks import mlp
from mizoo.objectives import Divergence, terms
from mizoo.objectives.estimators import Estimator
from mizoo.representations import Identity, Latent
from mizoo.training import Backup
from mizoo.training.callbacks import KSDistance
from mizoo.training.recipe import Recipe, train


class Watched(Turbo):
    """A model that records the x of each batch that it is trained or evaluated on."""

    def compile(self, **options):
        super().compile(**{"optimizer": "sgd", **options, "run_eagerly": True})
        self.trained, self.tested = [], []

    def train_step(self, data):
        self.trained.append(keras.utils.unpack_x_y_sample_weight(data)[0])
        return super().train_step(data)

    def test_step(self, data):
        self.tested.append(keras.utils.unpack_x_y_sample_weight(data)[0])
        return super().test_step(data)

    def seen(self, which="trained"):
        """Batches of x, which are numbers, as lists."""
        batches = [batch["x"] if isinstance(batch, dict) else batch for batch in getattr(self, which)]
        return [batch.numpy().ravel().astype(int).tolist() for batch in batches]

    def all_seen(self, which="trained"):
        """The same, in one list."""
        return [number for batch in self.seen(which) for number in batch]


def watched(objectives=None):
    """A model of numbers x given numbers z."""
    decoder = Gaussian(mlp([], 2), (1,))
    model = Watched(None, decoder, objectives or terms({"L_x_tilde": 1.0}), Identity((1,)), Identity((1,)))
    model.compile()
    return model


def numbers(n):
    return np.arange(float(n))[:, None]


def numbered(n, **options):
    """Samples whose x are the numbers of the events."""
    return Samples(numbers(n), np.zeros((n, 1)), **options)


@keras.saving.register_keras_serializable("tests")
class Spread(Estimator):
    """Difference of standard deviations, which one event does not have."""

    kind = "spread"
    least_events = 2

    def loss(self, real, fake):
        variance = [tf.reduce_sum((v - tf.reduce_mean(v, 0)) ** 2) for v in (real, fake)]
        return tf.abs(variance[0] - variance[1]) / (tf.cast(tf.shape(real)[0], tf.float32) - 1.0)


def needy():
    return watched([Divergence("x_tilde", Spread())])


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

PAIRS, STREAM = {"x": numbers(20), "z": np.zeros((20, 1))}, "tf.data"


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


# ------------------------------------------------------------------ data as Keras takes them


def test_an_autoencoder_is_given_x_alone():
    model = presets.ae(x=(2,), latent=2)
    x = np.random.default_rng(0).normal(size=(20, 2))
    for method in (model.fit, model.evaluate):
        for y in (x, x.copy(), x[:, :1]):
            with pytest.raises(ValueError, match=r"y is read as z of shape \(n, 2\).* so give x alone"):
                method(x, y, verbose=0)
    with pytest.raises(ValueError, match="so give x alone"):
        model.fit(x, validation_data=(x, x), verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [list, tf.constant, pd.DataFrame, lambda x: x.astype("uint8"), lambda x: Samples(x)]
)
def test_images_without_channel_and_other_kinds_of_arrays(kind):
    x = np.random.default_rng(0).integers(0, 255, size=(6, 3, 3))
    decoder = Gaussian(mlp([], 2), (1,))
    model = Watched(None, decoder, terms({"D_x_tilde": 1.0}, lambda s: Spread()), Identity((1,)), Latent(1))
    model.compile()
    if kind is pd.DataFrame:
        model.fit(pd.DataFrame({"a": [1.0, 2.0, 3.0]}), verbose=0)
        assert sorted(model.all_seen()) == [1, 2, 3]
        return
    images = presets.ae(x=Identity((3, 3, 1)), latent=2)
    images.run_eagerly = True
    history = images.fit(kind(x.astype("float32")), validation_data=(kind(x),), epochs=1, verbose=0).history
    assert np.isfinite(history["val_loss"]).all()
    assert images.predict(kind(x), verbose=0)["x_hat"].shape == (6, 3, 3, 1)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 3, 3, 1\), got \(6, 3, 2\)"):
        images.fit(x[..., :2], verbose=0)


def test_fewer_events_than_a_batch_are_one():
    for data in (numbered(20), PAIRS):
        model = watched()
        model.fit(data, verbose=0)
        assert [len(batch) for batch in model.seen()] == [20]
    model.fit(PAIRS, batch_size=64, verbose=0)  # as in Keras
    assert len(model.seen()) == 2


def test_arrays_train_in_all_batches_and_in_order_if_asked():
    model = watched()
    model.fit(PAIRS, batch_size=8, epochs=2, shuffle=False, verbose=0)
    order = list(range(20))
    assert model.seen() == 2 * [order[:8], order[8:16], order[16:]]
    model = watched()
    model.fit(numbered(20), batch_size=8, epochs=5, shuffle=False, verbose=0)  # full ones only
    assert model.all_seen() == 4 * order
    model = watched()
    model.fit(PAIRS, batch_size=8, verbose=0)
    assert model.all_seen() != order
    assert sorted(model.all_seen()) == order


@pytest.mark.ci
def test_validation_arguments_are_used():
    model = watched()
    history = model.fit(
        PAIRS, validation_split=0.2, validation_batch_size=2, epochs=4, batch_size=8, validation_freq=2,
        verbose=0,
    ).history  # fmt: skip
    assert set(model.all_seen()) == set(range(16))
    assert model.seen("tested") == 2 * [[16, 17], [18, 19]]
    assert len(history["val_loss"]) == 2
    model = watched()
    model.fit(numbered(20), validation_split=0.5, verbose=0)
    assert (len(model.seen()[0]), model.seen("tested")) == (10, [list(range(10, 20))])
    for validation in (numbered(20), (numbered(20),), PAIRS, (PAIRS["x"], PAIRS["z"]), (PAIRS, None)):
        model = watched()
        model.fit(PAIRS, validation_data=validation, validation_batch_size=4, validation_steps=2, verbose=0)
        assert model.seen("tested") == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.ci
def test_steps_are_used_also_where_executions_have_more():
    model = toy(["L_z_tilde"], steps_per_execution=4)
    data = tf.data.Dataset.from_tensor_slices(toy_pairs()).batch(4).repeat()
    model.fit(data, steps_per_epoch=6, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 12
    model.fit(toy_events(), batch_size=16, steps_per_epoch=5, verbose=0)
    assert int(model.optimizer.iterations) == 17
    assert model.get_compile_config()["steps_per_execution"] == 4


def test_evaluate_and_predict_take_what_fit_takes():
    model, pairs = toy(["L_z_tilde", "L_x_tilde"], stddev=0.0, run_eagerly=True), toy_pairs(20)
    results = [
        model.evaluate(*data, batch_size=7, verbose=0, return_dict=True)
        for data in ((pairs,), (pairs["x"], pairs["z"]), (Samples(**pairs),))
    ]
    assert results[0] == results[1] == results[2]
    shapes = {"z_tilde": (20, 2), "x_hat": (20, 3), "x_tilde": (20, 3), "z_hat": (20, 2)}
    weighted = Samples(**pairs, weights=np.arange(20.0))
    for data in (pairs, weighted, tf.data.Dataset.from_tensor_slices((pairs["x"], pairs["z"])).batch(6)):
        drawn = model.predict(data, verbose=0)
        assert {name: array.shape for name, array in drawn.items()} == shapes
    drawn = model.predict(pairs["x"], batch_size=6, verbose=0)
    assert {name: array.shape for name, array in drawn.items()} == {"z_tilde": (20, 2), "x_hat": (20, 3)}
    assert len(model.predict(pairs["x"], batch_size=6, steps=2, verbose=0)["x_hat"]) == 12
    with pytest.raises(ValueError, match="as many x as z, got 20 and 9"):
        model.predict(Samples(pairs["x"], pairs["z"][:9], paired=False), verbose=0)
    with pytest.raises(ValueError, match="makes nothing from x"):
        watched().predict(numbers(3), verbose=0)


# ------------------------------------------------------------------ rest batches


@pytest.mark.ci
@pytest.mark.parametrize("size", [50, 100])
@pytest.mark.parametrize("kind", ["samples", "arrays"])
def test_no_batch_is_too_small_for_a_term(size, kind):
    data = numbered(101) if kind == "samples" else {"x": numbers(101), "z": np.zeros((101, 1))}
    model = needy()
    logs = model.fit(data, validation_data=data, batch_size=size, validation_batch_size=size, verbose=0)
    assert np.isfinite(list(logs.history.values())).all()
    assert [len(batch) for batch in model.seen()] == [size] * (100 // size)
    assert [len(batch) for batch in model.seen("tested")] == [*[50] * (100 // size - 1), size + 1]
    assert np.isfinite(model.evaluate(data, batch_size=size, verbose=0)).all()


def test_what_is_too_small_is_named():
    model = needy()
    for method, name in ((model.fit, "and batch_size is 1"), (model.evaluate, "and batch_size is 1")):
        with pytest.raises(ValueError, match=f"D_x_tilde needs 2 or more in a batch, {name}"):
            method(numbered(9), batch_size=1, verbose=0)
    with pytest.raises(ValueError, match="and there are 1"):
        model.evaluate(numbered(1), verbose=0)
    with pytest.raises(ValueError, match="and it has 1"):
        model.train_on_batch({"x": numbers(1), "z": numbers(1)})


@pytest.mark.parametrize("eagerly", [True, False])
def test_batches_of_a_data_set_that_are_too_small_are_named(eagerly):
    model = needy()
    Turbo.compile(model, run_eagerly=eagerly)
    data = tf.data.Dataset.from_tensor_slices({"x": numbers(21), "z": np.zeros((21, 1))}).batch(10)
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="D_x_tilde needs 2 or more in a batch") as caught:
            method(data, verbose=0)
        assert "\n" not in str(caught.value)
    model.fit(data.take(2), verbose=0)


@pytest.mark.parametrize(
    "name", ["wae", *(pytest.param(name, marks=pytest.mark.ci) for name in ("infovae", "bibae_desy"))]
)
def test_presets_train_and_evaluate_with_one_event_left_over(name):
    x = np.random.default_rng(0).normal(size=(101, 3)).astype("float32")
    model = presets.PRESETS[name].factory(x=(3,), latent=2)
    model.run_eagerly = True
    for size in (50, 100):
        logs = model.fit(x, validation_data=x, batch_size=size, epochs=2, verbose=0).history
        assert np.isfinite([value for values in logs.values() for value in values]).all()
        assert np.isfinite(model.evaluate(x, batch_size=size, verbose=0)).all()


# ------------------------------------------------------------------ order


@pytest.mark.ci
def test_the_order_goes_on_from_one_fit_to_the_next(tmp_path):
    whole = watched()
    whole.fit(numbered(250), batch_size=100, epochs=6, verbose=0)
    model = watched()
    for _ in range(6):
        model.fit(numbered(250), batch_size=100, verbose=0)
    assert model.seen() == whole.seen()
    assert len({tuple(batch) for batch in model.seen()}) == 12
    assert len(set(model.all_seen())) > 245
    model = watched()
    model.fit(numbered(250), batch_size=100, epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    model = keras.saving.load_model(tmp_path / "m.keras", {"Watched": Watched})
    model.run_eagerly, model.trained = True, []
    model.fit(numbered(250), batch_size=100, epochs=4, initial_epoch=2, verbose=0)
    assert model.seen() == whole.seen()[4:8]


def test_the_order_goes_on_where_nothing_of_the_mappers_is_trained():
    model = watched()
    model.decoder.trainable = False
    model.compile(critic_steps=3)
    for _ in range(2):
        model.fit(numbered(64), batch_size=16, verbose=0)
    assert int(model.optimizer.iterations) == 8
    assert len({tuple(batch) for batch in model.seen()}) == 8


@pytest.mark.parametrize(
    ("before", "accumulated"),
    [(0, None), (3, 2), *(pytest.param(*p, marks=pytest.mark.ci) for p in ((0, 2), (3, None)))],
)
def test_order_of_a_run_resumed_within_an_epoch(before, accumulated, tmp_path):
    class Interruption(Exception):
        pass

    def model():
        keras.utils.set_random_seed(3)
        made = watched()
        made.optimizer = None
        Turbo.compile(made, keras.optimizers.SGD(gradient_accumulation_steps=accumulated), run_eagerly=True)
        for _ in range(before):
            made.train_on_batch({"x": numbers(4), "z": numbers(4)})
        made.trained.clear()
        return made

    def stop(batch, logs):
        if batch == 3 and len(first.trained) > 6:
            raise Interruption

    options = {"batch_size": 16, "epochs": 3, "verbose": 0}
    whole, first = model(), model()
    whole.fit(numbered(96), **options)
    callbacks = [Backup(tmp_path, every=2), keras.callbacks.LambdaCallback(on_train_batch_end=stop)]
    with pytest.raises(Interruption):
        first.fit(numbered(96), callbacks=callbacks, **options)
    second, backup = model(), Backup(tmp_path)
    assert backup.resume(second) == (1, 4)
    second.fit(numbered(96), initial_epoch=1, initial_step=4, callbacks=[backup], **options)
    assert second.seen() == whole.seen()[10:]
    for a, b in zip(whole.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_steps_to_leave_out_do_not_outlast_a_fit():
    model = watched()

    def fail(logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(
            numbered(64), batch_size=16, initial_step=3, verbose=0,
            callbacks=keras.callbacks.LambdaCallback(on_train_begin=fail),
        )  # fmt: skip
    model.fit(numbered(64), batch_size=16, verbose=0)
    assert len(model.trained) == 4
    model = toy(steps_per_execution=2)
    with pytest.raises(ValueError, match="a multiple of the 2 steps of an execution, got 1"):
        model.fit(toy_events(), batch_size=16, initial_step=1, verbose=0)


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
