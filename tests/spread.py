"""Train by one replica, two of one machine or two workers, for the tests.

`python spread.py HOW OUT NAME …` trains models of these names.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from conftest import toy, toy_events, toy_pairs

import mizoo
from mizoo.mappers import Deterministic, Diffusion, NoiseInjected, Transcoder
from mizoo.networks import Dropout, mlp, modulated
from mizoo.objectives import Adversarial, Alignment, terms
from mizoo.representations import Identity

EPOCHS = 6  # of nine steps


def diffusion():
    """The parts of GANDALF without its coordinates, which take minutes to compile."""

    def transcoder(source, target):
        encoder = keras.Sequential([mlp([16], 4), Dropout(0.2)])
        return Transcoder(encoder, Diffusion(modulated(target, 5, target, 16, 1), (target,)))

    model = mizoo.Turbo(
        transcoder(3, 2), transcoder(2, 3),
        [*terms({"L_z_tilde": 1.0, "L_x_hat": 0.1, "L_x_tilde": 1.0, "L_z_hat": 0.1}), Alignment()],
        Identity((3,)), Identity((2,)), ema_momentum=0.9, name="diffusion",
    )  # fmt: skip
    model.compile(keras.optimizers.AdamW(3e-3, global_clipnorm=1.0))
    return model


def turbosim():
    """Likelihoods and critics, by networks that are soon compiled.

    A Wasserstein critic is no use here: rounding determines a constant added to all its values.
    """
    return mizoo.presets.turbosim(
        x=(3,), z=(2,),
        encoder=NoiseInjected(mlp([16], 2), (2,)), decoder=NoiseInjected(mlp([16], 3), (3,)),
        estimator=lambda stream: Adversarial(mlp([16], 1), "non-saturating", gradient_penalty=10.0),
        weights=dict.fromkeys(("L_x_hat", "D_x_hat", "L_z_hat", "D_z_hat"), 0.0),
    )  # fmt: skip


def swae():
    """Distances between samples, of an encoder with batch normalisation."""
    hidden = [keras.layers.Dense(16, use_bias=False), keras.layers.BatchNormalization(synchronized=True)]
    encoder = keras.Sequential([*hidden, keras.layers.LeakyReLU(), keras.layers.Dense(8)])
    return mizoo.presets.swae(x=(3,), encoder=Deterministic(encoder, (8,)))


MODELS = {
    "vae": lambda: mizoo.presets.vae(x=(3,)),  # likelihood alone
    "turbosim": turbosim,  # critics with gradient penalty, noise injected
    "swae": swae,
    "diffusion": diffusion,  # and contrast of pairs, dropout, averages, clipping
    "vae in bfloat16": lambda: mizoo.presets.vae(x=(3,)),
}


def data(name):
    events = toy_events(288)
    return events.only("x") if "vae" in name or name == "swae" else events


def trained(name, strategy):
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy("mixed_bfloat16" if name.endswith("bfloat16") else "float32")
    with strategy.scope():
        model = MODELS[name]()
    samples = data(name)
    history = model.fit(
        samples, validation_data=samples[:37], batch_size=32, epochs=EPOCHS, verbose=0
    ).history
    return {"history": history, "weights": [w.tolist() for w in model.get_weights()]}


def uneven(strategy):
    """Plain arrays, whose last batch of 5 events replicas cannot share evenly."""
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy("float32")
    with strategy.scope():
        model = toy(["L_z_tilde", "L_x_tilde", "D_x_tilde"])
    pairs = toy_pairs(37)
    history = model.fit(
        pairs, validation_data=(pairs, None), batch_size=16, epochs=3, shuffle=False, verbose=0
    ).history
    return {"history": history, "weights": [w.tolist() for w in model.get_weights()]}


def rows(strategy, dataset, count=None):
    """The events of a data set that the replicas of this process see, by their numbers."""
    seen = []
    for batch in strategy.experimental_distribute_dataset(dataset):
        for part in strategy.experimental_local_results(batch["x"]):
            seen += part.numpy()[:, 0].astype(int).tolist()
        count = None if count is None else count - 1
        if count == 0:
            break
    return seen


def from_files(folder):
    """A data set of 37 events from two files, one for each worker."""
    paths = [os.path.join(folder, f"{os.getpid()}-{i}.txt") for i in range(2)]
    for i, path in enumerate(paths):
        with open(path, "w") as file:
            file.write("\n".join(map(str, range(37)[i::2])))
    lines = tf.data.Dataset.from_tensor_slices(paths).interleave(tf.data.TextLineDataset)
    batches = lines.map(lambda line: {"x": tf.strings.to_number(line)[None]}).batch(16)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.FILE
    return batches.with_options(options)


def seen(strategy, folder):
    """The events of 50 that an epoch of batches of 16 trains on, and those of 37 that a validation uses."""
    numbered = mizoo.datasets.Samples(np.arange(50.0)[:, None])
    return {
        "training": rows(strategy, numbered.epochs(16), 3),
        "validation": rows(strategy, numbered[:37].batches(16)),
        "files": rows(strategy, from_files(folder)),
    }


def short(strategy):
    """A small model, to test quickly what Keras does without the workaround."""
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = toy(["L_z_tilde"], stddev=0.0)
    model.fit(toy_events(), validation_data=toy_events(), batch_size=16, epochs=1, verbose=0)
    return {}


def main(how, out, *names):
    if how == "without":
        from mizoo.compat import BuiltAtConstruction
        from mizoo.distribute.workers import AcrossReplicas

        AcrossReplicas.spans_replicas = False
        del BuiltAtConstruction._maybe_symbolic_build
    strategies = {"two": "mirrored", "one": "one-device"}
    strategy = mizoo.distribute.resolve(
        strategies.get(how, "multiworker"), replicas=2 if how == "two" else None, timeout=60.0
    )
    if how == "without":
        found = short(strategy)
    else:
        others = {
            "seen": lambda: seen(strategy, os.path.dirname(out)),
            "uneven": lambda: uneven(strategy),
        }
        found = {name: others[name]() if name in others else trained(name, strategy) for name in names}
    found["replicas"] = strategy.num_replicas_in_sync
    found["chief"] = mizoo.distribute.strategies.is_chief(strategy)
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
