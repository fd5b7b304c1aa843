"""The commands; each imports what it needs when it runs, so that `--help` is fast."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, cast

import typer
from rich.table import Table

from mizoo.cli.app import app, console
from mizoo.cli.options import (
    ColumnsFile,
    Data,
    Input,
    Joint,
    Model,
    ProcessName,
    PublicKey,
    Registry,
    Sha256,
    SkipBad,
)

if TYPE_CHECKING:
    from mizoo.evaluation.report import Report
    from mizoo.physics.process import Process


@app.command()
def presets(
    table: Annotated[bool, typer.Option("--table", help="Print all details as a Markdown table.")] = False,
) -> None:
    """List the presets."""
    if table:
        from mizoo.presets.table import markdown

        print(markdown())
        return
    from mizoo.presets.index import entries

    overview = Table("preset", "what it is", "data", "paper", box=None)
    for entry in entries():
        overview.add_row(*entry)
    console.print(overview)


@app.command()
def train(
    preset: Annotated[str, typer.Argument(help="Name of a preset; `mizoo presets` lists them.")],
    out: Annotated[Path, typer.Option("--out", help="Directory of the run.")] = Path("run"),
    epochs: Annotated[int, typer.Option(min=1)] = 100,
    batch_size: Annotated[
        Optional[int],
        typer.Option(min=2, help="Events; by default 100 to 1000, for 60 to 200 steps per epoch."),
    ] = None,
    warmup: Annotated[int, typer.Option(min=0, help="Epochs that train only likelihoods on pairs.")] = 0,
    cosine: Annotated[bool, typer.Option(help="Cosine decay of the learning rate.")] = True,
    select_from: Annotated[
        Optional[int],
        typer.Option(min=0, help="First epoch that can be kept, from 0; with a cosine, of the last tenth."),
    ] = None,
    select_every: Annotated[int, typer.Option(min=1, help="Epochs between two such candidates.")] = 1,
    select_by: Annotated[
        str,
        typer.Option(help="Validation distance that selects: ks, frechet (images), or auto."),
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    start: Annotated[
        str, typer.Option(help="Trained model whose weights to start from: name, SavedModel or run.")
    ] = "",
    precision: Annotated[
        str, typer.Option(help="Of matrix products: float32, bfloat16, or auto for the faster one here.")
    ] = "auto",
    options: Annotated[
        Optional[list[str]],
        typer.Option(
            "--set", help="Argument of the preset as NAME=JSON, such as units=64; as often as needed."
        ),
    ] = None,
    data: Annotated[
        Optional[list[Path]],
        typer.Option(
            help="Files of arrays x and z (.npz, .npy), tables (.csv, .parquet), folders of images, or "
            "files of events; by default packaged data."
        ),
    ] = None,
    process: ProcessName = None,
    columns: ColumnsFile = None,
    skip_bad: SkipBad = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the run in the directory, if there is one.")
    ] = False,
    backup_every: Annotated[
        Optional[int], typer.Option(min=1, help="Steps between backups within an epoch.")
    ] = None,
    strategy: Annotated[
        str, typer.Option(help="auto, one-device, mirrored, multiworker, tpu or parameter-server.")
    ] = "auto",
    workers: Annotated[
        Optional[str],
        typer.Option(help="Addresses of all workers, host:port,host:port; by default TF_CONFIG or Slurm."),
    ] = None,
    index: Annotated[Optional[int], typer.Option(help="Index of this worker, from 0.")] = None,
    replicas: Annotated[
        Optional[int], typer.Option(min=1, help="Virtual devices of the CPU, for --strategy mirrored.")
    ] = None,
    timeout: Annotated[
        Optional[float], typer.Option(min=0.0, help="Seconds to wait for other workers; by default 600.")
    ] = None,
    restarts: Annotated[
        Optional[int],
        typer.Option(min=0, help="Restarts of a worker when another one is lost; by default 3."),
    ] = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Have TensorFlow reproduce results bit by bit.")
    ] = False,
) -> None:
    """Train a preset, and write everything to one directory.

    Data come from files, from the packaged events of a process, or from the preset's demonstration data
    set. Of files the last tenth is kept for tests, and the tenth before it for validation.
    """
    import tensorflow as tf

    from mizoo.datasets.resampling import resampled_for_training
    from mizoo.distribute.restart import WorkerLostError, start_again
    from mizoo.distribute.strategies import resolve
    from mizoo.presets import PRESETS
    from mizoo.presets.data import training_data
    from mizoo.training.recipe import Recipe
    from mizoo.training.recipe import train as run

    if preset not in PRESETS:
        raise typer.BadParameter(f"no preset {preset!r}; there are {', '.join(PRESETS)}")
    chosen = _options(preset, options or [])
    split, given, source = training_data(preset, data or [], _process(process), columns, skip_bad)
    split = resampled_for_training(split, seed)
    if "process" in given and chosen.keys() & {"process", "x", "z"}:
        raise ValueError("--set process, x or z: events take their process from --process")
    for space, shape in source["shapes"].items():
        if isinstance(chosen.get(space), list) and chosen[space] != shape:
            raise ValueError(f"--set {space}={chosen[space]}: {space} of the data has shape {shape}")
    recipe = Recipe(
        preset,
        {**given, **chosen},
        epochs,
        batch_size or _events_per_batch(len(split.train)),
        warmup,
        cosine,
        select_from,
        select_every,
        seed,
        start,
        precision,
        select_by,
    )
    if deterministic:
        tf.config.experimental.enable_op_determinism()

    def resolved() -> tf.distribute.Strategy:
        made = resolve(
            strategy, workers.split(",") if workers else None, index, replicas,
            600.0 if timeout is None else timeout,
        )  # fmt: skip
        if not isinstance(made, tf.distribute.MultiWorkerMirroredStrategy):
            for option, value in (("workers", workers), ("timeout", timeout), ("restarts", restarts)):
                if value is not None:
                    raise ValueError(f"--{option} is for several workers: no cluster is known here")
        return made

    try:
        model = run(recipe, split, out, resume, strategy=resolved, backup_every=backup_every, source=source)
    except WorkerLostError:
        if not start_again(3 if restarts is None else restarts):
            raise
    console.print(f"{model!r}\ntrained; the kept epoch is in {out / 'model.keras'}", soft_wrap=True)


@app.command()
def evaluate(
    model: Model,
    out: Annotated[Optional[Path], typer.Option("--out", help="Directory for table and figures.")] = None,
    data: Data = None,
    columns: ColumnsFile = None,
    skip_bad: SkipBad = False,
    split: Annotated[
        Optional[str],
        typer.Option(help="Of the model's own data: train, validation, or test (the default)."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    joint: Joint = False,
) -> None:
    """Compare the draws of a model with the truth: data that it has not seen, or those of files."""
    from mizoo.evaluation.report import evaluate as evaluate_model
    from mizoo.export.origin import Origin

    if split not in (None, "train", "validation", "test"):
        raise typer.BadParameter(f"--split is train, validation or test, not {split!r}")
    _check_report(out)
    origin = Origin(model)
    of_split = cast(Literal["train", "validation", "test"] | None, split)
    truth = origin.truth(data or [], of_split, columns, skip_bad)
    report = evaluate_model(origin.model, truth, seed=seed, joint=joint)
    _finish(report, out)


@app.command()
def compare(
    truth: Input,
    made: Annotated[Path, typer.Argument(help="File of events of any source, to compare with the truth.")],
    out: Annotated[Optional[Path], typer.Option("--out", help="Directory for table and figures.")] = None,
    process: ProcessName = None,
    skip_bad: SkipBad = False,
    joint: Joint = False,
) -> None:
    """Compare the events of one file with those of another."""
    from mizoo.evaluation.report import compare as compare_samples
    from mizoo.presets.data import read_to_compare

    _check_report(out)
    true, other = read_to_compare(truth, made, _process(process), skip_bad)
    _finish(compare_samples(true, other, name=made.stem, joint=joint), out)


@app.command()
def history(
    run: Annotated[Path, typer.Argument(help="Directory of a run.")],
    out: Annotated[Path, typer.Option("--out", help="Figure, without suffix.")] = Path("history"),
) -> None:
    """Draw the learning curves of a run, as PNG and PDF."""
    from mizoo.evaluation.figures import learning_curves, save
    from mizoo.export.folders import check_writable
    from mizoo.training.metrics import read_metrics

    if out.suffix in (".png", ".pdf"):
        raise typer.BadParameter(f"--out takes no suffix, as both formats are written, got {out}")
    check_writable(out.parent)
    if not len(metrics := read_metrics(run)):
        raise ValueError(f"{run / 'metrics.csv'} has no rows: a run has one after its first epoch")
    out.parent.mkdir(parents=True, exist_ok=True)
    paths = save(learning_curves(metrics), out)
    console.print(" and ".join(map(str, paths)), soft_wrap=True)


@app.command()
def models(
    registry: Registry = None,
) -> None:
    """List the trained models and their KS distances."""
    from mizoo.export.catalogue import catalogue

    overview = Table("model", "where", "stream", "mean KS × 100", "largest", "threshold", box=None)
    for name, (place, figures) in catalogue(registry).items():
        lines = [
            (s, *(f"{f[k]:.2f}" for k in ("mean", "largest", "threshold"))) for s, f in figures.items()
        ]
        for i, line in enumerate(lines or [("", "", "", "")]):
            overview.add_row(*((name, place) if i == 0 else ("", "")), *line)
    console.print(overview)


@app.command()
def sign(
    folder: Annotated[Path, typer.Argument(help="Folder of a model, as `mizoo export` writes it.")],
    key: Annotated[Path, typer.Option("--key", help="PEM file of a private Ed25519 key.")],
) -> None:
    """Sign a model, so that others can verify that it is yours."""
    from mizoo.export.signature import sign as sign_folder

    console.print(f"the signature is in {sign_folder(folder, key)}", soft_wrap=True)


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="Name of a model, also of a registry, or its folder.")],
    public_key: PublicKey = None,
    sha256: Sha256 = None,
    registry: Registry = None,
) -> None:
    """Check the files of a model, and who made it; a model of a registry is downloaded to the cache."""
    from mizoo.export.loader import locate
    from mizoo.export.manifest import NAME
    from mizoo.export.manifest import verify as verify_folder

    folder = locate(model, registry, sha256, public_key)
    if not (folder / NAME).is_file():
        raise ValueError(f"{folder} is unverified: it has no {NAME} to compare its files with")
    verify_folder(folder)
    by = f", signed by {public_key}" if public_key else " as you mean it" if sha256 else ""
    console.print(f"{folder} is intact{by}", soft_wrap=True)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    out: Annotated[Path, typer.Argument(help="Folder to write; its name becomes the model's.")],
    data: Data = None,
    columns: ColumnsFile = None,
    skip_bad: SkipBad = False,
) -> None:
    """Write the model of a run as SavedModel and ONNX, with metrics on test data and a model card."""
    from mizoo.evaluation.terminal import show
    from mizoo.export.origin import Origin
    from mizoo.presets.data import same_files
    from mizoo.training.publish import check_place, ship

    check_place(run, out)
    origin = Origin(run)
    test = origin.truth(data or [], columns=columns, skip_bad=skip_bad)
    own = not data or same_files(origin.record, data)
    report = ship(run, out, test, None if own else " and ".join(path.name for path in data or []))
    show(report, console)
    console.print(f"model and card are in {out}", soft_wrap=True)


def _process(name: str | None) -> "Process | None":
    from mizoo.physics import library

    return None if name is None else library.find(name)


def _options(preset: str, pairs: list[str]) -> dict[str, Any]:
    from mizoo.presets import PRESETS

    known = PRESETS[preset].arguments
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set takes NAME=VALUE, got {pair!r}")
        if name not in known:
            raise typer.BadParameter(f"{preset} has no argument {name!r}; it has {', '.join(known)}")
        if name in options:
            raise typer.BadParameter(f"--set {name} is given twice")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def _check_report(out: Path | None) -> None:
    from mizoo.export.folders import check_folder

    if out is not None:
        check_folder(out, ("table.csv", "metrics.json"), "a report")


def _finish(report: "Report", out: Path | None) -> None:
    from mizoo.evaluation.terminal import show

    show(report, console)
    if out is not None:
        report.save(out)
        console.print(f"table and figures are in {out}", soft_wrap=True)


def _events_per_batch(events: int) -> int:
    """Default size of batches: 100 to 200 steps per epoch, unless events are few or very many."""
    return max(2, min(events // 10, max(100, min(250, events // 128), min(1000, events // 200))))
