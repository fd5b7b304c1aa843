"""Unfolding of a sample whose top pT spectrum is not that of the training.

    pip install --no-deps omnifold==0.1.36
    python tests/studies/unfolding.py --out docs/studies

Test events are accepted with a probability proportional to exp(pT/250 GeV) of the tops, up to a limit.
Settings were chosen on validation events (`--split validation`). Each seed draws other posterior samples
and trains other trees or networks. Distances are Kolmogorov-Smirnov × 100 from the partons of the same
events, with the standard deviation of 50 bootstrap samples of the events. Writes `unfolding.json`,
`unfolding.png` and the table of the page.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from page import fill, grid

import mizoo
from mizoo.evaluation import iterative_unfolding
from mizoo.evaluation.distances import ks, ks_threshold
from mizoo.evaluation.figures.panel import Panel, with_ratios
from mizoo.evaluation.observables import label, observables, polar
from mizoo.physics.momenta import four_momenta
from mizoo.representations import PartonCoordinates

TTBAR = mizoo.processes.ttbar
LABELS = {"top pT": r"$p_T^t$", "m_tt": label("m_tt", "z", TTBAR)}
COLOURS = ("tab:blue", "tab:orange", "tab:red")
SCALE, LIMIT = 250.0, 4.0  # GeV, and the greatest relative weight
ITERATIONS, SAMPLES, RESAMPLES = 4, 4, 50


def spectra(z):
    """Top pT and m_tt in GeV, by name, of partons (…, 24)."""
    momenta = four_momenta(np.asarray(z).reshape(-1, 24))
    top, both = momenta[:, list(TTBAR.leaves("t_had"))].sum(axis=1), momenta.sum(axis=1)
    return {"top pT": np.asarray(top.pt), "m_tt": np.asarray(both.mass)}


def accepted(events):
    """Events of another top pT spectrum, unweighted."""
    probability = np.exp(spectra(events.z)["top pT"] / SCALE) / LIMIT
    return events[np.flatnonzero(np.random.default_rng(0).uniform(size=len(events)) < probability)]


def distances(truth, made, weights, fixed):
    """KS × 100 of each observable, and its bootstrap error.

    Args:
        truth: observables (n,) of the events, by name.
        made: those of weighted partons, (n, k) of the same events, or (m,) of others.
        weights: their weights, of the same shape.
        fixed: whether the partons are those of a fixed sample, rather than draws given each event.
    """
    generator, found = np.random.default_rng(0), {}
    n, k = len(truth["m_tt"]), np.size(weights) // len(truth["m_tt"])
    for name, values in truth.items():
        resampled = []
        for _ in range(RESAMPLES):
            times = generator.multinomial(n, np.full(n, 1.0 / n)).astype("float64")
            if fixed:
                m = np.size(weights)
                own = weights * generator.multinomial(m, np.full(m, 1.0 / m))
            else:
                own = (weights.reshape(n, k) * times[:, None]).ravel()
            resampled.append(100.0 * ks(values, made[name], times, own))
        found[name] = 100.0 * ks(values, made[name], None, weights.ravel())
        found[f"{name} error"] = float(np.std(resampled))
    return found


def by_mizoo(model, measured, prior, seed):
    """Observables of draws, their weights by number of iterations, and the seconds of all iterations."""
    draws = np.concatenate([
        np.asarray(model.encode(measured[i : i + 2000], num_samples=SAMPLES, seed=1000 * seed + i))
        for i in range(0, len(measured), 2000)
    ])  # fmt: skip
    weights = {0: np.ones(draws.shape[:2])}
    for count in (1, ITERATIONS):
        start = time.process_time()
        unfolded = iterative_unfolding(draws, prior, TTBAR, iterations=count, seed=100 * seed)
        weights[count] = unfolded.weights
    return spectra(draws), weights, time.process_time() - start


def inputs(events):
    """Inputs of OmniFold's networks: physical ones of x, and coordinates of z."""
    pt, eta, phi = polar(events.x, TTBAR)
    masses = [values for name, values in observables(events.x, "x", TTBAR).items() if name.startswith("m_")]
    relative = phi[:, 1:] - phi[:, :1]
    of_x = [np.log(pt), eta, np.cos(relative), np.sin(relative), np.log(1.0 + np.abs(np.stack(masses, 1)))]
    return np.nan_to_num(np.concatenate(of_x, 1)), events.z


