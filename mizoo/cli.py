"""The command line."""

import json
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A model zoo in which a generative model is a pair of mappers and a list of sub-objectives.",
)
console = Console()

Model = Annotated[str, typer.Argument(help="Name of a shipped model, or path of a SavedModel or run.")]
Input = Annotated[
    Path, typer.Argument(help="File of events, of any format that `mizoo.datasets.read` takes.")
]
Output = Annotated[Path, typer.Option("--out", help="File to write: .h5, .parquet, .root, .csv or .npz.")]
Data = Annotated[
    Optional[list[Path]],
    typer.Option(help="File with pairs, or two with x and with z; the packaged events if none."),
]

Seed = Annotated[Optional[int], typer.Option(min=0, help="Of the draws; new ones if none.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with draws that were interrupted.")]
Joint = Annotated[
    bool, typer.Option("--joint", help="Compare all observables together, too: correlations, a classifier.")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave bad events out, and say how many.")]


@app.command()
def presets(
    table: Annotated[bool, typer.Option("--table", help="All about them, as a Markdown table.")] = False,
) -> None:
    """List the presets."""
    from mizoo.presets import PRESETS
    from mizoo.presets.table import markdown

    if table:
        print(markdown())
        return
    overview = Table("preset", "what it is", "data", "paper", box=None)
    for name, preset in PRESETS.items():
        overview.add_row(name, preset.summary, preset.data, preset.paper)
    console.print(overview)


@app.command()
def train(
    preset: Annotated[str, typer.Argument(help="Name of a preset; `mizoo presets` lists them.")],
    out: Annotated[Path, typer.Option("--out", help="Directory of the run.")] = Path("run"),
    epochs: Annotated[int, typer.Option(min=1)] = 100,
    batch_size: Annotated[
        Optional[int],
        typer.Option(min=2, help="A tenth of the training data and at most 1000, if not given."),
    ] = None,
    warmup: Annotated[int, typer.Option(min=0, help="Epochs of the likelihoods on pairs alone.")] = 0,
    cosine: Annotated[bool, typer.Option(help="Let the learning rate fall along a cosine.")] = True,
    select_from: Annotated[int, typer.Option(min=0, help="Epoch from which the kept one is chosen.")] = 0,
    select_every: Annotated[int, typer.Option(min=1, help="Epochs between choices of the kept one.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    start: Annotated[
        str, typer.Option(help="Trained model whose weights to begin with: name, SavedModel or run.")
    ] = "",
    options: Annotated[
        Optional[list[str]],
        typer.Option("--set", help="Argument of the preset as NAME=JSON, such as units=64; repeatable."),
    ] = None,
    data: Annotated[
        Optional[list[Path]],
        typer.Option(help="NumPy file with arrays x and z, or files of tt̄ events; else what is shown."),
    ] = None,
    skip_bad: SkipBad = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that is there, if there is one.")
    ] = False,
    backup_every: Annotated[
        Optional[int], typer.Option(min=1, help="Steps between backups within an epoch.")
    ] = None,
    strategy: Annotated[
        str, typer.Option(help="auto, one-device, mirrored, multiworker, tpu or parameter-server.")
    ] = "auto",
    workers: Annotated[
        Optional[str],
        typer.Option(help="Addresses of all workers: host:port,host:port; else TF_CONFIG, Slurm."),
    ] = None,
    index: Annotated[Optional[int], typer.Option(help="Which of the workers this is, from 0.")] = None,
    replicas: Annotated[
        Optional[int], typer.Option(min=1, help="Parts of the CPU, for --strategy mirrored.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds that workers wait for one another.")] = 600.0,
    restarts: Annotated[
        int, typer.Option(min=0, help="How often a worker begins again when another one is lost.")
    ] = 3,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Have TensorFlow repeat results bit by bit.")
    ] = False,
) -> None:
    """Train a preset; everything goes to one directory.

    Data are the preset's demonstration, or a file's: of these the last tenth is left for tests and the
    tenth before it for validation.
    """
    from functools import partial

    import tensorflow as tf

    from mizoo.presets import PRESETS
    from mizoo.strategies import resolve
    from mizoo.training.again import WorkerLostError, start_again
    from mizoo.training.run import Recipe
    from mizoo.training.run import train as run

    if preset not in PRESETS:
        raise typer.BadParameter(f"no preset {preset!r}; there are {', '.join(PRESETS)}")
    split, shapes = _data(preset, data or [], skip_bad)
    recipe = Recipe(
        preset,
        {**shapes, **_options(preset, options or [])},
        epochs,
        batch_size or min(1000, max(2, len(split.train) // 10)),
        warmup,
        cosine,
        select_from,
        select_every,
        seed,
        start,
    )
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    addresses = workers.split(",") if workers else None
    try:
        model = run(
            recipe, split, out, resume,
            strategy=partial(resolve, strategy, addresses, index, replicas, timeout),
            backup_every=backup_every,
        )  # fmt: skip
    except WorkerLostError:
        if not start_again(restarts):
            raise
    console.print(f"{model!r}\ntrained; the kept epoch is in {out / 'model.keras'}", soft_wrap=True)


@app.command()
def evaluate(
    model: Model,
    out: Annotated[Optional[Path], typer.Option("--out", help="Directory for table and figures.")] = None,
    data: Data = None,
    skip_bad: SkipBad = False,
    split: Annotated[str, typer.Option(help="train, validation or test, of the packaged data.")] = "test",
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    joint: Joint = False,
) -> None:
    """Hold what a model draws against the truth: the data of its preset, or those of files."""
    from mizoo.evaluation.report import evaluate as hold
    from mizoo.export import load

    if split not in ("train", "validation", "test"):
        raise typer.BadParameter(f"--split is train, validation or test, not {split!r}")
    loaded = load(model)
    report = hold(loaded, _truth(loaded, data, split, skip_bad), seed=seed, joint=joint)
    _finish(report, out)


@app.command()
def compare(
    truth: Input,
    made: Annotated[Path, typer.Argument(help="File of events of any source, held against the truth.")],
    out: Annotated[Optional[Path], typer.Option("--out", help="Directory for table and figures.")] = None,
    skip_bad: SkipBad = False,
    joint: Joint = False,
) -> None:
    """Hold the events of one file against those of another."""
    from mizoo.datasets import read
    from mizoo.evaluation.report import compare as hold

    true, other = (read(path, skip_bad=skip_bad) for path in (truth, made))
    _finish(hold(true, other, name=made.stem, joint=joint), out)


@app.command()
def history(
    run: Annotated[Path, typer.Argument(help="Directory of a run.")],
    out: Annotated[Path, typer.Option("--out", help="Figure, without suffix.")] = Path("history"),
) -> None:
    """Draw how the terms of a run fell, as PNG and PDF."""
    from mizoo.evaluation.figures import learning_curves, save

    if not (log := run / "metrics.csv").is_file():
        raise FileNotFoundError(f"{log}: no such file; a run has one after its first epoch")
    paths = save(learning_curves(log), out)
    console.print(" and ".join(map(str, paths)), soft_wrap=True)


@app.command()
def models(
    registry: Annotated[
        Optional[str], typer.Option(help="URL of a registry; else MIZOO_REGISTRY, if set.")
    ] = None,
) -> None:
    """List the trained models, and how good they are."""
    from mizoo.export import catalogue

    overview = Table("model", "where", "stream", "mean KS × 100", "largest", "floor", box=None)
    for name, (place, figures) in catalogue(registry).items():
        lines = [(s, *(f"{f[k]:.2f}" for k in ("mean", "largest", "floor"))) for s, f in figures.items()]
        for i, line in enumerate(lines or [("", "", "", "")]):
            overview.add_row(*((name, place) if i == 0 else ("", "")), *line)
    console.print(overview)


@app.command()
def simulate(
    model: Model, events: Input, out: Output = Path("simulated.h5"),
    seed: Seed = None, skip_bad: SkipBad = False, resume: Resume = False,
) -> None:  # fmt: skip
    """Draw detector objects x given partons z, for any number of events."""
    _draw(model, "decode", events, out, seed, skip_bad, resume)


@app.command()
def unfold(
    model: Model, events: Input, out: Output = Path("unfolded.h5"),
    seed: Seed = None, skip_bad: SkipBad = False, resume: Resume = False,
) -> None:  # fmt: skip
    """Draw partons z given detector objects x, for any number of events."""
    _draw(model, "encode", events, out, seed, skip_bad, resume)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    out: Annotated[Path, typer.Argument(help="Folder of the model to write; its name is the model's.")],
    data: Data = None,
    skip_bad: SkipBad = False,
) -> None:
    """Write a run's model as SavedModel and ONNX, with metrics on test data and model card."""
    from mizoo.export import load
    from mizoo.export.ship import ship

    report = ship(run, out, _truth(load(run), data, "test", skip_bad))
    _print_report(report)
    console.print(f"model and card are in {out}", soft_wrap=True)


def main() -> None:
    """Run the command line; expected errors end in one clear line and status 1."""
    try:
        app()
    except (ValueError, OSError, ArithmeticError) as error:
        typer.echo(f"mizoo: {error}", err=True)
        raise SystemExit(1) from error


def _options(preset, pairs):
    from mizoo.presets import PRESETS

    known = PRESETS[preset].arguments
    options = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set takes NAME=VALUE, got {pair!r}")
        if name not in known:
            raise typer.BadParameter(f"{preset} has no argument {name!r}; it has {', '.join(known)}")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def _data(name, paths, skip_bad):
    """Data for a preset, and the arguments that tell it their shapes where it would not expect them."""
    from mizoo.datasets import Split, read, read_arrays
    from mizoo.presets import PRESETS

    preset = PRESETS[name]
    if not paths:
        return preset.demonstration(), {}
    plain = paths[0].suffix in (".npz", ".npy")
    events = read_arrays(paths[0]) if plain else read(*paths, skip_bad=skip_bad)
    tenth = len(events) // 10
    if not tenth:
        raise ValueError(f"{paths[0]}: training needs at least 10 events, got {len(events)}")
    split = preset.arrange(Split(events[: -2 * tenth], events[-2 * tenth : -tenth], events[-tenth:]))
    shapes = {space: list(array.shape[1:]) for space, array in split.train.arrays().items()}
    return split, shapes if plain or preset.shown_on != "ttbar" else {}


def _truth(model, paths, split, skip_bad):
    """Data to hold a model against: those of files, or a split of what its preset is shown on."""
    from mizoo.datasets import read
    from mizoo.presets import PRESETS

    if paths:
        return read(*paths, skip_bad=skip_bad)
    preset = getattr(model, "preset", None) or model.name
    if preset not in PRESETS:
        raise ValueError(f"{model.name} is of no preset, and so of no known data: give --data")
    return PRESETS[preset].truth(split)


def _draw(model, method, path, out, seed, skip_bad, resume):
    from mizoo.export import load
    from mizoo.export.generate import generate

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    count = generate(load(model), method, path, out, seed=seed, skip_bad=skip_bad, resume=resume)
    console.print(f"{count} events are in {out}", soft_wrap=True)


def _finish(report, out):
    _print_report(report)
    if out is not None:
        report.save(out)
        console.print(f"table and figures are in {out}", soft_wrap=True)


def _print_report(report):
    from mizoo.datasets import Events
    from mizoo.physics import TTBAR

    console.print(f"\n{report.name} on {len(report.truth)} events: KS distances × 100\n")
    console.print(_table("of each stream", report.worst))
    if report.joint is not None:
        console.print()
        console.print(_table("all observables together", report.joint.T, 4))
    if not isinstance(report.truth, Events):
        return
    console.print()
    if report.truth.process is TTBAR and len(report.truth.arrays()) == 2:
        console.print(_table("the paper's cells", report.cells.T))
    rest = 100.0 * report.table["ks"].unstack("stream")
    rest = rest.reindex(report.table.index.get_level_values("observable").unique())
    console.print()
    console.print(_table("all observables", rest))


def _table(title, frame, digits=2):
    table = Table(title, box=None)
    for column in frame.columns:
        table.add_column("\n".join(column.rsplit(" ", 1)), justify="right", no_wrap=True)
    for name, row in frame.iterrows():
        table.add_row(str(name), *(_cell(value, digits) for value in row))
    return table


def _cell(value, digits):
    if isinstance(value, str):
        return value
    return "" if value != value else f"{value:.{digits}f}"
