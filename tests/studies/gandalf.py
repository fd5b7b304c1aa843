"""Study of GANDALF on events that it has never seen.

    python tests/studies/gandalf.py --out docs/studies

Distances by number of network evaluations, means of several draws; classifier tests, masses of the partons,
responses, calibration of the posteriors, the latent space before and after training, and reconstruction out
of it. Writes `gandalf.json`, figures and, if the figures go to the documentation, the tables of the page.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import mplhep
import numpy as np
import pandas as pd
import tensorflow as tf
from page import fill, grid
from process import reconstruction, rounded

import mizoo
from mizoo.evaluation.benchmark import TOP_PAIRS
from mizoo.evaluation.classifier import classifier_test, features, pair_features
from mizoo.evaluation.conditional import responses, retrieve, simulation_based_calibration
from mizoo.evaluation.distances import ks, ks_threshold
from mizoo.evaluation.figures import latent_pairs, response
from mizoo.evaluation.observables import observables, polar, wrap
from mizoo.evaluation.streams import in_chunks
from mizoo.mappers import Diffusion

EVALUATIONS = 4  # of the shipped model
DRAWS = 99  # from a posterior: ranks from 0 to 99, five of them in each bin of the figure
MASSES = ("m_w_had", "m_w_lep", "m_t_had", "m_t_lep")


def set_evaluations(model, count):
    for mapper in model.averages.values():
        for layer in mapper._flatten_layers():
            if isinstance(layer, Diffusion):
                layer.evaluations = count


def drawn(encode, decode, data):
    """Events simulated from z and unfolded from x, by space."""
    return {"x": in_chunks(decode, data.z, "simulate"), "z": in_chunks(encode, data.x, "unfold")}


def distances(model, data, threshold, draws, counts=(4, 8, 16)):
    """KS distances of several draws, and speed, by number of network evaluations."""
    rows = []
    for count in counts:
        set_evaluations(model, count)
        encode, decode = tf.function(model.encode), tf.function(model.decode)
        rate = {
            name: per_second(f, data[s][:1000]) for name, f, s in (("x", decode, "z"), ("z", encode, "x"))
        }
        found = pd.DataFrame([between(data, drawn(encode, decode, data)) for _ in range(draws)])
        mean = found.mean()
        largest = {space: mean[space].idxmax() for space in "xz"}
        rows.append(
            {
                "evaluations": count,
                **of_cells(found, threshold),
                "cells above the threshold": int((mean[list(TOP_PAIRS.cells)] > threshold).sum()),
                "observables above 1.5 thresholds": int((mean > 1.5 * threshold).sum()),
                "observables": len(mean),
                "largest of x": [largest["x"], round(100 * mean["x"].max(), 2)],
                "largest of z": [largest["z"], round(100 * mean["z"].max(), 2)],
                "simulated a second": rate["x"],
                "unfolded a second": rate["z"],
            }
        )
        print(rows[-1], flush=True)
    return rows


def between(first, second):
    """KS distances of all observables of two samples of pairs, by space and name.

    These alone: `mizoo.evaluation.compare` measures all distances and bootstraps their thresholds.
    """
    found = {}
    for space in "xz":
        others = observables(second[space], space, first.process)
        for name, values in observables(first[space], space, first.process).items():
            found[space, name] = ks(values, others[name])
    return pd.Series(found)


def true_distances(data, events, threshold, draws):
    """KS distances of as many other true events, different ones in each draw."""
    random = np.random.default_rng(0)
    chosen = (random.choice(len(events), len(data), replace=False) for _ in range(draws))
    found = pd.DataFrame([between(data, events[places]) for places in chosen])
    return of_cells(found, threshold)


def of_cells(found, threshold):
    """The paper's ten cells over several draws: means, deviations, fractions at or below the threshold."""
    cells = found[list(TOP_PAIRS.cells)]
    columns = {
        "cells": 100 * cells.mean(),
        "deviations": 100 * cells.std(),
        "at the threshold": (cells <= threshold).mean(),
    }
    return {
        **{key: {name: round(float(v), 2) for (_, name), v in of.items()} for key, of in columns.items()},
        "all at the threshold": round(float((cells <= threshold).all(axis=1).mean()), 2),
    }


def per_second(function, events, repeats=5):
    function(events)
    start = time.perf_counter()
    for _ in range(repeats):
        function(events)
    return round(repeats * len(events) / (time.perf_counter() - start))


