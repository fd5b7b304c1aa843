from itertools import pairwise
from operator import attrgetter

import keras
import numpy as np
import pytest
from conftest import toy, toy_events, toy_pairs

from mizoo import Stage, presets
from mizoo.model.staged import Stages
from mizoo.training.backup import Backup

pytestmark = pytest.mark.usefixtures("eagerly")


def staged(stages):
    model = toy()
    model.stages = stages
    return model


@pytest.mark.ci
def test_stages_train_their_terms_in_their_time():
    stages = [Stage(0.0, {"L_z_tilde": 1.0}), Stage(0.5, {"L_x_tilde": 2.0, "D_x_tilde": 1.0})]
    history = staged(stages).fit(toy_pairs(), epochs=4, batch_size=32, verbose=0).history
    assert {name: len(history[name]) for name in ("L_z_tilde", "L_x_tilde", "D_x_tilde")} == {
        "L_z_tilde": 2, "L_x_tilde": 2, "D_x_tilde": 2,
    }  # fmt: skip


def test_frozen_parts_do_not_move_and_thaw_in_the_end():
    model = staged([Stage(0.0, {"L_z_tilde": 1.0, "L_x_tilde": 1.0}, frozen=["decoder.network"])])
    frozen = [w.numpy() for w in model.decoder.trainable_weights]
    trained = model.encoder.trainable_weights[0].numpy()
    model.fit(toy_pairs(), epochs=1, batch_size=32, verbose=0)
    for a, b in zip(frozen, model.decoder.trainable_weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(trained, model.encoder.trainable_weights[0])


@pytest.mark.slow
def test_post_processor_of_bibae_desy_is_trained_last_and_alone():
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    model = presets.bibae_desy(x=(4,), latent=2)
    parts = (model.encoder, model.decoder.mapper, model.decoder.network)
    seen = [[[w.numpy() for w in part.trainable_weights] for part in parts]]

    def note(epoch, logs):
        assert all(layer.trainable for part in parts for layer in part._flatten_layers())
        seen.append([[w.numpy() for w in part.trainable_weights] for part in parts])

    callback = keras.callbacks.LambdaCallback(on_epoch_end=note)
    model.fit({"x": x}, epochs=5, batch_size=16, verbose=0, callbacks=[callback])
    trained = [
        [not all(map(np.array_equal, *part)) for part in zip(before, after, strict=True)]
        for before, after in pairwise(seen)
    ]
    assert trained == [[True, True, False]] * 4 + [[False, False, True]]


@pytest.mark.slow
@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_a_training_cut_short_within_a_stage_leaves_nothing_behind(stop, tmp_path):
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    model = presets.bibae_desy(x=(4,), latent=2)
    model.run_eagerly = True
    model.decoder.network.layers[0].trainable = False  # the user's own wish
    model.compile()
    name, weights = repr(model), {o.term: o.weight for o in model.objectives}

    def cut(epoch, logs):
        if epoch == 4:
            assert len(model.active) == 2
            model.save(tmp_path / "within.keras")
            raise stop

    callbacks = keras.callbacks.LambdaCallback(on_epoch_end=cut)
    with pytest.raises(stop):
        model.fit(x, epochs=5, batch_size=16, verbose=0, callbacks=callbacks)
    again = keras.saving.load_model(tmp_path / "within.keras")
    for left in (model, again):
        assert repr(left) == name
        assert {o.term: o.weight for o in left.objectives} == weights
        assert left.encoder.trainable
        assert left.decoder.mapper.trainable
        assert not left.decoder.network.layers[0].trainable
        assert left.decoder.network.layers[-1].trainable
    model.evaluate(x, verbose=0)
    assert len(model.active) == len([w for w in weights.values() if w])


@pytest.mark.slow
@pytest.mark.parametrize("weights_only", [False, True])
def test_a_file_saved_within_a_stage_goes_on_as_if_nothing_had_been(weights_only, tmp_path):
    def model():
        keras.utils.set_random_seed(2)
        made = toy(["L_z_tilde", "L_x_tilde", "D_x_tilde"], stddev=0.0, run_eagerly=True)
        critic = next(o.estimator for o in made.objectives if o.term == "D_x_tilde")
        critic.gradient_penalty = 0.0  # its random numbers are not saved
        made.stages = [
            Stage(0.0, {"L_z_tilde": 1.0}, frozen=["decoder"]),
            Stage(0.5, {"L_x_tilde": 1.0, "D_x_tilde": 1.0}, frozen=["encoder"]),
        ]
        return made

    data, whole = toy_events(), model()
    name = "m.weights.h5" if weights_only else "m.keras"
    saved = keras.callbacks.ModelCheckpoint(
        f"{tmp_path}/{{epoch}}.{name}", save_weights_only=weights_only, save_freq="epoch"
    )
    whole.fit(data, epochs=4, batch_size=32, verbose=0, callbacks=saved)
    for epoch in (1, 2, 3):
        if weights_only:
            second = model()
            second.load_weights(tmp_path / f"{epoch}.{name}")
        else:
            second = keras.saving.load_model(tmp_path / f"{epoch}.{name}")
            second.run_eagerly = True
        second.fit(data, epochs=4, initial_epoch=epoch, batch_size=32, verbose=0)
        for which in ("variables", "optimizer.variables", "critic_optimizer.variables"):
            for a, b in zip(attrgetter(which)(whole), attrgetter(which)(second), strict=True):
                if "seed" not in a.path:
                    np.testing.assert_array_equal(a, b, err_msg=f"{epoch} {a.path}")


@pytest.mark.ci
@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([Stage(0.1, {"L_z_tilde": 1.0})], "must start at 0 and then in order, not at 0.1"),
        ([Stage(0, {}), Stage(0.9, {}), Stage(0.5, {})], "not at 0, 0.9, 0.5"),
        ([Stage(0, {"L_q": 1.0})], "a stage trains 'L_q'; this model has"),
        ([Stage(0, {"L_z_tilde": 1.0}, frozen=["decoder.netwrk"])], "a stage freezes 'decoder.netwrk'"),
    ],
)
def test_stages_that_the_model_cannot_have_are_refused(stages, message):
    with pytest.raises(ValueError, match=message):
        staged(stages).fit(toy_pairs(), verbose=0)
    with pytest.raises(ValueError, match=r"0 to 1, not at 1\.5"):
        Stage(1.5, {})


