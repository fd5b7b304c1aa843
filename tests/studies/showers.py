"""BIB-AE on showers in a calorimeter, with and without its post-processor, compared with new showers.

    python tests/studies/showers.py --out docs/studies

Trains `bibae_desy` (arXiv 2005.05334) on `mizoo.datasets.showers` with the incident energy as condition.
The run in `--runs` is resumed if it is there. Writes `showers.json` and `showers.png`: visible energy, hits
and depth at three incident energies, profiles in depth and radius, the spectrum of cell energies, and the
AUC of a classifier of features of showers that have the energies of the test data.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from matplotlib import pyplot as plt
from page import fill, grid

import mizoo
from mizoo import presets
from mizoo.datasets.showers import CELL, CELLS, LAYER, LAYERS, cell_energies
from mizoo.evaluation import classifier_test
from mizoo.evaluation.figures.style import COLOURS, TRUE, style
from mizoo.training.backup import Backup

THRESHOLD = 1e-3  # GeV, energy of a cell that is hit
LINES = {20.0: ":", 50.0: "--", 90.0: "-"}  # by energy in GeV
SHAPE = (CELLS, CELLS, LAYERS, 1)
DRAWS = {"showers": TRUE, "BIB-AE": COLOURS["tilde"], "without post-processor": COLOURS["hat"]}

_places = CELL * (np.arange(CELLS) - (CELLS - 1) / 2)
RADIUS = np.hypot(_places[:, None], _places)
RINGS = np.arange(0.0, RADIUS.max() + CELL, CELL)
DEPTH = LAYER * (np.arange(LAYERS) + 0.5)


def in_depth(x):
    """Energies of layers in GeV, (n, 30)."""
    return x.sum((1, 2))[..., 0]


def in_radius(x):
    """Energies of rings in GeV, (n, rings)."""
    across = x.sum((3, 4)).reshape(len(x), -1)
    return np.stack([across[:, ring] @ np.ones(ring.sum()) for ring in _rings()], 1)


def _rings():
    place = np.digitize(RADIUS.ravel(), RINGS) - 1
    return [place == i for i in range(len(RINGS) - 1)]


def summary(x):
    """Visible energy in GeV, number of hits, and mean depth in radiation lengths of each shower."""
    layers = in_depth(x)
    visible = layers.sum(1)
    hits = (x > THRESHOLD).sum((1, 2, 3, 4))
    return {"visible": visible, "hits": hits, "depth": layers @ DEPTH / np.maximum(visible, 1e-9)}


def features(x, energies):
    """Features (n, k) of showers for the classifier."""
    one = summary(x)
    fraction = 1.0 / np.maximum(one["visible"], 1e-9)[:, None]
    layers, rings = in_depth(x) * fraction, in_radius(x) * fraction
    width = np.sqrt(np.maximum(layers @ DEPTH**2 - one["depth"] ** 2, 0.0))
    largest = x.reshape(len(x), -1).max(1)
    columns = [*one.values(), one["visible"] / energies[:, 0], energies[:, 0], width, largest]
    return np.concatenate([np.stack(columns, 1), layers, rings], 1)


def drawn(model, energies):
    """Showers of a model for incident energies (n, 1), 250 at a time."""
    parts = [slice(i, i + 250) for i in range(0, len(energies), 250)]
    return np.concatenate(
        [
            np.asarray(model.sample(len(energies[p]), condition=energies[p], seed=i))
            for i, p in enumerate(parts)
        ]
    )


class Clock(keras.callbacks.Callback):
    """Seconds per step after the first one, which includes the compilation."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self._start = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.monotonic() - self._start)

    def median(self):
        return float(np.median(self.seconds[1:])) if len(self.seconds) > 1 else None


def trained(data, args):
    """The trained model, and the seconds per step."""
    keras.utils.set_random_seed(0)
    model = presets.bibae_desy(
        x=SHAPE, condition=(1,), latent=args.latent, units=args.units, learning_rate=3e-4
    )
    model.adapt(data.train)
    backup, clock = Backup(args.runs / "backup"), Clock()
    done, step = backup.resume(model)
    model.fit(
        data.train, batch_size=args.batch_size, epochs=args.epochs, initial_epoch=done, initial_step=step,
        callbacks=[clock, backup], verbose=2,
    )  # fmt: skip
    return model, clock.median()


def without_post_processor(model, args):
    """The same encoder and decoder."""
    return presets.bibae_desy(
        x=model.x_representation, condition=model.condition, latent=args.latent, units=args.units,
        encoder=model.encoder, decoder=model.decoder.mapper, post_processed=False,
    )  # fmt: skip


