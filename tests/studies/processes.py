"""The shipped models of Z → ee and ZH on the test events of these processes.

    python tests/studies/processes.py --out docs/studies

For each model the table has the largest KS distance over the 95 % threshold among components and masses of
simulated and of unfolded events, in the mean of twenty samples; medians and widths of simulated masses
beside those of Delphes; the AUC of a classifier on pairs with their responses; the CRPS of unfolded
components beside that of random partons of the training events, and beside that of `flow` between
standardised momenta, which is trained here; and for gandalf, retrieval in the common latent. All figures
are in `processes.json`; models that it has are not measured again.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from page import fill, grid
from process import SPACES, measured, rounded

from mizoo.export.origin import Origin

MODELS = [f"{preset}-{process}" for process in ("zee", "zh") for preset in ("gandalf", "flow", "turbosim")]
SAMPLES, PLAIN_EPOCHS = 20, 40


def row(name, of):
    """Cells of the table for one model."""
    cells = [f"`{name}`"]
    for space in SPACES:
        # At parton level the mass of the Higgs boson is a constant: it is measured by its median.
        own = {key: value for key, value in of["distances"][space].items() if (space, key) != ("z", "m_H")}
        largest = max(own, key=own.get)
        cells.append(f"`{largest}` {own[largest]:.2f}")
    cells += [f"{of['pairs'][what]['AUC']:.3f}" for what in ("simulated", "unfolded")]
    masses = []
    for mass, both in of["resonances"]["x"].items():
        shift = both["model"]["median"] - both["truth"]["median"]
        wider = both["model"]["width"] / both["truth"]["width"] - 1.0
        masses.append(f"{mass}: {shift:+.2f} GeV, {100 * wider:+.1f} %")
    cells.append("; ".join(masses))
    scores = {key: np.array(list(values.values())) for key, values in of["crps"].items()}
    better = {key: f"{(scores['model'] < scores[key]).sum()} of {len(scores[key])}" for key in scores}
    cells += [f"{np.mean(scores['model']):.1f}", better["prior"], better["plain flow"]]
    latent = of.get("latent")
    cells.append(f"{100 * latent['nearest']:.1f} %, {latent['mean rank']:.4f}" if latent else "–")
    return cells


HEADER = [
    "model", "simulated, largest", "unfolded, largest", "AUC simulated", "AUC unfolded",
    "simulated masses: shift of the median, of the width", "CRPS [GeV]", "better than the prior",
    "better than plain momenta", "nearest latent, mean rank",
]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("models", nargs="*", default=MODELS)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "processes.json"
    found = json.loads(path.read_text()) if path.is_file() else {}
    for name in args.models:
        if name in found:
            continue
        origin = Origin(name)
        data, train = origin.truth(split="test"), origin.truth(split="train")
        shared = name.startswith("gandalf")
        same = next((of for of in found.values() if of["process"] == data.process.name), None)
        epochs = 0 if same else PLAIN_EPOCHS  # one flow of plain momenta per process
        found[name] = rounded(measured(origin.model, data, train, SAMPLES, epochs=epochs, shared=shared))
        if same:
            found[name]["crps"]["plain flow"] = same["crps"]["plain flow"]
        path.write_text(json.dumps(found, indent=1) + "\n")
    table = grid(HEADER, [row(name, found[name]) for name in found])
    print(table)
    fill("processes", table, "studies.md", args.out)


if __name__ == "__main__":
    main()
