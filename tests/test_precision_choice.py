"""The precision of networks is chosen by a measurement, once per run."""

import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from mizoo.compat import all_layers
from mizoo.datasets import Samples, Split
from mizoo.model import dtype_policy, precision
from mizoo.training.publish import _command
from mizoo.training.recipe import Recipe, train

CPU = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else "amx_bf16"
FASTER_HERE = any(flag in CPU for flag in ("amx_bf16", "avx512_bf16")) or tf.config.list_physical_devices(
    "GPU"
)


@pytest.fixture(autouse=True)
def _policy():
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def measured(monkeypatch):
    """Sets how many times as fast as float32 a layer in bfloat16 is measured to be."""

    def set_ratio(ratio):
        monkeypatch.setattr(precision, "_measured", lambda events: ratio)

    return set_ratio


@pytest.fixture
def run(tmp_path):
    """Trains or resumes a small run."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")

    def made(word="auto", **arguments):
        recipe = Recipe("ae", {"x": (3,), "latent": 2}, epochs=1, batch_size=20, precision=word)
        split = Split(*[Samples(x)] * 3)
        return train(recipe, split, tmp_path / "run", resume=True, **{"verbose": 0, **arguments})

    made.config = tmp_path / "run" / "config.json"
    made.log = tmp_path / "run" / "log.txt"
    return made


def products(model):
    """Precisions of the matrix products in a model's dense layers."""
    return {layer.compute_dtype for layer in all_layers(model) if isinstance(layer, keras.layers.Dense)}


@pytest.mark.parametrize(
    ("ratio", "policy"), [(2.0, "mixed_bfloat16"), (1.1, "float32"), (1.0, "float32"), (0.1, "float32")]
)
def test_what_is_clearly_faster_is_chosen(ratio, policy, measured, caplog):
    measured(ratio)
    with caplog.at_level(logging.INFO, "mizoo"):
        assert dtype_policy("auto") == policy
    (line,) = caplog.messages
    assert line.startswith(f"precision: {policy.removeprefix('mixed_')}, as a layer of 192 units")
    assert f"{ratio:.2f} times as fast in bfloat16" in line
    assert dtype_policy("bfloat16") == "mixed_bfloat16"
    assert dtype_policy("float32") == "float32"


@pytest.mark.skipif(bool(FASTER_HERE), reason="this machine has units for bfloat16")
def test_float32_is_chosen_where_nothing_multiplies_bfloat16():
    assert dtype_policy("auto") == "float32"


def test_the_measurement_is_real_short_and_made_once(monkeypatch):
    precision._measured.cache_clear()
    start = time.process_time()
    found = precision._measured(100)
    assert time.process_time() - start < 2.0  # of all threads together
    assert found > 0.0
    monkeypatch.setattr(precision, "measure", lambda events: pytest.fail("measured again"))
    assert precision._measured(100) == found
    precision._measured.cache_clear()


def test_a_measurement_leaves_the_random_numbers_as_they_are():
    keras.utils.set_random_seed(3)
    first = tf.random.normal((3,)).numpy()
    keras.utils.set_random_seed(3)
    precision.measure(50, seconds=0.0)
    np.testing.assert_array_equal(tf.random.normal((3,)), first)


def test_a_policy_that_is_set_is_kept_or_contradicted(measured):
    measured(0.5)
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert dtype_policy("auto") == dtype_policy("bfloat16") == "mixed_bfloat16"
    with pytest.raises(ValueError, match="is mixed_bfloat16, which contradicts the precision float32"):
        dtype_policy("float32")
    for other in ("mixed_float16", "float64", "bfloat16"):
        keras.config.set_dtype_policy(other)
        with pytest.raises(ValueError, match=f"policy is {other}, which contradicts the precision auto"):
            dtype_policy("auto")


@pytest.mark.parametrize("word", ["float16", "mixed_bfloat16", "", None])
def test_other_precisions_are_refused(word):
    message = "precision must be auto, float32 or bfloat16, not "
    for refused in (lambda: dtype_policy(word), lambda: Recipe("vae", precision=word)):
        with pytest.raises(ValueError, match=f"{message}{word!r}"):
            refused()


@pytest.mark.ci
@pytest.mark.parametrize(("ratio", "chosen"), [(2.0, "bfloat16"), (0.5, "float32")])
def test_a_run_keeps_what_was_chosen_when_it_began(ratio, chosen, measured, run, capsys):
    measured(ratio)
    model = run(verbose=2)
    assert capsys.readouterr().out.count(f"precision: {chosen}, as a layer of") == 1
    assert products(model) == {chosen}
    config = json.loads(run.config.read_text())
    assert (config["recipe"]["precision"], config["precision"]) == ("auto", chosen)
    assert keras.config.dtype_policy().name == "float32"
    measured(1.0 / ratio)
    assert products(run()) == {chosen}
    assert f"precision: {chosen}, as this run began" in run.log.read_text()


@pytest.mark.ci
@pytest.mark.parametrize("word", ["float32", "bfloat16"])
def test_a_run_has_the_precision_that_it_is_given(word, measured, run):
    measured(2.0 if word == "float32" else 0.5)
    assert products(run(word)) == {word}
    with pytest.raises(ValueError, match=f'has another precision: precision "{word}", now "auto"'):
        run("auto")


@pytest.mark.ci
def test_runs_of_former_versions_go_on_in_float32(measured, run):
    run("float32")
    config = json.loads(run.config.read_text())
    del config["precision"], config["recipe"]["precision"]
    run.config.write_text(json.dumps(config))
    measured(2.0)
    assert products(run("auto")) == {"float32"}
    run.config.write_text(json.dumps({**config, "precision": "auto"}))
    with pytest.raises(ValueError, match=r"config.json is damaged: its precision is 'auto'"):
        run("auto")


WORKER = """
import sys
from pathlib import Path
from mizoo import distribute
from mizoo.model import precision
from mizoo.training import recipe

index, *ratios = sys.argv[1:]
strategy = distribute.resolve("multiworker")
for ratio in ratios:
    precision._measured = lambda events: float(ratio.split(":")[int(index)])
    print(recipe._choice(Path("nowhere"), recipe.Recipe("ae"), strategy).precision, flush=True)
"""


@pytest.mark.slow
def test_workers_take_bfloat16_if_it_is_faster_on_all_of_them():
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    running = []
    for index in range(2):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        command = [sys.executable, "-c", WORKER, str(index), "2:2", "2:1", "1:2", "1:1"]
        environment = {**os.environ, "TF_CONFIG": json.dumps(cluster)}
        running.append(
            subprocess.Popen(
                command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
    for process in running:
        out, errors = process.communicate(timeout=300)
        assert out.split() == ["bfloat16", "float32", "float32", "float32"], errors[-2000:]


def test_the_command_of_a_card_has_the_precision_that_was_chosen():
    recipe = {
        "preset": "ae", "epochs": 1, "batch_size": 2, "warmup": 0, "select_from": 0, "select_every": 1,
        "seed": 0, "cosine": True, "options": {}, "precision": "auto",
    }  # fmt: skip
    assert "--precision bfloat16" in _command(recipe, "bfloat16", {}, "run")
    assert "--precision" not in _command(recipe, None, {}, "run")


def test_the_code_of_the_page_runs():
    page = (Path(__file__).parents[1] / "docs" / "performance.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict = {}
    exec(code, names)
    assert products(names["model"]) == {names["keras"].config.dtype_policy().compute_dtype}
