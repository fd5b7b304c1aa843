import keras
import numpy as np
import pytest
from conftest import toy, toy_events, toy_pairs

from mizoo import Stage, presets
from mizoo.stages import Stages
from mizoo.training.callbacks import Backup


def staged(stages):
    model = toy()
    model.stages = stages
    return model


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


def test_post_processor_of_bibae_desy_is_trained_last_and_alone():
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    model = presets.bibae_desy(x=(4,), latent=2)
    seen = []

    def note(epoch, logs):
        parts = (model.encoder, model.decoder.mapper, model.decoder.network)
        seen.append([part.trainable_weights[0].numpy() if part.trainable else None for part in parts])

    callback = keras.callbacks.LambdaCallback(on_epoch_end=note)
    model.fit({"x": x}, epochs=5, batch_size=16, verbose=0, callbacks=[callback])
    trained = [[part is not None for part in parts] for parts in seen]
    assert trained == [[True, True, False]] * 4 + [[False, False, True]]


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
