"""The efficiency of a selection, learnt from the partons of all generated events.

    python tests/studies/efficiency.py partons.h5 --out docs/studies

The file has the partons of generated tt̄ events, `FDL` (n × 24, GeV), and whether each is selected,
`passed`. Two thirds train a `mizoo.Efficiency`, some calibrate it, and a fifth tests it; boosted trees see
the same inputs. Writes
`efficiency.json`, `efficiency.png` and the table of the page.
"""

import argparse
import json
import time
from pathlib import Path

import h5py
import keras
import numpy as np
from page import fill, grid
from scipy.stats import chi2
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

import mizoo
from mizoo.evaluation import figures, reliability
from mizoo.model.efficiency import inputs

EPOCHS, BATCH = 10, 200


def train(z, passed, validation, seed):
    """A trained efficiency, calibrated on validation events."""
    keras.utils.set_random_seed(seed)
    efficiency = mizoo.Efficiency(mizoo.processes.ttbar)
    steps = EPOCHS * (len(z) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(efficiency.learning_rate, steps)
    efficiency.compile(keras.optimizers.AdamW(rate, weight_decay=0.1), "binary_crossentropy")
    efficiency.fit(z, passed, epochs=EPOCHS, batch_size=BATCH, verbose=0)
    efficiency.calibrate(*validation)
    return efficiency


def evaluated(probability, passed, seconds):
    """Metrics of predicted probabilities on held-out events."""
    table = reliability(probability, passed)
    distance = float(np.sum(np.square((table.observed - table.predicted) / table.error)))
    return {
        "log loss": log_loss(passed, probability),
        "AUC": roc_auc_score(passed, probability),
        "χ² of 10 bins": distance,
        "p": float(chi2.sf(distance, len(table))),
        "expected": float(probability.sum()),
        "selected": int(passed.sum()),
        "error": float(np.sqrt(np.sum(probability * (1 - probability)))),
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("studies"))
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with h5py.File(args.data) as file:
        z, passed = file["FDL"][...], file["passed"][...]
    train_until, test_from = 2 * len(z) // 3, 4 * len(z) // 5
    some, test = slice(train_until, test_from), slice(test_from, None)
    rows = []
    for seed in range(args.seeds):
        start = time.process_time()
        efficiency = train(z[:train_until], passed[:train_until], (z[some], passed[some]), seed)
        seconds = time.process_time() - start
        probability = efficiency.probability(z[test])
        rows.append({"seed": seed, **evaluated(probability, passed[test], seconds)})
        print(rows[-1], flush=True)
        if seed == 0:
            figure = figures.reliability_curve(probability, passed[test])
            figure.savefig(args.out / "efficiency.png", dpi=50)
    trees = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=15, random_state=0)
    start = time.process_time()
    trees.fit(inputs(z[:test_from], mizoo.processes.ttbar).numpy(), passed[:test_from])
    seconds = time.process_time() - start
    probability = trees.predict_proba(inputs(z[test], mizoo.processes.ttbar).numpy())
    rows.append({"seed": "trees", **evaluated(probability[:, 1], passed[test], seconds)})
    constant = log_loss(passed[test], np.full(len(z) - test_from, passed[:train_until].mean()))
    content = {"events": [train_until, test_from - train_until, len(z) - test_from], "rows": rows}
    content["log loss of a constant"] = constant
    (args.out / "efficiency.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    cells = [
        [
            row["seed"], f"{row['log loss']:.4f}", f"{row['AUC']:.3f}", f"{row['χ² of 10 bins']:.1f}",
            f"{row['p']:.2f}", f"{row['expected']:.0f} ± {row['error']:.0f}", row["selected"],
            f"{row['seconds']:.0f}",
        ]
        for row in rows
    ]  # fmt: skip
    header = ["seed", "log loss", "AUC", "χ² of 10 bins", "p", "expected yield", "selected", "CPU seconds"]
    fill("efficiency", grid(header, cells), "studies.md", args.out)


if __name__ == "__main__":
    main()