def figure_of(showers, path):
    """Six panels; `showers` are arrays by energy, then by kind."""
    with style():
        figure, axes = plt.subplots(2, 3, figsize=(27, 17), layout="constrained")
        panels = dict(zip(("visible", "hits", "depth", "layers", "rings", "cells"), axes.flat, strict=True))
        for energy, of_kind in showers.items():
            true = summary(of_kind["showers"])
            for kind, x in of_kind.items():
                label = kind if energy == max(LINES) else None
                look = {"color": DRAWS[kind], "linestyle": LINES[energy], "linewidth": 2, "label": label}
                for name, values in summary(x).items():
                    unit = energy if name == "visible" else 1.0
                    low, high = np.percentile(true[name] / unit, [0.5, 99.5])
                    edges = np.linspace(2.0 * low - high, 2.0 * high - low, 61)
                    weights = np.full(len(values), 1.0 / len(values))
                    panels[name].hist(values / unit, edges, weights=weights, histtype="step", **look)
                panels["layers"].step(DEPTH, in_depth(x).mean(0), where="mid", **look)
                rings = in_radius(x).mean(0) / [CELL**2 * ring.sum() for ring in _rings()]
                panels["rings"].stairs(rings, RINGS, **look)
                cells = x[x > 1e-4]
                panels["cells"].hist(cells, np.geomspace(1e-4, 10.0, 61), histtype="step", **look)
        of_energies = ", ".join(f"{energy:.0f}" for energy in LINES)
        panels["visible"].set(xlabel="visible / incident energy", ylabel="fraction of showers")
        panels["hits"].set(xlabel="cells above 1 MeV", ylabel="fraction of showers")
        panels["depth"].set(xlabel="mean depth [$X_0$]", ylabel="fraction of showers")
        panels["layers"].set(xlabel="depth [$X_0$]", ylabel="energy per layer [GeV]")
        panels["rings"].set(xlabel="radius [$R_M$]", ylabel="energy per area [GeV/$R_M^2$]", yscale="log")
        panels["cells"].set(xlabel="cell energy [GeV]", ylabel="cells", xscale="log", yscale="log")
        panels["layers"].legend(title=f"{of_energies} GeV", fontsize=20, title_fontsize=20)
        figure.savefig(path, dpi=60)
        plt.close(figure)


def rows_of(showers):
    """Mean and standard deviation of the summaries, and the largest deviation of mean profiles."""
    rows = []
    for energy, of_kind in showers.items():
        for kind, x in of_kind.items():
            row = {"energy": energy, "kind": kind}
            for name, values in summary(x).items():
                row[name] = [round(float(values.mean()), 4), round(float(values.std()), 4)]
            for name, profile in (("layers", in_depth), ("rings", in_radius)):
                true, own = profile(of_kind["showers"]).mean(0), profile(x).mean(0)
                row[f"{name} off"] = round(float(np.abs(own - true).max() / true.max()), 4)
            rows.append(row)
    return rows


def table(rows):
    widths = ("visible", "hits", "depth")
    return grid(
        ["energy [GeV]", "", "visible [GeV]", "hits", "depth [X₀]", "layers off [%]", "rings off [%]"],
        [
            [
                f"{row['energy']:.0f}",
                row["kind"],
                *("{:.4g} ± {:.3g}".format(*row[name]) for name in widths),
                *(f"{100 * row[name]:.1f}" for name in ("layers off", "rings off")),
            ]
            for row in rows
        ],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--runs", type=Path, default=Path("runs/showers"))
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--latent", type=int, default=24)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--draws", type=int, default=1000, help="showers per incident energy")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    data = mizoo.datasets.showers(args.events)
    model, seconds = trained(data, args)
    steps = data.train.steps(args.batch_size)
    if seconds is not None:
        print(
            f"{seconds:.2f} s per step, {seconds * steps / 60.0:.1f} min per epoch of {steps}", flush=True
        )
    models = {"BIB-AE": model, "without post-processor": without_post_processor(model, args)}
    showers = {}
    for i, energy in enumerate(LINES):
        given = np.full((args.draws, 1), energy, "float32")
        showers[energy] = {"showers": cell_energies(given[:, 0], seed=i + 1)}
        showers[energy] |= {kind: drawn(made, given) for kind, made in models.items()}
    test, areas = data.test[:5000], {}
    for kind, made in models.items():
        found = classifier_test(features(test.x, test.c), features(drawn(made, test.c), test.c))
        areas[kind] = [round(found.value, 4), round(found.error, 4)]
    content = {
        "epochs": args.epochs, "events": args.events, "batch_size": args.batch_size, "units": args.units,
        "latent": args.latent, "seconds per step": seconds and round(seconds, 3), "auc": areas,
        "rows": rows_of(showers),
    }  # fmt: skip
    print(json.dumps(content["auc"]), flush=True)
    (args.out / "showers.json").write_text(json.dumps(content, indent=1) + "\n")
    figure_of(showers, args.out / "showers.png")
    fill("showers", table(content["rows"]), "studies.md", args.out)


if __name__ == "__main__":
    main()
