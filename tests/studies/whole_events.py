"""How well a model simulates and unfolds whole events, with any number of jets.

    python tests/studies/whole_events.py gandalf-ttbar-events --data ttbar_events.h5 --out docs/studies

In the mean of several samples it measures: the numbers of jets and of b-tagged jets, by χ²; the KS distance
of each observable over the 95 % threshold, of all events and of those with exactly 3, 4, 5 and with 6 jets
or more; the mean number of jets against m_tt and the tops' pT; the AUC of a classifier that sees the
electron, missing momentum, six jets with masses and b-tags, and all counts, beside the partons; the CRPS of
unfolded partons beside that of random partons of the training events, and beside that of the model of four
jets on the events that it can take; and the coverage of posteriors, also by the number of jets. Writes
`whole_events.json`, `whole_events.png` and the tables of the page.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from page import fill, grid
from process import SPACES, coverage, drawn, posteriors, rounded
from scipy.stats import chi2, chi2_contingency

import mizoo
from mizoo.datasets import Events
from mizoo.evaluation import classifier_test, crps, observables
from mizoo.evaluation.distances import ks, ks_threshold
from mizoo.evaluation.figures import style
from mizoo.evaluation.observables import existing, is_number
from mizoo.evaluation.streams import in_chunks
from mizoo.physics.momenta import four_momenta
from mizoo.presets.data import split_of

SLICES = {"all": (0, 99), "3": (3, 3), "4": (4, 4), "5": (5, 5), "6 or more": (6, 99)}  # numbers of jets
COUNTS = {"n_jet": 5, "n_btag_jet": 5}  # and the fewest expected events of a bin of its own
SEEN = 6  # jets that the classifier sees


def joined(split):
    """All events of a split."""
    parts = (split.train, split.validation, split.test)
    arrays = (np.concatenate([part[space] for part in parts]) for space in "xz")
    return Events(*arrays, process=split.train.process)


def jets(x, process):
    """Numbers of jets (n,)."""
    return process.present(x)[:, list(process.places["jet"])].sum(1)


def within(counts, numbers):
    low, high = SLICES[numbers]
    return (counts >= low) & (counts <= high)


def same_counts(true, made, fewest):
    """Mean χ² of two-sample tests of numbers (n,) against those of each sample, and its p."""
    top = int(max(map(np.max, (true, *made)))) + 1
    counts = np.stack([np.bincount(values.astype(int), minlength=top) for values in (true, *made)])
    common = counts.min(0) >= fewest
    counts = np.concatenate([counts[:, common], counts[:, ~common].sum(1, keepdims=True)], 1)
    counts = counts[:, counts.any(0)]
    value = np.mean([chi2_contingency(counts[[0, i]]).statistic for i in range(1, len(counts))])
    degrees = counts.shape[1] - 1
    return {"chi2": value, "degrees": degrees, "p": chi2.sf(value, degrees)}


def distances(data, samples):
    """KS distance over threshold of each observable, by number of jets and space; of partons once."""
    found = {}
    true_counts = jets(data.x, data.process)
    made_counts = [jets(sample["x"], data.process) for sample in samples]
    true = {space: observables(data[space], space, data.process) for space in SPACES}
    made = [{space: observables(one[space], space, data.process) for space in SPACES} for one in samples]
    for numbers in SLICES:
        chosen = within(true_counts, numbers)
        rows = {}
        for space in SPACES:
            for name, values in true[space].items():
                ratios = []
                for counts, one in zip(made_counts, made, strict=True):
                    # Unfolded partons are in the slice of the event that they come from.
                    own = within(counts, numbers) if space == "x" else chosen
                    first, _ = existing(values[chosen])
                    second, _ = existing(one[space][name][own])
                    if min(len(first), len(second)) > 100:
                        ratios.append(ks(first, second) / ks_threshold(len(first), len(second)))
                if ratios and not (space == "x" and is_number(name) and name in COUNTS):
                    rows[f"{space} {name}"] = np.mean(ratios)
        found[numbers] = rows
    return found


def of_tops(z, process):
    """m_tt and the pT of the tops, in GeV, by name: those of both are the same, as they balance."""
    momenta = four_momenta(z)
    top = momenta[:, list(process.leaves("t_had"))].sum(axis=1)
    return {"m_tt": np.asarray(momenta.sum(axis=1).mass), "pT of the tops": np.asarray(top.pt)}


def profiles(data, samples, bins=8):
    """Mean numbers of jets in equally populated bins: of true and simulated events, and the errors."""
    true = jets(data.x, data.process)
    made = np.stack([jets(sample["x"], data.process) for sample in samples])
    found = {}
    for name, values in of_tops(data.z, data.process).items():
        edges = np.quantile(values, np.linspace(0.0, 1.0, bins + 1))
        place = np.clip(np.searchsorted(edges, values, "right") - 1, 0, bins - 1)
        rows = [
            {
                "from": edges[i], "to": edges[i + 1], "truth": true[place == i].mean(),
                "error": true[place == i].std() / np.sqrt((place == i).sum()),
                "model": made[:, place == i].mean(),
            }
            for i in range(bins)
        ]  # fmt: skip
        found[name] = rows
    return found


def classified(data, x):
    """AUC on pairs of what is seen of detector objects and partons, and its error."""
    process = data.process
    hidden = set(process.places["jet"][SEEN:])
    names = [one.name for place, one in enumerate(process.x) if place in hidden]

    def seen(events):
        values = observables(events, "x", process)
        kept = [of for name, of in values.items() if name.partition("_")[2] not in names]
        both = [*kept, *observables(data.z, "z", process).values()]
        return np.nan_to_num(np.stack(both, 1), nan=-1e30)

    found = classifier_test(seen(data.x), seen(x))
    return {"AUC": found.value, "error": found.error}


def of_four(x, process, simple):
    """Events with exactly four jets as the process of four massless jets has them."""
    count = len(process.x)
    objects = x[:, : 4 * count].reshape(-1, count, 4)[:, : len(simple.x)].astype("float64")
    objects[..., 3] = np.linalg.norm(objects[..., :3], axis=-1)
    objects[:, 1, 2] = -np.delete(objects, 1, 1)[..., 2].sum(1)  # the other model knows three components
    objects[:, 1, 3] = np.linalg.norm(objects[:, 1, :3], axis=-1)
    return objects.reshape(len(x), -1).astype("float32")


def scores(model, simple, data, train, draws=20):
    """CRPS [GeV] of unfolded components beside those of the prior; and of events with four jets."""

    def unfolded(by, x):
        return in_chunks(lambda e, seed: by.encode(e, num_samples=draws, seed=seed), x, "unfold", 1000, [1])

    prior = train.z[np.random.default_rng(0).integers(len(train), size=(len(data), draws))]
    own, four = unfolded(model, data.x), jets(data.x, data.process) == 4
    by_four = unfolded(simple, of_four(data.x[four], data.process, mizoo.processes.ttbar))
    values = {
        "model": crps(data.z, own),
        "prior": crps(data.z, prior),
        "model, four jets": crps(data.z[four], own[four]),
        f"{simple.name}, four jets": crps(data.z[four], by_four),
    }
    names = data.process.columns("z")
    return {key: dict(zip(names, map(float, of), strict=True)) for key, of in values.items()}


def coverage_by_jets(model, data):
    """Fractions of events in the central 68 % and 95 % of posteriors, by number of jets."""
    names, truth, draws = posteriors(model, data, chunk=200)
    counts, found = jets(data.x, data.process), {}
    for numbers in SLICES:
        chosen = within(counts, numbers)
        own = coverage(names, truth[chosen], draws[chosen])
        found[numbers] = {"events": int(chosen.sum())} | own
    return found


def outside(found):
    """Number of posteriors whose coverage is off by more than 2 points and three standard deviations."""
    rows = {}
    for numbers, of in found.items():
        for level in (0.68, 0.95):
            bound = max(0.02, 3.0 * np.sqrt(level * (1.0 - level) / of["events"]))
            off = {name: value - level for name, value in of[f"{level:.0%}"].items()}
            far = {name: value for name, value in off.items() if abs(value) > bound}
            rows[numbers, f"{level:.0%}"] = (len(far), len(off), max(off, key=lambda name: abs(off[name])))
    return rows


def measured(model, simple, data, train, count, few):
    samples = [drawn(model, data, i) for i in range(count)]
    true = observables(data.x, "x", data.process)
    made = [observables(sample["x"], "x", data.process) for sample in samples]
    return {
        "events": len(data),
        "samples": count,
        "counts": {
            name: same_counts(true[name], [one[name] for one in made], fewest)
            for name, fewest in COUNTS.items()
        },
        "distances": distances(data, samples),
        "profiles": profiles(data, samples),
        "classifier": classified(data, samples[0]["x"]),
        "crps": scores(model, simple, data, train),
        "coverage": coverage_by_jets(model, data[:few]),
    }, samples


def draw(data, samples, result, path):
    """Numbers of jets and b-tagged jets, H_T, and the mean number of jets against m_tt."""
    process = data.process
    true = observables(data.x, "x", process)
    made = [observables(sample["x"], "x", process) for sample in samples]
    with style():
        figure, axes = plt.subplots(1, 4, figsize=(32, 8), layout="constrained")
        for axis, name, label in (
            (axes[0], "n_jet", "number of jets"),
            (axes[1], "n_btag_jet", "number of b-tagged jets"),
            (axes[2], "ht_jet", "$H_T$ [GeV]"),
        ):
            bins = np.arange(-0.5, 11) if name in COUNTS else np.linspace(0.0, 1000.0, 41)
            counts = np.histogram(true[name], bins)[0]
            mean = np.mean([np.histogram(one[name], bins)[0] for one in made], 0)
            middle = (bins[1:] + bins[:-1]) / 2.0
            axis.stairs(mean, bins, lw=2, color="#d1495b", label="simulated")
            axis.errorbar(middle, counts, np.sqrt(counts), fmt="ko", label="Delphes")
            unit = "" if name in COUNTS else f" / {bins[1] - bins[0]:g} GeV"
            axis.set(xlabel=label, ylabel=f"Events{unit}", ylim=(0, 1.25 * counts.max()))
        axes[0].set_xlim(1.5, 10.5)
        axes[1].set_xlim(-0.5, 5.5)
        axes[0].legend()
        rows = pd.DataFrame(result["profiles"]["m_tt"]).clip(upper=1200.0)  # the end of the axis
        middle, half = (rows["from"] + rows["to"]) / 2.0, (rows["to"] - rows["from"]) / 2.0
        axes[3].errorbar(middle, rows["truth"], rows["error"], half, fmt="ko", label="Delphes")
        axes[3].stairs(
            rows["model"],
            [*rows["from"], rows["to"].iloc[-1]],
            baseline=None,
            lw=2,
            color="#d1495b",
            label="simulated",
        )
        axes[3].set(
            xlabel=r"$m_{t\bar{t}}$ of partons [GeV]", ylabel="mean number of jets", xlim=(300, 1200)
        )
        figure.savefig(path, dpi=45)


def tables(result):
    """Header and rows of each table of the page, by name."""
    rows = []
    for numbers, of in result["distances"].items():
        row = [numbers]
        for space in SPACES:
            own = {name[2:]: value for name, value in of.items() if name.startswith(space)}
            if not own:  # too few events
                row += ["–", "–"]
                continue
            largest = max(own, key=own.get)
            above = sum(value > 1.5 for value in own.values())
            row += [f"{above} of {len(own)}", f"`{largest}` {own[largest]:.2f}"]
        rows.append(row)
    covered = [
        [numbers, level, f"{far} of {count}", f"`{name}`"]
        for (numbers, level), (far, count, name) in outside(result["coverage"]).items()
    ]
    made = [f"{what}, {of}" for what in ("simulated", "unfolded") for of in ("above 1.5", "largest")]
    return {
        "whole events distances": (["jets", *made], rows),
        "whole events coverage": (["jets", "level", "outside", "farthest"], covered),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="name or path of a trained model, or a run folder")
    parser.add_argument(
        "--data", type=Path, required=True, help="HDF5 file, see mizoo.datasets.ttbar_events"
    )
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    parser.add_argument("--four", default="gandalf-ttbar", help="the model of four jets")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--events", type=int, help="the first ones of the split; all of them by default")
    parser.add_argument("--posteriors", type=int, default=2000, help="events with posteriors")
    parser.add_argument("--out", type=Path, default=Path("."))
    args = parser.parse_args()
    split = split_of(joined(mizoo.datasets.ttbar_events(args.data)))
    data = getattr(split, args.split)[: args.events]
    model, simple = mizoo.load(args.model), mizoo.load(args.four)
    figures, samples = measured(model, simple, data, split.train, args.samples, args.posteriors)
    result = rounded({"model": model.name, "split": args.split, **figures})
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "whole_events.json").write_text(json.dumps(result, indent=1) + "\n")
    draw(data, samples, result, args.out / "whole_events.png")
    print(json.dumps({key: result[key] for key in ("counts", "classifier")}))
    print(pd.DataFrame(result["crps"]).round(2).to_string())
    for name, (header, rows) in tables(result).items():
        print(f"{name}\n{grid(header, rows)}")
        fill(name, grid(header, rows), "studies.md", args.out)


if __name__ == "__main__":
    main()
