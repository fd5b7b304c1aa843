"""What each part of a default model does: the model without it.

    python tests/studies/ablation.py turbosim --out docs/studies
    python tests/studies/ablation.py gandalf --out docs/studies

Each variant of the preset is trained three times on ZH, with other seeds, for 25 epochs of 250 events, a
quarter of the default length, and is measured on the validation events. Tables give means of the seeds with
the error of the mean, and mark what differs from the whole model by more than twice the error of the
difference. Existing runs are not repeated, nor finished rows of `ablation_PRESET.json`, which must be of
the model of today.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from gandalf import set_evaluations
from page import fill, grid
from process import FEW, SPACES, classified, distances, drawn, latent

import mizoo
from mizoo.evaluation import crps
from mizoo.objectives import LINKS
from mizoo.training.recipe import Recipe, train

TERMS = [f"{letter}_{stream}" for stream in LINKS for letter in "LD"]
VARIANTS = {
    "turbosim": {
        "all terms": {},
        **{f"without `{term}`": {"weights": {term: 0.0}} for term in [*TERMS, "C_z_tilde"]},
    },
    "gandalf": {
        "all parts": {},
        "without alignment": {"alignment": 0.0},
        "without `L_x_hat` and `L_z_hat`": {"weights": {"L_x_hat": 0.0, "L_z_hat": 0.0}},
        "a latent of 32": {"latent": 32},
        "half the units": {"units": 96},
        "8 evaluations": {"evaluations": 8},  # the whole model, with other draws
        "16 evaluations": {"evaluations": 16},
    },
}
SEEDS, SAMPLES = 3, 4
WORDS = ("simulated", "unfolded")


def trained(preset, variant, seed, epochs, data, runs):
    """The model of a run, which is made or continued if it is not complete."""
    options = dict(VARIANTS[preset][variant])
    evaluations = options.pop("evaluations", None)
    number = list(VARIANTS[preset].values()).index(options)  # 0 if only the draws differ
    folder = runs / preset / f"{number}-{seed}"
    if not (folder / "model.keras").is_file():
        recipe = Recipe(preset, {"process": "zh", **options}, epochs=epochs, batch_size=250, seed=seed)
        train(recipe, data, folder, resume=True)
    model = mizoo.load(str(folder))
    if evaluations:
        set_evaluations(model, evaluations)
    return model


def figures(model, data, shared):
    """Figures of a model by name, the smaller the better but for retrieval."""
    samples = [drawn(model, data, i) for i in range(SAMPLES)]
    found = distances(data, samples)
    row = {f"KS {what}": np.mean(list(found[s].values())) for s, what in zip(SPACES, WORDS, strict=True)}
    row |= {f"AUC {what}": auc["AUC"] for what, auc in classified(data, samples[0]).items()}
    row["CRPS"] = np.mean(crps(data.z, np.stack([sample["z"] for sample in samples], 1)))
    if shared:
        of = latent(model, data[:FEW])
        row["nearest"] = of["nearest"]
        for space in SPACES:
            row[f"reconstruction {space}"] = of[f"reconstruction of {space}"]["median component"]
    return {name: float(f"{value:.5g}") for name, value in row.items()}


def table(rows):
    """Markdown of means and errors over the seeds; bold differs from the first variant."""
    names = list(rows[0]["seeds"][0])
    stats = []
    for row in rows:
        values = np.array([[one[name] for name in names] for one in row["seeds"]])
        stats.append((values.mean(0), values.std(0, ddof=1) / np.sqrt(len(values))))
    largest = np.max([mean for mean, _ in stats], 0)
    decimals = 4 - np.ceil(np.log10(largest)).astype(int)
    lines = []
    for row, (mean, error) in zip(rows, stats, strict=True):
        cells = [f"{m:.{d}f} ± {e:.{d}f}" for m, e, d in zip(mean, error, decimals, strict=True)]
        far = np.abs(mean - stats[0][0]) > 2.0 * np.hypot(error, stats[0][1])
        lines.append([row["variant"], *np.where(far, [f"**{cell}**" for cell in cells], cells)])
    return grid(["", *names], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("preset", choices=sorted(VARIANTS))
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--epochs", type=int, default=25)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    path, data = args.out / f"ablation_{args.preset}.json", mizoo.datasets.zh()
    whole = {"epochs": args.epochs, "model": repr(getattr(mizoo.presets, args.preset)("zh"))}
    before = json.loads(path.read_text()) if path.is_file() else {**whole, "rows": []}
    if {key: before[key] for key in whole} != whole:
        parser.error(f"{path} is of another model or length: remove it and its runs in {args.runs}")
    rows = before["rows"]
    for variant in list(VARIANTS[args.preset])[len(rows) :]:
        seeds = []
        for seed in range(SEEDS):
            model = trained(args.preset, variant, seed, args.epochs, data, args.runs)
            seeds.append(figures(model, data.validation, shared=args.preset == "gandalf"))
            print(variant, seed, seeds[-1], flush=True)
        rows.append({"variant": variant, "seeds": seeds})
        path.write_text(json.dumps({**whole, "rows": rows}, indent=1) + "\n")
    print(table(rows))
    fill(f"ablation {args.preset}", table(rows), "studies.md", args.out)


if __name__ == "__main__":
    main()