def classified(data, x_tilde, z_tilde):
    """AUC of classifier tests on events, on events with features of pairs of objects, on pairs, and on
    pairs with their responses.
    """

    def entangled(events, space):
        _, eta, phi = polar(events)
        i, j = np.triu_indices(eta.shape[1], 1)
        # In GeV, rounded: partons balance up to their last digits, which are not physical.
        recoil = np.linalg.norm(events.reshape(len(events), -1, 4)[..., :2].sum(1), axis=-1)
        distance = np.hypot(eta[:, i] - eta[:, j], wrap(phi[:, i] - phi[:, j]))
        return np.concatenate([features(events, space, data.process), distance, recoil[:, None].round()], 1)

    def pair(x, z):
        return np.concatenate([features(x, "x", data.process), features(z, "z", data.process)], 1)

    def closer(x, z):
        return pair_features(x, z, data.process)

    tests = {
        "simulation, events": (features(data.x, "x", data.process), features(x_tilde, "x", data.process)),
        "simulation, events, distances, balance": (entangled(data.x, "x"), entangled(x_tilde, "x")),
        "simulation, pairs": (pair(data.x, data.z), pair(x_tilde, data.z)),
        "simulation, pairs and responses": (closer(data.x, data.z), closer(x_tilde, data.z)),
        "unfolding, events": (features(data.z, "z", data.process), features(z_tilde, "z", data.process)),
        "unfolding, events, distances, balance": (entangled(data.z, "z"), entangled(z_tilde, "z")),
        "unfolding, pairs": (pair(data.x, data.z), pair(data.x, z_tilde)),
        "unfolding, pairs and responses": (closer(data.x, data.z), closer(data.x, z_tilde)),
    }
    found = {}
    for name, samples in tests.items():
        auc = classifier_test(*samples)
        found[name] = {"auc": round(auc.value, 4), "error": round(auc.error, 4)}
        print(name, found[name], flush=True)
    return found


def spread(values):
    """Median and half of the central 68 %."""
    low, middle, high = np.percentile(values, [16, 50, 84])
    return {"median": round(float(middle), 4), "width": round(float(high - low) / 2, 4)}