def test_stages_without_an_epoch_are_told():
    model = staged([Stage(0, {"L_z_tilde": 1.0}), Stage(0.5, {"L_x_tilde": 1.0})])
    model.run_eagerly = True
    with pytest.warns(UserWarning, match="toy has 2 stages of training, and 1 of them no epoch"):
        model.fit(toy_pairs(), verbose=0)


def test_weights_are_not_set_where_a_stage_has_them():
    model = staged([Stage(0, {"L_z_tilde": 1.0})])
    weigh = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: model.set_loss_weights({"L_x_tilde": 1.0})
    )
    with pytest.raises(ValueError, match="cannot be set within a stage"):
        model.fit(toy_pairs(), verbose=0, callbacks=weigh)
    with pytest.raises(ValueError, match="no stage of the training of toy has the term 'L_x_tilde'"):
        model.set_loss_weights({"L_x_tilde": 1.0})
    model.set_loss_weights({"L_x_tilde": 0.0, "L_z_tilde": 3.0})
    model.enter(model.stages[0])
    assert [model.weight(o) for o in model.active] == [3.0]


def test_weights_given_to_a_preset_are_those_of_its_stages():
    model = presets.otus(weights={"D_x_tilde": 5.0, "L_x_hat": 0.0})
    assert [stage.weights for stage in model.stages] == [
        {"L_x_hat": 0.0, "D_z_tilde": model.stages[0].weights["D_z_tilde"]}, {"D_x_tilde": 5.0}
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_stages_resume_where_they_were(tmp_path):
    def model():
        keras.utils.set_random_seed(2)
        return staged([Stage(0.0, {"L_z_tilde": 1.0}), Stage(0.5, {"D_x_tilde": 1.0})])

    data, whole = toy_events(), model()
    whole.fit(data, epochs=4, batch_size=32, verbose=0)
    # The number of epochs decides where stages begin, so an interruption is one from outside.
    first, backup = model(), Backup(tmp_path)

    def interrupt(epoch, logs):
        first.stop_training = epoch == 2

    first.fit(
        data, epochs=4, batch_size=32, verbose=0,
        callbacks=[backup, keras.callbacks.LambdaCallback(on_epoch_end=interrupt)],
    )  # fmt: skip
    second = model()
    assert backup.resume(second) == (3, 0)
    second.fit(data, epochs=4, initial_epoch=3, batch_size=32, verbose=0, callbacks=[backup])
    for a, b in zip(whole.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("epochs", "last"), [(1, []), (2, [1]), (10, [9]), (100, [99]), (1010, list(range(1000, 1010)))]
)
def test_every_stage_has_its_epochs(epochs, last):
    """OTUS's: of 1010 epochs the last ten, of fewer one."""
    model = presets.otus()
    callback = Stages(model.stages)
    callback.set_model(model)
    callback.set_params({"epochs": epochs})
    fine = []
    for epoch in range(epochs):
        callback.on_epoch_begin(epoch)
        if [objective.term for objective in model.active] == ["D_x_tilde"]:
            fine.append(epoch)
    assert fine == last
