"""Resumable training runs, each in one directory."""

import hashlib
import json
import logging
import math
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import keras
import pandas as pd
import tensorflow as tf

from mizoo.datasets import Events, Split
from mizoo.datasets.disk import telling_full
from mizoo.datasets.integrity import array_checksum
from mizoo.datasets.lock import sole_writer
from mizoo.distribute import collectives
from mizoo.distribute.restart import LOST, WorkerLostError
from mizoo.distribute.strategies import is_chief
from mizoo.evaluation.domain import Domain
from mizoo.evaluation.report import evaluate
from mizoo.export.folders import check_folder
from mizoo.export.record import read_config
from mizoo.model.precision import POLICIES, Choice, check_precision, choose, policy_of
from mizoo.model.turbo import Turbo
from mizoo.presets import PRESETS
from mizoo.presets.data import described, differs
from mizoo.training.backup import Backup, KeepBest
from mizoo.training.callbacks import Warmup
from mizoo.training.log import open_log
from mizoo.training.metrics import MetricsLog, read_metrics, trim_metrics
from mizoo.training.selection import check_selection, measured, resolved
from mizoo.training.warm_start import start_from


@dataclass(frozen=True)
class Recipe:
    """Settings of a run, which reproduce it together with the data.

    Attributes:
        preset: name of the preset.
        options: arguments of the preset's factory.
        epochs, batch_size: number of epochs, and events per batch.
        warmup: number of first epochs that train only the likelihoods on pairs.
        cosine: whether the learning rate decays along a cosine, to a hundredth at the last step.
        select_from: first epoch, from 0, that can be kept, by a distance on validation data. By default it
            is that of the last tenth if `cosine`, as distances of one draw fluctuate.
        select_every: number of epochs between two measurements of this distance.
        seed: seed of weights, noise and the order of events.
        start: name or path of a trained model whose weights the training starts from; empty for new
            weights.
        precision: precision of matrix products in networks, `"float32"`, `"bfloat16"` or `"auto"` for the
            faster one where the run begins, see `mizoo.model.dtype_policy`. A resumed run keeps it.
        select_by: distance that selects the kept epoch: `"ks"`, see `KSDistance`; `"frechet"`, see
            `FrechetDistance`; or `"auto"` for the latter if x are images.

    Raises:
        ValueError: if no epoch would be measured, if the warm-up is longer than the training, or for an
            unknown precision or distance.
    """

    preset: str
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 100
    batch_size: int = 1000
    warmup: int = 0
    cosine: bool = True
    select_from: int | None = None
    select_every: int = 1
    seed: int = 0
    start: str = ""
    precision: str = "auto"
    select_by: str = "auto"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_selection(self.select_by)
        if not any((e + 1) % self.select_every == 0 for e in range(self.first_kept, self.epochs)):
            raise ValueError(
                f"of {self.epochs} epochs none is measured: select_from is {self.first_kept} and "
                f"select_every {self.select_every}"
            )
        if self.warmup > self.epochs:
            raise ValueError(f"a warmup of {self.warmup} epochs is longer than the {self.epochs} epochs")

    @property
    def first_kept(self) -> int:
        """The first epoch, from 0, that can be kept."""
        if self.select_from is not None:
            return self.select_from
        return max(self.epochs - max(self.epochs // 10, self.select_every), 0) if self.cosine else 0

    def model(self, steps_per_epoch: int) -> Turbo:
        """Set the seed, and return the compiled model."""
        keras.utils.set_random_seed(self.seed)
        with policy_of(choose(self.precision, self.batch_size).precision):
            model = PRESETS[self.preset].factory(**self.options)
        if self.cosine:
            rate = float(model.optimizer.learning_rate.numpy())
            model.schedule(rate, steps=self.epochs * steps_per_epoch)
        return model


def train(
    recipe: Recipe,
    data: Split,
    directory: str | Path,
    resume: bool = False,
    verbose: Literal["auto", 0, 1, 2] = "auto",
    strategy: tf.distribute.Strategy | Callable[[], tf.distribute.Strategy] = tf.distribute.get_strategy,
    backup_every: int | None = None,
    source: dict[str, Any] | None = None,
) -> Turbo:
    """Train by a recipe, and write everything to a directory.

    Writes `config.json`, `log.txt`, `metrics.csv`, `tensorboard/`, `backup/` (all state, twice),
    `best.weights.h5` (least distance on validation data) and finally `model.keras`. Of several workers only
    the chief writes to the directory, but all of them resume from it, so they must share it.

    Args:
        resume: whether to resume the run of the same recipe in the directory, if any. The result is
            bitwise the same as without the interruption.
        strategy: strategy to train under, or a function that creates it. The function may wait for other
            workers, so it is called after the checks of the directory.
        backup_every: number of steps between two backups within an epoch, in addition to the one at its
            end.
        source: record of the origin of the data for `config.json`, see `mizoo.presets.data`.

    Raises:
        FileExistsError: if the directory holds a run and `resume` is False, or something else.
        FileNotFoundError: if a file of the run to resume is missing; it names the path.
        ValueError: if the run to resume has another recipe, other data or a damaged file; if there is no
            term to warm up with; if a batch has more events than the data; if the replicas cannot share a
            batch evenly; or if the model to start from is missing or has other parts.
        WorkerLostError: if another worker is lost.
        BlockingIOError: if another process trains this run.
        OSError: if the disk is full; the last backup is intact.
    """
    directory = Path(directory)
    recipe = replace(recipe, select_by=resolved(recipe.select_by, data.validation))
    _check(directory, recipe, data, resume, source)
    steps = data.train.steps(recipe.batch_size)
    strategy = strategy if isinstance(strategy, tf.distribute.Strategy) else strategy()
    try:
        choice = _choice(directory, recipe, strategy)
        with strategy.scope():
            model = replace(recipe, precision=choice.precision).model(steps)
        model.check_batch(recipe.batch_size)
        if recipe.warmup and not _likelihoods(model):
            raise ValueError(f"{recipe.preset} has no likelihood on pairs to warm up with")
        if recipe.warmup and model.stages:
            raise ValueError(f"{recipe.preset} is trained in stages: it cannot be warmed up as well")
        model.adapt(data.train)
        # A backup includes the weights of the start, whose source may be gone by now.
        new = not Backup(directory / "backup").saved()
        former = start_from(model, recipe.start) if recipe.start and new else None
        with ExitStack() as stack:  # the recipe is valid from here on
            if chief := is_chief(strategy):
                folder = directory
                directory.absolute().parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(sole_writer(directory))
                stack.enter_context(telling_full(directory, "resume the run when there is space"))
                _prepare(directory, recipe, data, choice.precision, former, source)
            else:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            log = open_log(folder / "log.txt")
            log.info("precision: %s, %s", *choice)
            if verbose and chief:
                print(f"precision: {choice.precision}, {choice.reason}", flush=True)
            return _fit(model, recipe, data, directory, folder, log, backup_every, verbose if chief else 0)
    except LOST as error:
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise WorkerLostError(f"a worker was lost: {str(error).splitlines()[0]}") from error
        raise


def _choice(directory: Path, recipe: Recipe, strategy: tf.distribute.Strategy) -> Choice:
    """The precision of a run, the same on all workers: as it began, or else that of the recipe."""
    if config := read_config(directory):
        if (former := config.get("precision", "float32")) not in POLICIES:
            raise ValueError(f"{directory / 'config.json'} is damaged: its precision is {former!r}")
        return Choice(former, "as this run began")
    replicas = strategy.num_replicas_in_sync
    choice = choose(recipe.precision, max(recipe.batch_size // replicas, 1))
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        vote = tf.constant(float(choice.precision == "bfloat16"))
        votes = strategy.run(tf.function(lambda: collectives.total(vote)))
        if float(strategy.experimental_local_results(votes)[0]) < replicas:
            return Choice("float32", "as bfloat16 is not faster on every worker")
    return choice


def _likelihoods(model: Turbo) -> list[str]:
    """The terms of likelihoods on pairs."""
    return [o.term for o in model.objectives if o.term in ("L_z_tilde", "L_x_tilde")]


def _fit(
    model: Turbo,
    recipe: Recipe,
    data: Split,
    directory: Path,
    folder: Path,
    log: logging.Logger,
    backup_every: int | None,
    verbose: Literal["auto", 0, 1, 2],
) -> Turbo:
    """Train with all callbacks, resuming from `directory` and writing to `folder`."""
    backup = Backup(directory / "backup", backup_every, folder / "backup")
    done, step = backup.resume(model)
    if done and folder == directory:
        trim_metrics(directory, done)
    distance = measured(recipe.select_by, data.validation, recipe.select_every, recipe.first_kept)
    _check_record(directory, done, distance.monitor)
    metrics, best = folder / "metrics.csv", folder / "best.weights.h5"
    log.info(
        "%s, %s events, from step %s of epoch %s of %s",
        model, len(data.train), step, done, recipe.epochs,
    )  # fmt: skip
    callbacks = [
        Warmup(_likelihoods(model), recipe.warmup),
        distance,
        KeepBest(best, _least(directory, distance.monitor, done), distance.monitor),
        MetricsLog(metrics, append=done > 0, monitor=distance.monitor),
        keras.callbacks.TensorBoard(folder / "tensorboard"),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: log.info("%s", _line(epoch, logs))),
        backup,
    ]  # fmt: skip
    try:
        model.fit(
            data.train, validation_data=data.validation, batch_size=recipe.batch_size,
            epochs=recipe.epochs, initial_epoch=done, initial_step=step, callbacks=callbacks,
            verbose=verbose,
        )  # fmt: skip
    except BaseException as error:
        with suppress(OSError):  # on a full disk
            log.error("stopped: %s", error or type(error).__name__)
        raise
    # Only the directory has the best weights from before the run was resumed.
    if (kept := best if best.is_file() else directory / best.name).is_file():
        model.load_weights(kept)
    model.save(folder / "unfinished.keras")
    (folder / "unfinished.keras").replace(folder / "model.keras")
    log.info("finished")
    if isinstance(data.validation, Events) and verbose:
        evaluate(model, data.validation[:_JUDGED], seed=0)  # warns of observables far from the truth
    return model


def history(directory: str | Path) -> dict[str, Any]:
    """How the model of a run or of a shipped folder was made.

    Returns:
        As far as known, its `recipe`, `precision`, the `seconds` of all its epochs, the `data` it was
        trained on, and in `start` the history of the model it started from.

    Raises:
        ValueError: if one of its files is damaged; it names the path.
    """
    directory = Path(directory)
    config = read_config(directory)
    if "recipe" not in config:
        raise ValueError(f"{directory / 'config.json'} has no recipe: this is not a run")
    kept = ("recipe", "precision", "seconds", "start", "data")
    known = {key: config[key] for key in kept if key in config}
    if (directory / "metrics.csv").is_file():
        own = float(_column(directory, "seconds").sum())
        known["seconds"] = own + config.get("start", {}).get("seconds", 0.0)
    return known


def _check(
    directory: Path, recipe: Recipe, data: Split, resume: bool, source: dict[str, Any] | None
) -> None:
    if (directory / "backup").is_dir() and not (directory / "config.json").is_file():
        raise FileNotFoundError(f"{directory / 'config.json'}: no such file, and a backup beside it")
    check_folder(directory, ("config.json",), "a run")
    if not (config := read_config(directory)):
        return
    if "recipe" not in config:
        raise FileExistsError(f"{directory} holds something else than a run: choose another folder")
    if not resume:
        raise FileExistsError(f"{directory} holds a run; resume it, or choose another directory")
    now = json.loads(json.dumps(asdict(recipe)))  # turns tuples into lists, as in the file
    # Runs that do not say it selected by the KS distance.
    former = {**asdict(Recipe(recipe.preset)), "select_by": "ks", **config["recipe"]}
    if found := _changes(former, now):
        names = ", ".join(found)
        raise ValueError(f"the run in {directory} has another {names}: {'; '.join(found.values())}")
    if source is not None and "data" in config and differs(config["data"], source):
        raise ValueError(f"the run in {directory} was trained on other data: {described(config['data'])}")
    if "events" in config and (events := _events(data)) != config["events"]:
        before, now = (one["train"]["number"] for one in (config["events"], events))
        raise ValueError(f"the run in {directory} was trained on other events: {before}, now {now}")


def _events(data: Split) -> dict[str, dict[str, Any]]:
    """Numbers and checksums of the events that a run uses."""
    found: dict[str, dict[str, Any]] = {}
    for name, samples in (("train", data.train), ("validation", data.validation)):
        arrays = [samples.x, samples.z, samples.weights, samples.c]
        sums = [array_checksum(array) for array in arrays if array is not None]
        found[name] = {"number": len(samples), "sha256": hashlib.sha256("".join(sums).encode()).hexdigest()}
    return found


def _changes(former: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    """Entries that differ in two dictionaries, with both values, by name; nested ones by inner entries."""
    found = {}
    for name in dict.fromkeys([*former, *now]):
        before, after = (values.get(name, _MISSING) for values in (former, now))
        if isinstance(before, dict) and isinstance(after, dict):
            if inner := _changes(before, after):
                found[name] = f"{name}: {', '.join(inner.values())}"
        elif before != after:
            found[name] = f"{name} {_shown(before)}, now {_shown(after)}"
    return found


_MISSING = object()
_JUDGED = 2_000  # validation events that are evaluated after training


def _shown(value: object) -> str:
    return "not given" if value is _MISSING else json.dumps(value, ensure_ascii=False)


def _check_record(directory: Path, done: int, monitor: str) -> None:
    """Check that a run has the files of the epochs that are done.

    Raises:
        FileNotFoundError, ValueError: if not; it names the path.
    """
    metrics = directory / "metrics.csv"
    # An interruption may come between the row of the first epoch and its backup.
    if not done and metrics.is_file() and len(metrics.read_bytes().splitlines()) > 2:
        raise FileNotFoundError(f"{directory / 'backup'}: no backup of the epochs in {metrics.name}")
    if done and len(read_metrics(directory)) < done:
        raise ValueError(f"{metrics} is damaged: {done} epochs are done, and it has fewer")
    best = directory / "best.weights.h5"
    if math.isfinite(_least(directory, monitor, done)) and not best.is_file():
        raise FileNotFoundError(f"{best}: no such file, and metrics.csv has an epoch that was kept")


def _prepare(
    directory: Path,
    recipe: Recipe,
    data: Split,
    precision: str,
    former: Path | None,
    source: dict[str, Any] | None,
) -> None:
    config = directory / "config.json"
    if config.is_file():
        return
    directory.mkdir(parents=True, exist_ok=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    content: dict[str, Any] = {
        "recipe": asdict(recipe), "precision": precision, "keras": keras.version(), "machine": machine,
        "domain": Domain.of(data.train).to_dict(), "events": _events(data),
    }  # fmt: skip
    if source is not None:
        content["data"] = source
    if former is not None:
        content["start"] = history(former)
    whole = directory / "config.json.part"
    whole.write_text(json.dumps(content, indent=1) + "\n")
    whole.replace(config)


def _line(epoch: int, logs: Mapping[str, float]) -> str:
    return f"epoch {epoch + 1}: " + ", ".join(f"{name} {value:.4g}" for name, value in logs.items())


def _least(directory: Path, column: str, epochs: int) -> float:
    """Least value of a column of `metrics.csv` in its first epochs, infinity if there is none."""
    if not epochs:
        return math.inf
    known = _column(directory, column)[:epochs].dropna()
    return float(known.min()) if len(known) else math.inf


def _column(directory: Path, name: str) -> "pd.Series[float]":
    """A column of `metrics.csv`; empty if there are no epochs yet."""
    if not (directory / "metrics.csv").is_file() or not len(frame := read_metrics(directory)):
        return pd.Series(dtype=float)
    if name not in frame:
        raise ValueError(f"{directory / 'metrics.csv'} is damaged: column {name} is missing")
    return frame[name]
