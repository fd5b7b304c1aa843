"""Export of a finished run to a model folder."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from mizoo.datasets import Samples
from mizoo.datasets.disk import telling_full
from mizoo.datasets.lock import sole_writer
from mizoo.evaluation.report import Report, evaluate
from mizoo.export.card import write_card
from mizoo.export.folders import check_folder
from mizoo.export.manifest import write_manifest
from mizoo.export.onnx import OPSET, write_onnx
from mizoo.export.pretrained import Pretrained, load_keras
from mizoo.export.record import read_config
from mizoo.model.turbo import Turbo
from mizoo.presets import PRESETS, Preset
from mizoo.training.recipe import history
from mizoo.training.warm_start import take_weights


def ship(run: str | Path, directory: str | Path, test: Samples, tested: str | None = None) -> Report:
    """Write the model of a run as a folder like those of `saved_models`.

    The folder has a SavedModel, `model.keras`, `model.onnx`, `config.json`, `metrics.json`, the model card
    and checksums. The metrics are those of the written SavedModel on `test`, with seed 0. The folder is
    written atomically and replaces an existing model.

    Args:
        run: folder of a finished run.
        directory: folder of the model, whose name becomes the model's name.
        test: events that the run has not seen.
        tested: description of `test` for the card, if it is not held out from the data of the run.

    Returns:
        The `Report` on the test data.

    Raises:
        FileNotFoundError: if the run has not finished.
        FileExistsError: if the folder holds something other than a model.
        ImportError: without the extra `onnx`.
        ValueError: if `model.onnx` deviates from TensorFlow.
        BlockingIOError: if another process writes the folder.
        OSError: if the disk is full; the folder is as before.
    """
    run, directory = Path(run), Path(directory)
    check_place(run, directory)
    config = {**_config(run, directory), "tested": tested} if tested else _config(run, directory)
    model = load_keras(run / "model.keras")
    unfinished = directory.with_name(f".{directory.name}.part")
    directory.absolute().parent.mkdir(parents=True, exist_ok=True)
    with sole_writer(directory), telling_full(directory, "the folder is as before"):
        return _ship(model, config, unfinished, directory, test)


def _ship(model: Turbo, config: dict[str, Any], unfinished: Path, directory: Path, test: Samples) -> Report:
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        model.export(unfinished, verbose=False)
        deviations = write_onnx(model, unfinished / "model.onnx", test[:1000])
        save_settled(model, unfinished / "model.keras")
        config |= {
            "repr": repr(model),
            "endpoints": model.endpoints,
            "shapes": {s: list(r.physical_shape) for s, r in model.representations.items()},
            "onnx": {"opset": OPSET, "deviations": deviations},
        }
        _write(unfinished / "config.json", config)
        write_manifest(unfinished)
        report = evaluate(Pretrained(unfinished), test, name=directory.name, seed=0)
        _write(unfinished / "metrics.json", report.to_dict())
        write_card(unfinished)
        write_manifest(unfinished)
        put(unfinished, directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return report


def check_place(run: str | Path, directory: str | Path) -> None:
    """Check that a run has finished, and that its model can be written to a folder.

    Raises:
        FileNotFoundError: if the run has not finished.
        FileExistsError: if the folder holds something other than a model.
    """
    if not (Path(run) / "model.keras").is_file():
        raise FileNotFoundError(f"{run} holds no finished run: model.keras is missing")
    check_folder(directory, ("saved_model.pb", "config.json"), "a model of mizoo")


def put(whole: Path, directory: Path) -> None:
    """Move a folder into place, replacing an existing one.

    The existing folder is renamed to `.NAME.former` and deleted last, so that an interruption cannot lose
    it.
    """
    former = directory.with_name(f".{directory.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    if directory.exists():
        directory.replace(former)
    whole.replace(directory)
    shutil.rmtree(former, ignore_errors=True)


def save_settled(model: Turbo, path: str | Path) -> None:
    """Save a model for further training, with averaged weights of the mappers and new optimisers.

    The file is compressed, as the states of new optimisers are zeros.
    """
    settled = type(model).from_config({**model.get_config(), "ema_momentum": None})
    take_weights(settled, model)
    settled.compile_from_config(model.get_compile_config())
    whole = Path(path).with_name("whole.keras")
    settled.save(whole)
    with zipfile.ZipFile(whole) as loose, zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as packed:
        for name in loose.namelist():
            packed.writestr(name, loose.read(name))
    whole.unlink()


def _config(run: Path, directory: Path) -> dict[str, Any]:
    """Content of `config.json`: how the model was made."""
    past = history(run)
    if (preset := PRESETS.get(name := past["recipe"]["preset"])) is None:
        raise ValueError(f"{run} has an unknown preset {name!r}")
    return {
        **read_config(run),
        "description": (preset.factory.__doc__ or "").partition("\n")[0],
        "paper": preset.paper,
        "dataset": None if "files" in past.get("data", {}) else _dataset(past, preset),
        **_without_paths(past),
        "commands": [*_commands(past, run.name), f"mizoo export {run.name} saved_models/{directory.name}"],
    }


def _dataset(past: dict[str, Any], preset: Preset) -> str:
    """Name of the packaged data set of a history."""
    return past.get("data", {}).get("demonstration", preset.dataset)


def _without_paths(past: dict[str, Any]) -> dict[str, Any]:
    """A history without the paths of files, which are private to the user."""
    past = dict(past)
    if "files" in past.get("data", {}):
        files = [{key: file[key] for key in ("name", "sha256")} for file in past["data"]["files"]]
        past["data"] = {**past["data"], "files": files}
    if "start" in past:
        past["start"] = _without_paths(past["start"])
    return past


def _commands(past: dict[str, Any], out: str) -> list[str]:
    """The command lines that reproduce a run with this history."""
    recipe = past["recipe"]
    earlier = _commands(past["start"], Path(recipe["start"]).name) if "start" in past else []
    return [*earlier, _command(recipe, past.get("precision"), past.get("data", {}), out)]


def _command(recipe: dict[str, Any], precision: str | None, data: dict[str, Any], out: str) -> str:
    words = [f"mizoo train {recipe['preset']} --out {out}"]
    words += [
        f"--{key.replace('_', '-')} {recipe[key]}"
        for key in ("epochs", "batch_size", "warmup", "select_from", "select_every", "seed")
        if recipe[key] is not None
    ]
    words += [f"--select-by {recipe['select_by']}"] if "select_by" in recipe else []
    words += [f"--precision {precision}"] if precision else []
    words += [f"--start {Path(recipe['start']).name}"] if recipe.get("start") else []
    words += [] if recipe["cosine"] else ["--no-cosine"]
    for name, value in recipe["options"].items():
        if name == "process":
            words.append(f"--process {value if isinstance(value, str) else value['name'] + '.yaml'}")
        else:
            words.append(f"--set '{name}={json.dumps(value)}'")
    words += ["--columns columns.yaml"] if data.get("columns") else []
    words += [f"--data {file['name']}" for file in data.get("files", ())]
    words += ["--skip-bad"] if data.get("skip_bad") else []
    return " ".join(words)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
