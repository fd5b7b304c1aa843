"""Reference draws of the shipped models and training steps of the presets, against regressions.

`python tests/golden.py write FOLDER` computes them anew, `python tests/golden.py compare FOLDER` demands
the same bits. `write` made the files in `tests/data/golden`. Sums round differently on another machine, so
`tests/test_golden.py` compares with a tolerance.
"""

import functools
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import mizoo
from mizoo.export.record import process_of
from mizoo.presets import PRESETS

DATA = Path(__file__).parent / "data"
FOLDER = DATA / "golden"
SHIPPED = Path(__file__).parents[1] / "saved_models"
MODELS = sorted(path.parent.name for path in SHIPPED.glob("*/model.keras"))
EVENTS = 8
# Sizes at which a step of a preset takes seconds.
SMALL: dict[str, dict] = {"flow": {"units": 8, "couplings": 2}, "turbosim": {"units": 8, "couplings": 2}}
SMALL["gandalf"] = {"latent": 8, "width": 8, "units": 16, "blocks": 1, "evaluations": 4}


def truth(config):
    """Test events of the process of a shipped model, or of the demonstration of its preset."""
    process = process_of(config)
    return _truth(config["recipe"]["preset"], process and process.name)


@functools.cache
def _truth(preset, process):
    if process in ("zee", "zh"):
        return getattr(mizoo.datasets, process)().test
    if process == "ttbar_events":
        files = (DATA / "ttbar_reco.root", DATA / "ttbar_reco.lhe.gz")
        return mizoo.datasets.read(*files, process=mizoo.processes.ttbar_events)
    return PRESETS[preset].truth("test")


def session(folder):
    """The ONNX file of a model folder, run on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])


def feeds(events, source, shape, noise_shape) -> dict[str, np.ndarray]:
    """Inputs of a reference draw, as inputs of the ONNX file by name.

    Args:
        events: events, see `truth`, that are drawn if they lack the space `source`.
        shape: shape of one event of that space.
        noise_shape: shape of the noise per event, empty for none.
    """
    random = np.random.default_rng(1)
    known = events[source]
    values = random.standard_normal((EVENTS, *shape)) if known is None else known[:EVENTS]
    given = {source: np.asarray(values, "float32")}
    if noise_shape:
        noise = random.standard_normal((EVENTS, *noise_shape))
        given[{"x": "z_noise", "z": "x_noise"}[source]] = noise.astype("float32")
    return given


def draws(name) -> dict[str, np.ndarray]:
    """Draws of a shipped model for a few test events, and the `spread` of components in the test data.

    `model.keras` and the ONNX file draw by given noise, the SavedModel by a seed.
    """
    shipped = mizoo.load(name)
    model = shipped.trainable()
    true = truth(shipped.config)
    onnx = session(shipped.path)
    found = {}
    for endpoint, source, target, role in (
        ("encode", "x", "z", "encoder"),
        ("decode", "z", "x", "decoder"),
    ):
        if model.mappers[role] is None:
            continue
        shape = model.representations[source].physical_shape
        given = feeds(true, source, shape, model.noise_shape(role) or ())
        events, noise = given[source], given.get(f"{target}_noise")
        found[f"keras.{endpoint}"] = np.asarray(getattr(model, endpoint)(events, noise=noise))
        found[f"saved.{endpoint}"] = np.asarray(getattr(shipped, endpoint)(events, seed=1))
        (found[f"onnx.{endpoint}"],) = onnx.run([f"{target}_tilde"], given)
        known = true[target]
        spread = np.ones(model.representations[target].physical_shape) if known is None else known.std(0)
        found[f"spread.{endpoint}"] = np.maximum(spread, 1e-2 * spread.max()).astype("float32")
    if "sample" in shipped.endpoints:
        found["saved.sample"] = np.asarray(shipped.sample(EVENTS, seed=1))
        found["spread.sample"] = np.maximum(true.x.std(0), 1e-2 * true.x.std()).astype("float32")
    return found


def step(name) -> dict[str, np.ndarray]:
    """One training step of a preset by a fixed seed: its logs, then Σw and Σ|w| of each variable."""
    data = PRESETS[name].load_dataset().train[:32]
    keras.utils.set_random_seed(1)
    model = PRESETS[name].factory(**SMALL.get(name, {}))
    model.adapt(data)
    tf.config.run_functions_eagerly(True)  # nothing is compiled for the sake of one step
    try:
        logs = model.train_on_batch(data.arrays(), return_dict=True)
    finally:
        tf.config.run_functions_eagerly(False)
    weights = [keras.ops.convert_to_numpy(v).astype("float64") for v in model.trainable_variables]
    return {
        **{f"log.{term}": np.asarray(value, "float64") for term, value in sorted(logs.items())},
        "weights": np.array([(w.sum(), np.abs(w).sum()) for w in weights]),
    }


def files(folder):
    """Path and function of each file of references."""
    for name in MODELS:
        yield Path(folder) / f"{name}.npz", functools.partial(draws, name)
    for name in PRESETS:
        yield Path(folder) / f"step-{name}.npz", functools.partial(step, name)


def main(action, folder, only=""):
    """Write the references, or compare with those of a folder, bit by bit."""
    different = []
    for path, make in files(folder):
        if only not in path.name:
            continue
        found = make()
        if action == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, **found)
        else:
            with np.load(path) as before:
                same = before.files == list(found) and all(
                    np.array_equal(before[key], value) for key, value in found.items()
                )
            different += [] if same else [path.name]
        print(path.name, "differs" if path.name in different else "done", flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
