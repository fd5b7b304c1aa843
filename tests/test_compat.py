"""The private API of Keras exists, is missed with a clear message, and is still needed."""

import importlib
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from mizoo import compat

PACKAGE = Path(compat.__file__).parent


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (keras.Optimizer, "_all_reduce_sum_gradients"),
        (keras.Model, "_maybe_symbolic_build"),
        (keras.Model, "_flatten_layers"),
    ],
)
def test_what_is_missing_is_named(owner, name, monkeypatch):
    holder = next(cls for cls in owner.__mro__ if name in vars(cls))
    monkeypatch.delattr(holder, name)
    with pytest.raises(ImportError, match=f"Keras {keras.__version__} has no {owner.__name__}.{name}"):
        importlib.reload(compat)
    monkeypatch.undo()
    importlib.reload(compat)


def test_private_names_are_in_one_file():
    for path in PACKAGE.rglob("*.py"):
        if path.name != "compat.py":
            text = path.read_text()
            for private in (
                "keras.src",
                "_all_reduce_sum_gradients",
                "_maybe_symbolic_build",
                "_flatten_layers",
            ):
                assert private not in text, f"{private} in {path}"


CLIPPED = """
import keras, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    weight = keras.Variable([0.0])
    optimizer = keras.optimizers.SGD(1.0, global_clipnorm=1.0)
    optimizer.build([weight])
    REMEDY
strategy.run(tf.function(lambda: optimizer.apply([tf.constant([10.0])], [weight])))
print(float(weight.numpy()[0]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("remedy", "moved"),
    [
        # Each replica's gradient of 10 is clipped to 1, and then they are summed.
        ("", -2.0),
        # Nothing is summed any more: `Turbo` sums gradients itself, before they are clipped.
        ("from mizoo.compat import take_summed_gradients; take_summed_gradients(optimizer)", -1.0),
    ],
)
def test_keras_still_clips_before_it_sums(remedy, moved):
    code = CLIPPED.replace("REMEDY", remedy)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout.split()[-1]) == moved
