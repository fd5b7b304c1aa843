"""Model cards, written from what was measured."""

import json
from pathlib import Path

_DATA = {
    "ttbar": (
        "the packaged tt̄ events (`mizoo.datasets.ttbar()`): pp → tt̄ → e⁻ν̄ b b̄ u d̄ at 13 TeV, Pythia 8.318 "
        "and Delphes with a CMS card, one electron and exactly four jets"
    ),
    "digits": "handwritten digits of 8 × 8 pixels (`mizoo.datasets.digits()`)",
    "small digits": (
        "handwritten digits of 8 × 8 pixels and the same of 4 × 4 (`mizoo.datasets.digits(reduced=2)`)"
    ),
}
_LIMITS = {
    "ttbar": (
        "It knows the events above and nothing of other processes, energies, selections or detectors.\n"
        "Missing momentum in the events is minus the sum of the visible momenta, all three components."
    ),
    "digits": "It knows these 1 397 small digits: a demonstration, not a model of images.",
    "own": "It knows the data above and nothing else.",
}
_CITATIONS = {
    "ttbar": "{}; and the events' tools: Pythia 8.3 (arXiv 2203.11601), Delphes 3 (arXiv 1307.6346)",
    "digits": "{}; and the digits: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository (1998)",
    "own": "{}",
}
_UNIT = "Columns are px, py, pz and E of one object after the other, in GeV. "
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
_CELLS = """Kolmogorov-Smirnov distances × 100 on the test split: b quark unfolded, leading jet simulated,
masses of simulated events. The threshold is what two samples of one distribution exceed in 5 % of cases.

{cells}

All observables, generated against true (KS × 100; threshold {threshold:.2f}):

{observables}"""
_SUMMARY = """Kolmogorov-Smirnov distances × 100 of {columns}, generated against true ones of the
test split: `x_tilde` is drawn {drawn}, `x_hat` reconstructed. The threshold is what two
samples of one distribution exceed in 5 % of cases.

{summary}"""


def write_card(directory) -> Path:
    """Write `README.md` of a model folder from its `config.json` and `metrics.json`.

    The list `known_faults` of `config.json`, if there is one, stands under the limits.
    """
    directory = Path(directory)
    config = json.loads((directory / "config.json").read_text())
    metrics = json.loads((directory / "metrics.json").read_text())
    kind, data, events_are = _data(config)
    endpoints = config["endpoints"]
    shapes = {"x": _shape(config, "x"), "z": _shape(config, "z")}
    physical = events_are == "ttbar" and "z" in metrics["given"]
    uses = {"decode": "simulate: " * physical, "encode": "unfold: " * physical}
    text = _CARD.format(
        name=metrics["name"],
        description=config["description"],
        model=config["repr"],
        data=data,
        training=f"{_epochs(config)} epochs, {_time(config['seconds'])} on {config['machine']}",
        events=metrics["events"],
        tested=f" of {config['tested']}" if config.get("tested") else ", which no training has seen",
        command="\n".join(config["commands"]),
        figures=_figures(metrics, events_are, len(config["shapes"]["x"])),
        uses="\n".join(_USES[name].format(**shapes, **uses) for name in endpoints),
        unit=_UNIT if events_are == "ttbar" else "",
        endpoints=", ".join(f"`{name}`" for name in endpoints),
        first=endpoints[0],
        onnx=_onnx(config),
        limits=_limits(_LIMITS[kind], config.get("known_faults", [])),
        citation=_CITATIONS[kind].format(config["paper"]),
    )
    path = directory / "README.md"
    path.write_text(text)
    return path


def _data(config):
    """Kind of the data, what they are in words, and the process they are events of, if any."""
    record = config.get("data", {})
    if "files" not in record:
        dataset = config["dataset"]
        kind = "digits" if "digits" in dataset else dataset
        return kind, f"{_DATA[dataset]}; the training split", "ttbar" if kind == "ttbar" else None
    files = " and ".join(f"`{file['name']}`" for file in record["files"])
    shapes = ", ".join(f"{space} {_sizes(sizes)}" for space, sizes in record["shapes"].items())
    what = "arrays" if record["process"] is None else f"events of {record['process']}"
    text = f"own data: {files}, {what} {shapes}, n = {record['events']}; all but the last two tenths"
    return "own", text, record["process"]


def _epochs(history):
    """Number of all epochs, those of what it started from included."""
    return history["recipe"]["epochs"] + (_epochs(history["start"]) if "start" in history else 0)


def _shape(config, space):
    return _sizes(config["shapes"][space])


def _sizes(shape):
    return f"({', '.join(map(str, ['n', *shape]))})"


def _time(seconds):
    return f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{seconds:.0f} seconds"


def _onnx(config):
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


def _limits(limits, faults):
    items = "\n".join(f"- {fault}" for fault in faults)
    return f"{limits}\n\nKnown faults:\n\n{items}" if faults else limits


def _figures(metrics, process, dimensions):
    if metrics["cells"]:
        return _CELLS.format(
            cells=_cells(metrics["cells"]),
            threshold=100 * metrics["table"][0]["threshold"],
            observables=_observables(metrics["table"]),
        )
    lines = ["| | mean | largest | of | threshold |", "|---|---|---|---|---|"]
    lines += [
        f"| `{stream}` | {row['mean']:.2f} | {row['largest']:.2f} "
        f"| `{row['of']}` | {row['threshold']:.2f} |"
        for stream, row in metrics["summary"].items()
    ]
    columns = "components" if dimensions == 1 else "principal components"
    return _SUMMARY.format(
        columns="observables of detector events" if process == "ttbar" else columns,
        drawn="given z of the same event" if "z" in metrics["given"] else "from the prior",
        summary="\n".join(lines),
    )


def _cells(cells):
    columns = list(next(iter(cells.values())))
    lines = ["| | " + " | ".join(f"`{c}`" for c in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join("–" if row[c] is None else f"{row[c]:.2f}" for c in columns) + " |"
        for name, row in cells.items()
    ]
    return "\n".join(lines)


def _observables(table):
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
