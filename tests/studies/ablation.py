"""Turbo-Sim with each of its eight terms switched off in turn, compared with test events.

    python tests/studies/ablation.py --out docs/studies

The networks are those of the paper's code, with all eight terms: its six, L on x_tilde and D on z_hat.
Training takes 20 epochs. The full model is trained from three seeds to estimate the noise. Existing runs
are not repeated.
"""

import argparse
import json
from pathlib import Path

import pandas as pd
from page import fill

import mizoo
from mizoo.evaluation.text import markdown
from mizoo.objectives import LINKS
from mizoo.training.recipe import Recipe, train

EIGHT = {"L_x_tilde": 10.0, "D_z_hat": 1.0}
TERMS = [f"{letter}_{stream}" for stream in LINKS for letter in "LD"]
VARIANTS = {f"all eight, seed {seed}": (None, seed) for seed in range(3)}
VARIANTS |= {f"without `{term}`": (term, 0) for term in TERMS}


def row(name, term, seed, runs, data):
    """Mean KS distance × 100 of each stream's observables, and the hardest mass."""
    weights = EIGHT | ({term: 0.0} if term else {})
    options = {"original": True, "weights": weights}
    recipe = Recipe("turbosim", options, epochs=20, batch_size=100, select_from=19, seed=seed)
    folder = runs / f"{term or 'all'}-{seed}"
    if not (folder / "model.keras").is_file():
        train(recipe, data, folder, resume=True)
    report = mizoo.evaluate(mizoo.load(str(folder)), data.test, seed=0)
    means = {stream: round(float(report.summary.loc[stream, "mean"]), 2) for stream in LINKS}
    masses = 100.0 * report.table.loc["x_tilde", "ks"]
    return {"model": name, **means, "m_w_had": round(float(masses["m_w_had"]), 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    args = parser.parse_args()
    data, rows = mizoo.datasets.ttbar(), []
    args.out.mkdir(parents=True, exist_ok=True)
    for name, (term, seed) in VARIANTS.items():
        rows.append(row(name, term, seed, args.runs, data))
        print(rows[-1], flush=True)
        (args.out / "ablation.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    fill("ablation", markdown(pd.DataFrame(rows).set_index("model")))


if __name__ == "__main__":
    main()
