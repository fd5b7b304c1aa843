"""Model cards, written from what was measured."""

import json
from pathlib import Path

_DATA = (
    "the packaged tt̄ events (`mizoo.datasets.ttbar()`): pp → tt̄ → e⁻ν̄ b b̄ u d̄ at 13 TeV, Pythia 8.318 "
    "and Delphes with a CMS card, one electron and exactly four jets"
)
_CARD = """# {name}

{description}

| | |
|---|---|
| model | `{model}` |
| data | {data}; the training split |
| training | {training} |
| test | {events} events, used for nothing else |
| licence | MIT |

Made with

```sh
{command}
```

## Figures of merit

Kolmogorov-Smirnov distances × 100 on the test split: b quark unfolded, leading jet simulated, masses of
simulated events. The floor is what two samples of one law exceed in 5 % of cases.

{cells}

All observables, generated against true (KS × 100; floor {floor:.2f}):

{observables}

## Use

```python
import mizoo

model = mizoo.load("{name}")
x_new = model.decode(z)  # simulate: (n, 24) to (n, 24), px py pz E in GeV
z_new = model.encode(x)  # unfold
```

`tf.saved_model.load` alone does too: the endpoints are `encode`, `decode` and `reconstruct`, float32.

## Limits

It knows the events above and nothing of other processes, energies, selections or detectors.
Missing momentum in the events is minus the sum of the visible momenta, all three components.

## Citation

{paper}; and the events' tools: Pythia 8.3 (arXiv 2203.11601), Delphes 3 (arXiv 1307.6346).
"""


def write_card(directory) -> Path:
    """Write `README.md` of a model folder from its `config.json` and `metrics.json`."""
    directory = Path(directory)
    config = json.loads((directory / "config.json").read_text())
    metrics = json.loads((directory / "metrics.json").read_text())
    seconds = config["seconds"]
    text = _CARD.format(
        name=metrics["name"],
        description=config["description"],
        model=config["repr"],
        data=_DATA,
        training=f"{config['recipe']['epochs']} epochs, {seconds / 60:.0f} minutes on {config['machine']}",
        events=metrics["events"],
        command="\n".join(config["commands"]),
        cells=_cells(metrics["cells"]),
        floor=100 * metrics["table"][0]["floor"],
        observables=_observables(metrics["table"]),
        paper=config["paper"],
    )
    path = directory / "README.md"
    path.write_text(text)
    return path


def _cells(cells):
    columns = list(next(iter(cells.values())))
    lines = ["| | " + " | ".join(f"`{c}`" for c in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join(f"{row[c]:.2f}" for c in columns) + " |" for name, row in cells.items()
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
