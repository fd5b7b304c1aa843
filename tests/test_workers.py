"""Two workers, processes of their own on loopback, train as one does."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

TRAINING = """
import json, os, sys
import tensorflow as tf

many = "TF_CONFIG" in os.environ
strategy = tf.distribute.MultiWorkerMirroredStrategy() if many else tf.distribute.get_strategy()
import keras
from conftest import toy, toy_events
from mizoo.workers import AcrossWorkers

if sys.argv[1] == "without":
    AcrossWorkers.spans_workers = False
keras.utils.set_random_seed(1)
with strategy.scope():
    model = toy(["L_z_tilde", "L_x_hat"], stddev=0.0)
data = toy_events()
history = model.fit(data, validation_data=data, batch_size=16, epochs=2, verbose=0).history
print(json.dumps({"history": history, "weights": [w.tolist() for w in model.get_weights()]}))
"""


def free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def run(workers, remedy="with"):
    """Return codes and outputs of a training by so many workers."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    processes = []
    for index in range(workers):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, **({"TF_CONFIG": json.dumps(config)} if workers > 1 else {})}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, "-c", TRAINING, remedy]
        processes.append(subprocess.Popen(command, cwd=Path(__file__).parent, env=environment, **pipes))
    try:
        outputs = [process.communicate(timeout=180) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [process.returncode for process in processes], outputs


def trained(workers):
    codes, outputs = run(workers)
    assert codes == [0] * workers, outputs[0][1][-2000:]
    return [json.loads(text.splitlines()[-1]) for text, _ in outputs]


def test_two_workers_train_as_one():
    (alone,), both = trained(1), trained(2)
    for worker in both:
        for name, values in alone["history"].items():
            np.testing.assert_allclose(worker["history"][name], values, rtol=1e-5, err_msg=name)
        for a, b in zip(alone["weights"], worker["weights"], strict=True):
            np.testing.assert_allclose(b, a, atol=1e-5)


def test_keras_still_needs_the_remedy():
    """Once this fails, `mizoo.workers` can go."""
    codes, outputs = run(2, "without")
    if codes == [0, 0]:
        pytest.fail("keras #20585 is mended: remove mizoo/workers.py")
    assert any("Attempt to convert a value" in errors or "axis" in errors for _, errors in outputs)
