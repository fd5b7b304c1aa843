"""Optimiser steps per second of models of mizoo, beside plain PyTorch and plain Keras.

    python tests/benchmarks/training_speed.py --out docs/studies

All contenders have the same networks, initial weights, losses and optimisers, in float32, and batches drawn
at random from data in memory. A step is one of the mappers' optimiser, with those of the critics before it.
Contenders take turns in one process, and medians of the turns are reported.

mizoo trains as `fit` does, with the steps per execution of the preset. The Keras loop is an ordinary
`keras.Model` with a `train_step` by hand, of the same layers, batches and steps per execution. It logs the
loss alone, and does not check that gradients are finite. PyTorch has fused optimisers, activations in place
and weights with the channels last, which are its fastest. Compiled, its networks are in `torch.compile`,
which cannot compile the second derivatives of gradient penalties.

`vae`, `aae` and `wgan_gp` have images of 28 x 28 pixels at random, and `turbosim-original` the tt̄ events.
`gandalf` is not the preset, but its networks alone: attention, the reader of the latent, and the denoising
network, which learns the velocity at a random time of each event. Here mizoo's contender is these networks
in a `Transcoder` with a `Diffusion` and one L term, for tokens and targets at random.

Needs `pip install torch` and then `pip uninstall triton`, which cannot share a process with TensorFlow.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_training
import numpy as np
import tensorflow as tf
import torch
import torch_training

from mizoo import datasets, presets
from mizoo.datasets import Samples
from mizoo.mappers import Diffusion, Transcoder
from mizoo.model.turbo import Turbo
from mizoo.networks import attention, linear_and_mlp, modulated
from mizoo.objectives import Likelihood
from mizoo.representations import Identity

SHAPE, EVENTS = (28, 28, 1), 5000
OBJECTS, FEATURES, LATENT, TARGETS, UNITS = 6, 10, 62, 18, 192  # of `mizoo.presets.gandalf` for tt̄
CONTENDERS = ["mizoo", "PyTorch", "PyTorch, compiled", "Keras loop"]
WITH_PENALTY = ("wgan_gp", "turbosim-original")  # their second derivatives cannot be compiled


def gandalf():
    """A model of the networks of gandalf alone, from tokens z to targets x."""
    tokens = keras.layers.Input((OBJECTS, FEATURES))
    latent = attention(OBJECTS, FEATURES, LATENT, last="zeros")(tokens)
    read = linear_and_mlp(LATENT, [2 * UNITS] * 3, 3 * OBJECTS, name="reader")(latent)
    encoder = keras.Model(tokens, keras.layers.Concatenate()([latent, read]))
    # The transcoder adds a flag of the space that the latent comes from.
    denoiser = modulated(TARGETS, LATENT + 3 * OBJECTS + 1, TARGETS, UNITS)
    model = Turbo(
        encoder=None,
        decoder=Transcoder(encoder, Diffusion(denoiser, (TARGETS,))),
        objectives=[Likelihood("x_tilde")],
        x_representation=Identity((TARGETS,)),
        z_representation=Identity((OBJECTS, FEATURES)),
        name="gandalf",
    )
    model.compile(keras.optimizers.AdamW(3e-3, weight_decay=1e-4, global_clipnorm=5.0))
    return model


def images():
    return Samples(np.random.default_rng(0).random((EVENTS, *SHAPE), "float32"))


def tokens_and_targets():
    random = np.random.default_rng(0)
    return Samples(*(random.normal(size=(EVENTS, *shape)) for shape in ((TARGETS,), (OBJECTS, FEATURES))))


# By model: mizoo's, its data, and its peers.
MODELS = {
    "vae": (lambda: presets.vae(x=SHAPE), images, "VAE"),
    "aae": (lambda: presets.aae(x=SHAPE), images, "AAE"),
    "wgan_gp": (lambda: presets.wgan_gp(x=SHAPE), images, "WGANGP"),
    "turbosim-original": (
        lambda: presets.turbosim(original=True),
        lambda: datasets.ttbar().train,
        "TurboSim",
    ),
    "gandalf": (gandalf, tokens_and_targets, "Gandalf"),
}


def trains(model, samples, batch_size):
    """A function that trains a number of steps as `fit` of Keras does."""
    model.make_train_function()
    batches = iter(samples.epochs(batch_size))

    def run(steps):
        for _ in range(steps // model.steps_per_execution):
            logs = model.train_function(batches)
        return float(logs["loss"])

    return run


def contenders(name, batch_size):
    """Functions that train a number of steps, by contender, and the number of steps of an execution."""
    make, data, peer = MODELS[name]
    samples, model, twin = data(), make(), make()
    model.adapt(samples)
    twin.set_weights(model.get_weights())
    spaces = {space: model.representations[space](array) for space, array in samples.arrays().items()}
    coordinates = Samples(**{space: np.asarray(values) for space, values in spaces.items()})
    eager, compiled = (
        getattr(torch_training, peer)(model, coordinates.arrays(), batch_size) for _ in range(2)
    )
    loop = getattr(keras_training, peer)(twin)
    count = sum(math.prod(v.shape) for v in (*model.mapper_variables, *model.critic_variables))
    assert count == eager.count == compiled.count == loop.count, "not as many parameters"
    runs = {"mizoo": trains(model, samples, batch_size), "PyTorch": eager}
    if name not in WITH_PENALTY:
        runs["PyTorch, compiled"] = compiled.compile()
    return {**runs, "Keras loop": trains(loop, coordinates, batch_size)}, model.steps_per_execution


def rate(run, steps, seconds):
    """Steps per second of one turn of about some seconds, `steps` at a time."""
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or not count:
        assert np.isfinite(run(steps)), "the loss is not finite"
        count += steps
    return count / spent


def table(rows):
    """Header and rows of a Markdown table."""
    header = ["model", "batch", *CONTENDERS, "mizoo / PyTorch", "mizoo / fastest"]
    found = []
    for row in rows:
        ours, *others = (row.get(contender) for contender in CONTENDERS)
        rates = ["–" if one is None else f"{one:.3g}" for one in (ours, *others)]
        ratios = [ours / row["PyTorch"], ours / max(one for one in others if one is not None)]
        ratios = [f"{one:.2f}" for one in ratios]
        found.append([f"`{row['model']}`", row["batch"], *rates, *ratios])
    return header, found


def write(rows, out):
    """Add rows to those of the file, and fill the table of docs/performance.md."""
    sys.path.append(str(Path(__file__).parents[1] / "studies"))
    import page

    out.mkdir(parents=True, exist_ok=True)
    path = out / "training_speed.json"
    before = json.loads(path.read_text())["rows"] if path.is_file() else []
    found = {(row["model"], row["batch"]): row for row in (*before, *rows)}
    rows = sorted(found.values(), key=lambda row: (list(MODELS).index(row["model"]), row["batch"]))
    path.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    page.fill("training speed", page.grid(*table(rows)), "performance.md", out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn")
    parser.add_argument("--turns", type=int, default=5)
    cores = int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0)) or len(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, default=cores, help="of TensorFlow and of PyTorch")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder; others' rows stay there")
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    torch.set_num_threads(args.threads)
    print(f"TensorFlow {tf.__version__}, PyTorch {torch.__version__}, {args.threads} threads")
    for name in args.models:
        for batch_size in args.batch_sizes:
            keras.utils.set_random_seed(0)
            runs, steps = contenders(name, batch_size)
            for run in runs.values():
                rate(run, 2 * steps, args.seconds)  # tracing, compilation, warm caches
            turns = [[rate(run, steps, args.seconds) for run in runs.values()] for _ in range(args.turns)]
            row = {"model": name, "batch": batch_size}
            medians = map(statistics.median, zip(*turns, strict=True))
            row |= {key: round(value, 3) for key, value in zip(runs, medians, strict=True)}
            print(row, flush=True)
            write([row], args.out)
            keras.backend.clear_session()


if __name__ == "__main__":
    main()
