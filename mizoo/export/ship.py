"""From a finished run to a folder that can be shipped."""

import json
import shutil
from pathlib import Path

import keras

from mizoo.datasets import Events
from mizoo.evaluation.report import Report, evaluate
from mizoo.export.card import write_card
from mizoo.export.pretrained import Pretrained
from mizoo.presets import PRESETS
from mizoo.training.run import seconds


def ship(run, directory, test: Events) -> Report:
    """Write SavedModel, `config.json`, `metrics.json` and model card of a run.

    The figures are those of the SavedModel as written, on `test`. The folder appears whole or not at
    all; one that is there is replaced.

    Raises:
        FileNotFoundError: if the run has not finished.
    """
    run, directory = Path(run), Path(directory)
    if not (run / "model.keras").is_file():
        raise FileNotFoundError(f"{run} holds no finished run: model.keras is missing")
    model = keras.saving.load_model(run / "model.keras")
    unfinished = directory.with_name(f".{directory.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.export(unfinished, verbose=False)
    _write(unfinished / "config.json", _config(run, directory, model))
    report = evaluate(Pretrained(unfinished), test, name=directory.name)
    _write(unfinished / "metrics.json", report.summary())
    write_card(unfinished)
    shutil.rmtree(directory, ignore_errors=True)
    unfinished.replace(directory)
    return report


def _config(run, directory, model):
    config = json.loads((run / "config.json").read_text())
    recipe = config["recipe"]
    preset = PRESETS[recipe["preset"]]
    return {
        **config,
        "repr": repr(model),
        "model": keras.saving.serialize_keras_object(model),
        "description": (preset.factory.__doc__ or "").partition("\n")[0],
        "paper": preset.paper,
        "seconds": seconds(run),
        "commands": [_command(recipe, run.name), f"mizoo export {run.name} saved_models/{directory.name}"],
    }


def _command(recipe, out):
    """The command line that makes a run by this recipe."""
    words = [f"mizoo train {recipe['preset']} --out {out}"]
    words += [
        f"--{key.replace('_', '-')} {recipe[key]}"
        for key in ("epochs", "batch_size", "warmup", "select_from", "select_every", "seed")
    ]
    words += [] if recipe["cosine"] else ["--no-cosine"]
    words += [f"--set '{name}={json.dumps(value)}'" for name, value in recipe["options"].items()]
    return " ".join(words)


def _write(path, content):
    path.write_text(json.dumps(content, indent=1) + "\n")