def peak(values):
    """Position of a peak: the middle of the shortest interval with half of the values."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    start = np.argmin(ordered[half:] - ordered[:-half])
    return round(float(ordered[start] + ordered[start + half]) / 2, 3)


def partons(data, z_tilde):
    true, made = observables(data.z, "z", data.process), observables(z_tilde, "z", data.process)
    rows = {
        name: {
            "peak": peak(true[name]), "unfolded peak": peak(made[name]),
            "width": spread(true[name])["width"], "unfolded width": spread(made[name])["width"],
        }
        for name in MASSES
    }  # fmt: skip
    sums = [polar(events)[0].sum(1) for events in (data.z, z_tilde)]
    rows["sum of pT"] = {"ks": round(100 * ks(*sums), 2), **spread(sums[0])}
    rows["sum of pT"] |= {f"unfolded {name}": value for name, value in spread(sums[1]).items()}
    return rows


def calibrated(model, data, samples):
    """Coverage of the posteriors of all observables of z, and the ranks."""
    draws = in_chunks(lambda x: model.encode(x, num_samples=samples), data.x, "posterior", chunk=100)
    truth = observables(data.z, "z", data.process)
    made = observables(draws.reshape(-1, draws.shape[-1]), "z", data.process)
    stacked = np.stack([values.reshape(len(data), samples) for values in made.values()], -1)
    found = simulation_based_calibration(np.stack(list(truth.values()), 1), stacked)
    rows = {
        name: {"68 %": round(100 * a, 1), "95 %": round(100 * b, 1)}
        for name, a, b in zip(truth, found.coverage(0.68), found.coverage(0.95), strict=True)
    }
    return rows, dict(zip(truth, found.ranks.T, strict=True))


def latents(model, data):
    """Retrieval of partners in the data, in the latent space of a new model and of the trained one."""
    keras.utils.set_random_seed(0)
    new = mizoo.presets.gandalf()
    pairs = {"x": data.x, "z": data.z}
    spaces = {
        "data": pairs,
        "latent, untrained": {space: v.numpy() for space, v in new.latents(pairs).items()},
        "latent": {space: v.numpy() for space, v in model.latents(pairs).items()},
    }
    found = {name: retrieve(both["x"], both["z"], "cosine")._asdict() for name, both in spaces.items()}
    return {name: {k: round(v, 4) for k, v in row.items()} for name, row in found.items()}, spaces


def tables(found, out):
    """Fill the tables of the page."""
    runs = found["distances"]
    summary = ("largest of x", "largest of z", "simulated a second", "unfolded a second")
    above, wide = "cells above the threshold", "observables above 1.5 thresholds"
    by_name = {run["evaluations"]: run for run in runs} | {"training events": found["training events"]}
    cells = {name: [*run["cells"].values(), run["all at the threshold"]] for name, run in by_name.items()}
    for part, name in (
        ("deviations", "deviation of a draw"),
        ("at the threshold", "share at the threshold"),
    ):
        cells[f"{EVALUATIONS}, {name}"] = by_name[EVALUATIONS][part].values()
    page = {
        "cells": (
            ["evaluations", *(f"`{name}`" for name in runs[0]["cells"]), "all at the threshold"],
            [[name, *(f"{v:.2f}" for v in row)] for name, row in cells.items()],
        ),
        "all": (
            ["evaluations", above, f"of {runs[0]['observables']} {wide}", *summary],
            [
                [run["evaluations"], run[above], run[wide]]
                + [f"`{run[largest][0]}` {run[largest][1]:.2f}" for largest in summary[:2]]
                + [run[rate] for rate in summary[2:]]
                for run in runs
            ],
        ),
        "classifier": (
            ["what the classifier sees", "AUC", "error"],
            [[name, *(f"{v:.4f}" for v in row.values())] for name, row in found["classifier"].items()],
        ),
        "partons": (
            ["of the partons, GeV", "peak", "unfolded", "width", "unfolded"],
            [
                [f"`{name}`"]
                + [f"{found['partons'][name][key]:.2f}" for key in ("peak", "unfolded peak")]
                + [f"{found['partons'][name][key]:.3f}" for key in ("width", "unfolded width")]
                for name in MASSES
            ],
        ),
        "responses": (
            ["response", "median", "simulated", "width", "simulated"],
            [
                [f"`{name}`"]
                + [f"{row[of][key]:.4f}" for key in ("median", "width") for of in ("truth", "simulated")]
                for name, row in found["responses"].items()
            ],
        ),
        "coverage": (
            ["observable", "68 %", "95 %"],
            [[f"`{name}`", *(f"{v:.1f}" for v in row.values())] for name, row in found["coverage"].items()],
        ),
        "latent": (
            ["vectors", "mean rank of the partner", "nearest", "correlation"],
            [[name, *(f"{v:.4f}" for v in row.values())] for name, row in found["latent"].items()],
        ),
        "reconstruction": (
            ["of the events", "median error of a component", "largest", "of"],
            [
                [f"`{space}`", f"{row['median component']:.4f}", f"{row['largest']:.4f}", f"`{row['of']}`"]
                for space, row in found["reconstruction"].items()
            ],
        ),
    }  # fmt: skip
    for name, table in page.items():
        fill(f"gandalf {name}", grid(*table), "studies.md", out)


def draw_ranks(ranks, samples, path):
    names = ["px_b", "pz_b", "E_b", "px_u", "pz_nubar", "E_e-", "m_tt", "m_w_had"]
    figure, axes = plt.subplots(2, 4, figsize=(28, 12), layout="constrained", sharey=True)
    for ax, name in zip(axes.flat, names, strict=True):
        bins = np.linspace(-0.5, samples + 0.5, 21)
        expected = len(ranks[name]) / 20
        mplhep.histplot(*np.histogram(ranks[name], bins), ax=ax, color="#d1495b", yerr=False, lw=2)
        ax.axhspan(expected - 2 * expected**0.5, expected + 2 * expected**0.5, color="black", alpha=0.15)
        ax.set_title(name)
        ax.set_xlabel("rank of the truth")
    axes[0, 0].set_ylim(0)
    save(figure, path)


def save(figure, path):
    figure.savefig(path, dpi=40)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", nargs="?", default="gandalf-ttbar", help="name or folder, as exported")
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--split", default="test")
    parser.add_argument("--draws", type=int, default=20, help="of the sample, for its distances")
    parser.add_argument("--posteriors", type=int, help=f"events with {DRAWS} draws each, all by default")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    plt.style.use(mplhep.style.ROOT)
    events = mizoo.datasets.ttbar()
    model, data = mizoo.load(args.model).trainable(), getattr(events, args.split)
    threshold = ks_threshold(len(data), len(data))
    keras.utils.set_random_seed(0)
    result = {"events": len(data)}
    result["distances"] = distances(model, data, threshold, args.draws)
    result["threshold"] = round(100 * threshold, 2)
    result["training events"] = true_distances(data, events.train, threshold, args.draws)
    set_evaluations(model, EVALUATIONS)
    x_tilde, z_tilde = drawn(tf.function(model.encode), tf.function(model.decode), data).values()
    result["classifier"] = classified(data, x_tilde, z_tilde)
    result["partons"] = partons(data, z_tilde)
    true, made = (responses(x, data.z, data.process) for x in (data.x, x_tilde))
    result["responses"] = {
        name: {"truth": spread(true[name]), "simulated": spread(made[name])} for name in true
    }
    result["coverage"], ranks = calibrated(model, data[: args.posteriors], samples=DRAWS)
    result["latent"], spaces = latents(model, data[:2000])
    result["reconstruction"] = rounded(reconstruction(model, data[:2000], spaces["latent"]))
    (args.out / "gandalf.json").write_text(json.dumps(result, indent=1) + "\n")
    tables(result, args.out)
    save(response(data.x, data.z, x_tilde, data.process), args.out / "gandalf_responses.png")
    draw_ranks(ranks, DRAWS, args.out / "gandalf_ranks.png")
    save(latent_pairs(spaces), args.out / "gandalf_latents.png")


if __name__ == "__main__":
    main()
