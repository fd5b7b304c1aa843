"""All shipped models of the tt̄ events, compared with the same test events.

    python tests/studies/benchmark.py --out docs/studies          # all of them
    python tests/studies/benchmark.py gandalf --out docs/studies  # this one; the results of others are kept

Models that are not shipped are trained first (`tests/studies/zoo.py`), which takes hours.
"""

import argparse
import json
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from page import fill

import mizoo
from mizoo.datasets import Events
from mizoo.evaluation import compare
from mizoo.evaluation.benchmark import TOP_PAIRS
from mizoo.evaluation.figures import save, style
from mizoo.evaluation.text import markdown
from mizoo.physics import accepted

MODELS = ("gandalf", "turbosim", "turbosim-original", "flow", "otus", "bibae", "pix2pix", "cyclegan")
JOINT = ("correlation", "sliced Wasserstein", "MMD", "AUC", "AUC error")


def measured(name, data):
    """Cells, and metrics of all observables together, for a model of x alone or of pairs."""
    model = mizoo.load(f"{name}-ttbar")
    alone = mizoo.presets.PRESETS[model.preset].data == "x"
    report = mizoo.evaluate(model, data.only("x") if alone else data, seed=0, joint=True)
    found = 100.0 * report.table["ks"]
    streams = {"z": "z_tilde", "x": "x_tilde"}
    cells = [found.get((streams[space], observable)) for space, observable in TOP_PAIRS.cells]
    joint = report.joint.reindex(list(streams.values()))
    return {"cells": cells, "joint": {s: list(joint.loc[s, list(JOINT)]) for s in joint.index}}, report


def without_rejected(report, data):
    """Cells of x_tilde without the events below the thresholds, as in OTUS, and their fraction."""
    x = report.streams["x_tilde"]
    kept = accepted(x, data.process)
    table = compare(data.only("x"), Events(x=x[kept], process=data.process)).table
    cells = [
        float(100.0 * table.loc[("x_tilde", o), "ks"]) if s == "x" else None for s, o in TOP_PAIRS.cells
    ]
    return cells, float(np.mean(~kept))


def of_training(data):
    """The cells of the training events, which are of the same distribution."""
    table = compare(data, mizoo.datasets.ttbar().train).table
    return [float(100.0 * table.loc[(f"{s}_tilde", o), "ks"]) for s, o in TOP_PAIRS.cells]


def draw(rows, threshold, path):
    """The cells as a figure: one line per model, on a logarithmic scale."""
    with style():
        figure, ax = plt.subplots(figsize=(16, 9), layout="constrained")
        places = np.arange(len(TOP_PAIRS.cells))
        colours = cycle(matplotlib.color_sequences["tab10"])
        for (name, cells), colour in zip(rows.items(), colours, strict=False):
            values = [np.nan if v is None else v for v in cells]
            look = {"ls": "--", "marker": "s", "color": "black"} if "paper" in name else {"marker": "o"}
            look = {"color": colour, "lw": 1.5, "ms": 9, **look}
            ax.plot(places, values, label=name, alpha=0.5 if name.startswith("OTUS") else 1.0, **look)
        ax.axhspan(0.0, threshold, color="black", alpha=0.12, label="95 % threshold")
        ax.set_yscale("log")
        ax.set_xticks(places, [f"{o}" for _, o in TOP_PAIRS.cells], rotation=30, ha="right", fontsize=18)
        ax.minorticks_off()
        ax.set_ylabel(r"KS distance $\times$ 100")
        ax.legend(fontsize=15, ncol=2)
    save(figure, path, dpi=45)[1].unlink()  # the page has the PNG


def plain(value, digits=5):
    return None if value is None or value != value else round(float(value), digits)


def rounded(cells):
    """Rounded as in a model's `metrics.json`, so that all tables show the same."""
    return [plain(value, 3) for value in cells]


def tables(result, out):
    """Fill the tables of the page: cells, and all observables together."""
    threshold = {"95 % threshold": [result["threshold"]] * len(TOP_PAIRS.cells)}
    cells = {**result["models"], "training events": result["training"], **TOP_PAIRS.published, **threshold}
    cells = pd.DataFrame(cells, index=[o for _, o in TOP_PAIRS.cells]).T
    fill("cells", markdown(cells), "benchmark.md", out)
    for stream in ("x_tilde", "z_tilde"):
        rows = {name: row[stream] for name, row in result["joint"].items() if row[stream][0] is not None}
        rows["95 % threshold"] = [*result["joint thresholds"][stream], None, None]
        rows = pd.DataFrame(rows, index=list(JOINT)).T
        fill(f"joint {stream}", markdown(rows, 4), "benchmark.md", out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a model; all of them if none")
    parser.add_argument("--out", type=Path, default=Path("."))
    args = parser.parse_args()
    if unknown := set(args.names) - set(MODELS):
        parser.error(f"no model {', '.join(unknown)}; there are {', '.join(MODELS)}")
    if not all(Path("saved_models", f"{name}-ttbar").is_dir() for name in MODELS):
        subprocess.run([sys.executable, Path(__file__).with_name("zoo.py"), "--runs", "runs"], check=True)
    data, path = mizoo.datasets.ttbar().test, args.out / "benchmark.json"
    result = {"events": len(data), "models": {}, "joint": {}}
    if args.names:
        result = json.loads(path.read_text())
    for name in args.names or MODELS:
        found, report = measured(name, data)
        result["models"][name] = rounded(found["cells"])
        result["joint"][name] = {s: [plain(v) for v in row] for s, row in found["joint"].items()}
        if name == "otus":
            cells, share = without_rejected(report, data)
            result["models"]["otus, accepted"] = rounded(cells)
            result["rejected by otus"] = round(share, 4)
        if name == "gandalf":
            result["threshold"] = round(100.0 * float(report.table["threshold"].iloc[0]), 3)
            row = report.joint.loc[["z_tilde", "x_tilde"], [f"{k} threshold" for k in JOINT[:3]]]
            result["joint thresholds"] = {s: [plain(v) for v in row.loc[s]] for s in row.index}
        print(name, result["models"][name], flush=True)
    result["training"] = rounded(of_training(data))
    args.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    tables(result, args.out)
    draw({**result["models"], **TOP_PAIRS.published}, result["threshold"], args.out / "benchmark")


if __name__ == "__main__":
    main()
