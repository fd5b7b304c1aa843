"""Model cards, written from measured metrics."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mizoo.datasets.provenance import PROVENANCE, Provenance
from mizoo.evaluation.benchmark import benchmark_of
from mizoo.evaluation.text import markdown
from mizoo.physics import library
from mizoo.physics.process import Process

_UNIT = "Columns are px, py, pz and E of one object after the other, in GeV: {columns}.{more}\n\n"
_USES = {
    "encode": "z_new = model.encode(x)  # {encode}draw z given x: {x} to {z}",
    "decode": "x_new = model.decode(z)  # {decode}draw x given z: {z} to {x}",
    "reconstruct": "x_hat = model.reconstruct(x)  # x again, by way of z",
    "sample": "x_new = model.sample(100)  # new x from the prior of z",
}
_CARD = """# {name}

{description}

| | |
|---|---|
| model | `{model}` |
| data | {data} |
| training | {training} |
| test | {events} events{tested} |
| licence | MIT |

Made with

```sh
{command}
```

## Figures of merit

{figures}

## Use

```python
import mizoo

model = mizoo.load("{name}")
{uses}
```

{unit}`seed=1` repeats a draw to the bit; `model.trainable()` is the Keras model, to go on training.
`tf.saved_model.load` alone will do: the endpoints are {endpoints}, and each has a twin
with a second input, such as `{first}_seeded(…, seed)`.

{onnx}

## Limits

{limits}

## Citation

{citation}.
"""
_CELLS = """Kolmogorov-Smirnov distances × 100 on the test split: {columns}.
The threshold is what two samples of one distribution exceed in 5 % of cases.

{cells}

"""
_OBSERVABLES = """All observables, generated against true (KS × 100; threshold {threshold:.2f}):

{observables}"""
_SUMMARY = """Kolmogorov-Smirnov distances × 100 of {columns}, generated against true ones of the
test split: `x_tilde` is drawn {drawn}, `x_hat` reconstructed. The threshold is what two
samples of one distribution exceed in 5 % of cases.

{summary}"""

_IMAGES = """

Scores of images, in features of the packaged classifier of digits (`mizoo.evaluation.image_scores`), and of
pairs of images:

{rows}"""


def write_card(directory: str | Path) -> Path:
    """Write `README.md` of a model folder from its `config.json` and `metrics.json`."""
    directory = Path(directory)
    config = json.loads((directory / "config.json").read_text())
    metrics = json.loads((directory / "metrics.json").read_text())
    process = _process(config)
    data = _own(config, process) if "files" in config.get("data", {}) else _packaged(config)
    endpoints = config["endpoints"]
    shapes = {"x": _shape(config, "x"), "z": _shape(config, "z")}
    physical = process is not None and "z" in metrics["given"]
    uses = {"decode": "simulate: " * physical, "encode": "unfold: " * physical}
    text = _CARD.format(
        name=metrics["name"],
        description=config["description"],
        model=config["repr"],
        data=data.text,
        training=f"{_epochs(config)} epochs, {_time(config['seconds'])} on {config['machine']}",
        events=metrics["events"],
        tested=f" of {config['tested']}" if config.get("tested") else ", which no training has seen",
        command="\n".join(config["commands"]),
        figures=_figures(metrics, process, len(config["shapes"]["x"])),
        uses="\n".join(_USES[name].format(**shapes, **uses) for name in endpoints),
        unit="" if process is None else _unit(config, process),
        endpoints=", ".join(f"`{name}`" for name in endpoints),
        first=endpoints[0],
        onnx=_onnx(config),
        limits=data.limits,
        citation="; and ".join(filter(None, (config["paper"], data.citation))),
    )
    path = directory / "README.md"
    path.write_text(text)
    return path


def _dataset(config: dict[str, Any]) -> str:
    """Name of the packaged data set that a model was trained on."""
    return str(config.get("data", {}).get("demonstration", config["dataset"]))


def _process(config: dict[str, Any]) -> Process | None:
    """The process whose events a model was trained on; None for arrays."""
    record = config.get("data", {})
    if "files" in record:
        return None if record["process"] is None else library.find(record["process"])
    return library.get(_dataset(config)) if _dataset(config) in library.names() else None


def _packaged(config: dict[str, Any]) -> Provenance:
    """Provenance of a packaged data set."""
    known = PROVENANCE[_dataset(config)]
    return known._replace(text=f"{known.text}; the training split")


def _own(config: dict[str, Any], process: Process | None) -> Provenance:
    """Provenance of a user's own data."""
    record = config["data"]
    files = " and ".join(f"`{file['name']}`" for file in record["files"])
    shapes = ", ".join(f"{space} {_sizes(sizes)}" for space, sizes in record["shapes"].items())
    what = "arrays"
    if process is not None:
        sides = (", ".join(one.name for one in process.particles(space)) for space in "zx")
        what = f"events of {process.name} ({' → '.join(sides)}),"
    return Provenance(
        f"own data: {files}, {what} {shapes}, n = {record['events']}; all but the last two tenths",
        "It knows the data above and nothing else.",
        "",
    )


