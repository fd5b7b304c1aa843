"""Batches of `fit`: all kinds of data, what is left over at the end of an epoch, and their order."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import toy, toy_events, toy_pairs
from watched import PAIRS, Spread, Watched, needy, numbered, numbers, watched

from mizoo import Turbo, presets
from mizoo.datasets import Samples
from mizoo.mappers import Gaussian
from mizoo.networks import mlp
from mizoo.objectives import terms
from mizoo.representations import Identity, Latent
from mizoo.training import Backup

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
