"""Steps are compiled once per shape, with a note on the screen if that takes long."""

import logging
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import toy, toy_events, toy_pairs

from mizoo import Turbo, presets
from mizoo.model import compilation

LINE = "compiling the training step of toy, once"


@pytest.fixture
def steps(monkeypatch):
    """Names of the traced steps, and the least time that the tracing of each takes."""
    traced, slow = [], {"training": 0.0, "evaluation": 0.0}
    for method, name in (("train_step", "training"), ("test_step", "evaluation")):
        step = getattr(Turbo, method)

        def counted(self, data, step=step, name=name):
            result = step(self, data)
            traced.append(name)
            time.sleep(slow[name])
            return result

        monkeypatch.setattr(Turbo, method, counted)
    return traced, slow


@pytest.mark.ci
def test_full_batches_are_traced_once(steps):
    traced, _ = steps
    model = toy(terms=("L_x_hat",))
    data = {"batch_size": 16, "validation_data": toy_events(32), "validation_batch_size": 16}
    model.fit(toy_events(70), epochs=3, verbose=0, **data)
    model.fit(toy_events(40), epochs=2, verbose=0, **data)
    assert traced == ["training", "evaluation"]


@pytest.mark.ci
def test_a_smaller_last_batch_is_not_traced_again(steps):
    traced, _ = steps
    model = toy(terms=("L_x_hat",))
    for events in (70, 75):
        model.fit(toy_pairs(events), batch_size=16, epochs=2, verbose=0)
    assert traced == ["training"]


@pytest.mark.slow
def test_other_weights_are_traced_once(steps):
    traced, _ = steps
    model = toy(terms=("L_x_hat",))
    model.fit(toy_events(32), batch_size=16, epochs=2, verbose=0)
    model.set_loss_weights({"L_x_hat": 0.5})
    model.fit(toy_events(32), batch_size=16, epochs=2, verbose=0)
    assert traced == ["training"] * 2


@pytest.mark.ci
def test_long_compilations_are_announced_once(steps, monkeypatch, capsys):
    _, slow = steps
    slow["training"] = 0.3
    monkeypatch.setattr(compilation, "PATIENCE", 0.05)
    model = toy(terms=("L_x_hat",))
    model.fit(toy_events(), batch_size=16, epochs=3, verbose=2)
    assert capsys.readouterr().out.count(LINE) == 1
    slow["evaluation"] = 0.3
    model.evaluate(toy_events(), batch_size=16, verbose=2)
    assert "compiling the evaluation step of toy, once" in capsys.readouterr().out


@pytest.mark.slow
def test_validation_within_a_training_is_announced_too(steps, monkeypatch, capsys):
    _, slow = steps
    slow["evaluation"] = 0.3
    monkeypatch.setattr(compilation, "PATIENCE", 0.1)
    for verbose, lines in ((2, 1), (0, 0)):
        model = toy(terms=("L_x_hat",))
        model.fit(toy_events(), validation_data=toy_events(), batch_size=64, verbose=verbose)
        assert capsys.readouterr().out.count("compiling the evaluation step") == lines


@pytest.mark.slow
def test_nothing_is_said_where_it_is_quick_silent_or_eager(steps, monkeypatch, capsys):
    _, slow = steps
    monkeypatch.setattr(compilation, "PATIENCE", 1000.0)
    toy(terms=("L_x_hat",)).fit(toy_events(), batch_size=16, verbose=2)
    slow["training"] = 0.3
    monkeypatch.setattr(compilation, "PATIENCE", 0.05)
    toy(terms=("L_x_hat",)).fit(toy_events(), batch_size=16, verbose=0)
    toy(terms=("L_x_hat",), run_eagerly=True).fit(toy_events(), batch_size=32, verbose=2)
    assert "compiling" not in capsys.readouterr().out


@pytest.mark.ci
def test_nothing_is_due_after_a_step_that_fails(monkeypatch, capsys):
    monkeypatch.setattr(compilation, "PATIENCE", 2.0)

    def wrong(self, data, training):
        raise ValueError("wrong")

    monkeypatch.setattr(Turbo, "_batch", wrong)
    with pytest.raises(ValueError, match="wrong"):
        toy(terms=("L_x_hat",)).fit(toy_events(), batch_size=16, verbose=2)
    time.sleep(2.5)
    assert "compiling" not in capsys.readouterr().out


@pytest.mark.slow
def test_couplings_are_compiled_once_for_all_that_are_alike(steps):
    from mizoo.mappers.coupling import _shared

    _shared.cache_clear()
    model = presets.flow(x=(4,), units=8, couplings=4)
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    model.fit(x, batch_size=16, epochs=3, verbose=0)
    assert steps[0] == ["training"]
    info = _shared.cache_info()
    assert info.misses == 2  # in double precision and in single
    assert tf.executing_eagerly()


@pytest.mark.ci
@pytest.mark.parametrize("preset", ["gandalf", "flow"])
def test_draws_are_traced_without_a_warning(preset, few):
    small = {"latent": 10, "width": 8, "blocks": 1} if preset == "gandalf" else {"couplings": 2}
    model, data = getattr(presets, preset)("ttbar", units=8, **small), few.train
    model.adapt(data)
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    tf.get_logger().addHandler(handler)
    try:
        for draw, source in ((model.encode, "x"), (model.decode, "z")):
            assert tf.function(draw)(data[source][:4]).shape == (4, 24)
    finally:
        tf.get_logger().removeHandler(handler)
    assert [record.getMessage() for record in records] == []
