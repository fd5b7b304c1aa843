"""Two replicas on one machine, in a process of their own: logical devices are fixed at start-up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

TRAINING = """
import json, sys
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from conftest import toy, toy_events

two = sys.argv[1] == "2"
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]) if two else tf.distribute.get_strategy()
keras.utils.set_random_seed(1)
with strategy.scope():
    model = toy(["L_z_tilde", "L_x_hat"], stddev=0.0)
history = model.fit(toy_events(), batch_size=16, epochs=3, verbose=0).history
weights = [w.tolist() for w in model.get_weights()]
print(json.dumps({"replicas": strategy.num_replicas_in_sync, "loss": history["loss"], "weights": weights}))
"""


def trained(replicas):
    result = subprocess.run(
        [sys.executable, "-c", TRAINING, str(replicas)],
        cwd=Path(__file__).parent, env=os.environ, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_two_mirrored_replicas_train_as_one():
    one, two = trained(1), trained(2)
    assert (one["replicas"], two["replicas"]) == (1, 2)
    np.testing.assert_allclose(one["loss"], two["loss"], rtol=1e-5)
    for a, b in zip(one["weights"], two["weights"], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