def by_omnifold(measured, training, seed):
    """Weights of the training's partons, and seconds."""
    import keras
    import omnifold
    import tensorflow as tf

    keras.saving.register_keras_serializable("omnifold")(omnifold.net.weighted_binary_crossentropy)
    keras.utils.set_random_seed(seed)
    start = time.process_time()
    coordinates = PartonCoordinates(TTBAR)
    coordinates.adapt(training.z)
    simulated, z = inputs(training)
    mean, deviation = simulated.mean(0), simulated.std(0) + 1e-6
    of_z = np.delete(coordinates(z).numpy(), coordinates.angles, axis=1)
    simulated, observed = ((one - mean) / deviation for one in (simulated, inputs(measured)[0]))
    networks = [omnifold.MLP(one.shape[1]) for one in (simulated, of_z)]
    with tempfile.TemporaryDirectory() as folder:
        data = omnifold.DataLoader(reco=observed.astype("float32"), normalize=True)
        mc = omnifold.DataLoader(
            reco=simulated.astype("float32"), gen=of_z.astype("float32"), normalize=True
        )
        fold = omnifold.MultiFold(
            "ttbar", *networks, data, mc, niter=ITERATIONS, batch_size=1000, epochs=15, lr=1e-3,
            early_stop=3, weights_folder=folder, log_folder=folder,
        )  # fmt: skip
        fold.Unfold()
        weights = fold.reweight(of_z.astype("float32"), fold.model2, batch_size=10_000)
    tf.keras.backend.clear_session()
    return np.asarray(weights, "float64"), time.process_time() - start


def figure_of(truth, rows):
    """Spectra of true and unfolded partons, and their ratios."""
    panels = []
    for name, title in LABELS.items():
        models = {
            key: (colour, (np.ravel(made[name]), np.ravel(weights)))
            for colour, (key, made, weights) in zip(COLOURS, rows, strict=True)
        }
        panels.append(Panel(title, "GeV", (truth[name], None), models))
    return with_ratios(panels, "partons", bins=25, percentiles=(0.0, 99.5))


def table(found):
    """Means and ranges of the seeds, with the mean error by bootstrap."""
    lines = []
    for name, rows in found.items():
        cells = []
        for observable in LABELS:
            values = [row[observable] for row in rows]
            error = np.mean([row[f"{observable} error"] for row in rows])
            cells += [f"{np.mean(values):.2f} ± {error:.2f}", f"{min(values):.2f} to {max(values):.2f}"]
        seconds = [row["seconds"] for row in rows if row.get("seconds") is not None]
        name = name.replace("1 iterations", "1 iteration")
        lines.append([name, len(rows), *cells, round(np.mean(seconds)) if seconds else ""])
    return grid(["unfolding", "seeds", "top pT", "range", "`m_tt`", "range", "CPU seconds"], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("studies"))
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--only", choices=["mizoo", "omnifold"], help="keep the other's results as they are"
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    data, path = mizoo.datasets.ttbar(), args.out / "unfolding.json"
    whole = getattr(data, args.split)
    measured, training = accepted(whole), data.train
    truth, prior = spectra(measured.z), spectra(training.z)
    found = json.loads(path.read_text())["rows"] if args.only and path.is_file() else {}
    if args.only != "omnifold":
        equal = np.ones(len(training))
        found = {"training's spectrum": [distances(truth, prior, equal, fixed=True)], **found}
        model, shown = mizoo.load("gandalf-ttbar"), [("training", prior, equal)]
        for count in (0, 1, ITERATIONS):
            found[f"{count} iterations"] = []
        for seed in range(args.seeds):
            made, weights, seconds = by_mizoo(model, measured.x, training.z, seed)
            for count, own in weights.items():
                row = distances(truth, made, own, fixed=False)
                took = round(seconds) if count == ITERATIONS else None
                found[f"{count} iterations"].append({**row, "seconds": took})
                print(seed, count, row, flush=True)
            if seed == 0:
                shown += [(f"{count} iterations", made, weights[count]) for count in (0, ITERATIONS)]
        figure_of(truth, shown).savefig(args.out / "unfolding.png", dpi=50)
    if args.only != "mizoo":
        found["omnifold"] = []
        for seed in range(args.seeds):
            weights, seconds = by_omnifold(measured, training, seed)
            row = distances(truth, prior, weights, fixed=True)
            found["omnifold"].append({**row, "seconds": round(seconds)})
            print(seed, row, flush=True)
    threshold = 100.0 * ks_threshold(len(measured), len(whole))
    content = {"events": len(measured), "threshold": threshold, "rows": found}
    path.write_text(json.dumps(content, indent=1) + "\n")
    fill("unfolding", table(found), "studies.md", args.out)


if __name__ == "__main__":
    main()
