"""How well a model of any process simulates and unfolds, on events that it has not seen.

    python tests/studies/process.py runs/zh --split validation --out zh.json

MODEL is a run folder or a trained model, by name or path. For each component and mass it prints the KS
distance of simulated and of unfolded events over the 95 % threshold, in the mean of several samples; of
each resonance the median and the half width of the central 68 %, beside the truth; the AUC of a classifier
on pairs with their responses, 0.5 if it cannot tell generated from true pairs; and the CRPS of each
unfolded component, beside that of random partons of the training events and, with --plain EPOCHS, that of
`flow` between standardised momenta, trained for as many epochs. Of posteriors it prints the coverage of
their 68 % and 95 % intervals. With --latent, for a model with one, it prints how often, among 2000 events,
the partner has the nearest latent by the cosine, and the median error of reconstruction.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from mizoo.evaluation import classifier_test, crps, observables, pair_features
from mizoo.evaluation.conditional import retrieve, simulation_based_calibration
from mizoo.evaluation.distances import effective_sample_size, ks, ks_threshold
from mizoo.evaluation.streams import in_chunks
from mizoo.evaluation.text import markdown
from mizoo.export.origin import Origin
from mizoo.model.turbo import Turbo
from mizoo.presets import flow
from mizoo.representations import Momenta

FEW = 2_000  # events for posteriors and latents
SPACES = {"x": ("decode", "z", "simulate"), "z": ("encode", "x", "unfold")}


def drawn(model, data, sample):
    """Events simulated from z and unfolded from x, by space; others for each number of a sample."""
    return {
        space: in_chunks(getattr(model, method), data[given], what, seed=[sample, i])
        for i, (space, (method, given, what)) in enumerate(SPACES.items())
    }


def distances(data, samples):
    """KS distance over threshold of each observable of each space, in the mean of the samples."""
    size = effective_sample_size(len(data), data.weights)
    found = {}
    for space in SPACES:
        true = observables(data[space], space, data.process)
        each = [observables(sample[space], space, data.process) for sample in samples]
        found[space] = {
            name: np.mean([ks(values, made[name], data.weights, data.weights) for made in each])
            / ks_threshold(size, size)
            for name, values in true.items()
        }
    return found


def spread(values):
    """Median and half of the central 68 %, in GeV."""
    low, middle, high = np.percentile(values, [16, 50, 84])
    return {"median": middle, "width": (high - low) / 2.0}


def resonances(data, samples):
    """Medians and widths of the masses of the decays, of true and of all generated events."""
    names = [f"m_{decay.name}" for decay in data.process.decays]
    found = {}
    for space in SPACES:
        true = observables(data[space], space, data.process)
        each = [observables(sample[space], space, data.process) for sample in samples]
        found[space] = {
            name: {"truth": spread(true[name]), "model": spread(np.concatenate([m[name] for m in each]))}
            for name in names
            if name in true
        }
    return found


def classified(data, sample):
    """AUC on pairs with responses, and its error."""
    truth = pair_features(data.x, data.z, data.process)
    pairs = {"simulated": (sample["x"], data.z), "unfolded": (data.x, sample["z"])}
    tests = {
        name: classifier_test(truth, pair_features(*pair, data.process), data.weights, data.weights)
        for name, pair in pairs.items()
    }
    return {name: {"AUC": auc.value, "error": auc.error} for name, auc in tests.items()}


def scores(data, samples, train, epochs):
    """CRPS of each unfolded component, in GeV, and of draws from the prior and a flow of plain momenta."""
    shape = (len(data), max(len(samples), 2))
    prior = train.z[np.random.default_rng(0).integers(len(train), size=shape)]
    found = {"prior": crps(data.z, prior)}
    if epochs:
        plain = flow(**{space: Momenta(data.process.masses(space)) for space in "xz"})
        plain.fit(train, batch_size=500, epochs=epochs, verbose=0)
        found["plain flow"] = crps(data.z, plain.encode(data.x, num_samples=shape[1], seed=0))
    if len(samples) > 1:
        found["model"] = crps(data.z, np.stack([sample["z"] for sample in samples], 1))
    names = data.process.columns("z")
    return {key: dict(zip(names, map(float, values), strict=True)) for key, values in found.items()}


def posteriors(model, data, draws=99, chunk=500):
    """Names of the observables of z, their true values (n, k), and draws given each event (n, draws, k)."""
    each = in_chunks(
        lambda x, seed: model.encode(x, num_samples=draws, seed=seed), data.x, "posterior", chunk, [0]
    )
    true = observables(data.z, "z", data.process)
    made = observables(each.reshape(-1, each.shape[-1]), "z", data.process)
    stacked = np.stack([values.reshape(len(data), draws) for values in made.values()], -1)
    return list(true), np.stack(list(true.values()), 1), stacked


def coverage(names, truth, draws):
    """Fractions of events within the central 68 % and 95 % of `posteriors`."""
    found = simulation_based_calibration(truth, draws)
    return {
        f"{level:.0%}": dict(zip(names, map(float, found.coverage(level)), strict=True))
        for level in (0.68, 0.95)
    }


def latent(model, data):
    """Retrieval of partners in the common latent, and median errors of reconstruction."""
    model = model if isinstance(model, Turbo) else model.trainable()  # no SavedModel decodes latents
    codes = {
        space: np.asarray(values) for space, values in model.latents({"x": data.x, "z": data.z}).items()
    }
    found = retrieve(codes["x"], codes["z"], "cosine")
    result = {"numbers": codes["x"].shape[1], "nearest": found.first, "mean rank": found.rank}
    errors = reconstruction(model, data, codes)
    return result | {f"reconstruction of {space}": errors[space] for space in SPACES}


def reconstruction(model, data, codes):
    """Median errors of events out of their own latents, by space.

    They are over the half width of the central 68 % of each component.
    """
    result = {}
    for space in SPACES:
        again = np.asarray(model.decode_latent(codes[space], to=space))
        true = data[space]
        low, high = np.percentile(true, [16, 84], 0)
        wide = high > low
        error = (np.median(np.abs(again - true), 0) / np.maximum(high - low, 1e-9) * 2.0)[wide]
        names = np.array(data.process.columns(space))[wide]
        result[space] = {
            "median component": np.median(error),
            "largest": error.max(),
            "of": str(names[error.argmax()]),
        }
    return result


def measured(model, data, train, count, pairs=True, epochs=0, shared=False):
    """All figures as plain data."""
    start = time.perf_counter()
    samples = [drawn(model, data, i) for i in range(count)]
    result = {
        "process": data.process.name,
        "events": len(data),
        "samples": count,
        "seconds a sample": (time.perf_counter() - start) / count,
        "distances": distances(data, samples),
        "resonances": resonances(data, samples),
        "crps": scores(data, samples, train, epochs),
        "coverage": coverage(*posteriors(model, data[:FEW])),
    }
    if shared:
        result["latent"] = latent(model, data[:FEW])
    return result | ({"pairs": classified(data, samples[0])} if pairs else {})


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float | np.floating) else value


def show(result):
    """The figures as tables."""
    print(
        f"{result['model']}, {result['process']}, {result['events']} events, {result['samples']} samples\n"
    )
    for space, title in (("x", "simulated"), ("z", "unfolded")):
        table = pd.DataFrame({"KS / threshold": result["distances"][space]})
        print(f"{title}, largest {table.to_numpy().max():.2f}\n\n{markdown(table)}")
        rows = {
            name: {f"{what} {of}": both[of][what] for what in ("median", "width") for of in both}
            for name, both in result["resonances"][space].items()
        }
        if rows:
            print(markdown(pd.DataFrame(rows).T))
    print(f"CRPS [GeV] of unfolded components\n\n{markdown(pd.DataFrame(result['crps']))}")
    print(f"coverage of posteriors\n\n{markdown(pd.DataFrame(result['coverage']), 3)}")
    if "latent" in result:
        print(f"latent: {json.dumps(result['latent'])}\n")
    if "pairs" in result:
        print(f"classifier on pairs\n\n{markdown(pd.DataFrame(result['pairs']).T, 3)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="run folder, or name or path of a trained model")
    parser.add_argument("--split", default="validation", choices=("validation", "test"))
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--events", type=int, help="the first ones of the split; all of them by default")
    parser.add_argument("--no-pairs", action="store_true", help="leave the classifier out")
    parser.add_argument("--latent", action="store_true", help="measure the common latent")
    parser.add_argument("--plain", type=int, default=0, help="epochs of the flow of plain momenta")
    parser.add_argument("--out", type=Path, help="JSON file")
    args = parser.parse_args()
    if args.samples < 1:
        parser.error("--samples must be 1 or more")
    origin = Origin(args.model)
    data, train = origin.truth(split=args.split), origin.truth(split="train")
    figures = measured(
        origin.model, data[: args.events], train, args.samples, not args.no_pairs, args.plain, args.latent
    )
    result = rounded({"model": origin.name, "split": args.split, **figures})
    show(result)
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