def _unit(config: dict[str, Any], process: Process) -> str:
    """Names of the columns of events; codes of a latent space have none."""
    objects = {
        space: ", ".join(f"`{one.name}`" for one in process.particles(space))
        for space in "xz"
        if config["shapes"][space] == [len(process.columns(space))]
    }
    features = process.columns("x")[4 * len(process.x) :]
    more = f" The last ones of x are {', '.join(f'`{name}`' for name in features)}." if features else ""
    more += " Objects that an event lacks are zeros." if process.optional else ""
    return _UNIT.format(
        columns="; ".join(f"{space} {names}" for space, names in objects.items()), more=more
    )


def _epochs(history: dict[str, Any]) -> int:
    """Number of epochs, including those of the model it started from."""
    return history["recipe"]["epochs"] + (_epochs(history["start"]) if "start" in history else 0)


def _shape(config: dict[str, Any], space: str) -> str:
    return _sizes(config["shapes"][space])


def _sizes(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, ['n', *shape]))})"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{seconds:.0f} seconds"


def _onnx(config: dict[str, Any]) -> str:
    parts = [
        f"`{name}` {found['usual']:.1e}, {found['largest']:.1e}, {found['last_bit']:.1e}"
        for name, found in config["onnx"]["deviations"].items()
    ]
    return (
        f"`model.onnx` (opset {config['onnx']['opset']}) takes normal numbers as inputs `z_noise` and "
        "`x_noise`, if it draws. How far onnxruntime is\nfrom TensorFlow on test events, relative to a "
        "component or its standard deviation, in 99 % of the events, and in\nall; and how far TensorFlow "
        f"moves at most if the last bit of the noise changes: {'; '.join(parts)}."
    )


def _figures(metrics: dict[str, Any], process: Process | None, dimensions: int) -> str:
    if process is not None and "z" in metrics["given"]:
        known, cells = benchmark_of(process), ""
        if metrics["cells"] and known is not None:
            cells = _CELLS.format(columns=known.columns, cells=_cells(metrics["cells"]))
        return cells + _OBSERVABLES.format(
            threshold=100 * metrics["table"][0]["threshold"], observables=_observables(metrics["table"])
        )
    lines = ["| | mean | largest | of | threshold |", "|---|---|---|---|---|"]
    lines += [
        f"| `{stream}` | {row['mean']:.2f} | {row['largest']:.2f} "
        f"| `{row['of']}` | {row['threshold']:.2f} |"
        for stream, row in metrics["summary"].items()
    ]
    columns = "components" if dimensions == 1 else "principal components"
    return _SUMMARY.format(
        columns=columns if process is None else "observables of detector events",
        drawn="given z of the same event" if "z" in metrics["given"] else "from the prior",
        summary="\n".join(lines),
    ) + _images(metrics.get("images", {}))


def _images(scores: dict[str, dict[str, float | None]]) -> str:
    """Scores of images by stream; empty for other data."""
    if not scores:
        return ""
    return _IMAGES.format(rows=markdown(pd.DataFrame.from_dict(scores, orient="index"), 3).strip())


def _cells(cells: dict[str, dict[str, float | None]]) -> str:
    columns = list(next(iter(cells.values())))
    lines = ["| | " + " | ".join(f"`{c}`" for c in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join("–" if row[c] is None else f"{row[c]:.2f}" for c in columns) + " |"
        for name, row in cells.items()
    ]
    return "\n".join(lines)


def _observables(table: list[dict[str, Any]]) -> str:
    by_space: dict[str, dict[str, dict[str, float]]] = {}
    for row in table:
        by_space.setdefault(row["space"], {}).setdefault(row["observable"], {})[row["stream"]] = row["ks"]
    parts = []
    for space, rows in by_space.items():
        streams = list(next(iter(rows.values())))
        lines = [f"| {space} | " + " | ".join(streams) + " |", "|---" * (len(streams) + 1) + "|"]
        lines += [
            f"| `{name}` | " + " | ".join(f"{100 * row[s]:.2f}" for s in streams) + " |"
            for name, row in rows.items()
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
