"""Presets of images with today's networks and those of version 0.1.0: speed and Fréchet distance.

    python tests/benchmarks/image_networks.py vae gan --images FILE.npz --out docs/studies

`FILE.npz` has arrays `images` (n, 28, 28) and `labels` (n,) of digits. Both models of a preset train in
turn on the same images, `--steps` at a time, `--rounds` times. Seconds are those of the processor, so that
other programs on the machine do not count, and the best round counts. The Fréchet distance of 1 000 draws
to the last 1 000 images, which neither has seen, in the features of a small classifier of the digits, is
the mean over the last three rounds. With `--out`, writes `image_networks.json` after each preset, where
other presets stay. Without `--images` the images are random, and there are no distances.
"""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

from mizoo import presets
from mizoo.evaluation import frechet
from mizoo.networks import is_image, network

SHAPE, LATENT, FILTERS = (28, 28, 1), 8, 32
UNSEEN = 1000  # images to compare draws with
MEASURED = 3  # last rounds whose distances are averaged


def _sizes():
    halvings = math.ceil(math.log2(SHAPE[0] / 4))
    return [-(-SHAPE[0] // 2**i) for i in range(halvings + 1)]


def _convolution(filters, stride=1, activation="leaky_relu"):
    return layers.Conv2D(filters, 3, strides=stride, padding="same", activation=activation)


def former_to_vector(outputs):
    """The encoder or critic of version 0.1.0."""
    halvings = len(_sizes()) - 1
    body = [_convolution(FILTERS)]
    body += [_convolution(FILTERS * 2 ** (i + 1), 2) for i in range(halvings)]
    body += [layers.Flatten(), layers.Dense(4 * FILTERS, activation="leaky_relu"), layers.Dense(outputs)]
    return keras.Sequential(body)


def former_to_image():
    """The decoder of version 0.1.0."""
    *larger, smallest = _sizes()
    widest = FILTERS * 2 ** len(larger)
    body = [layers.Dense(4 * FILTERS, activation="leaky_relu")]
    body += [layers.Dense(smallest**2 * widest, activation="leaky_relu")]
    body += [layers.Reshape((smallest, smallest, widest))]
    for i, size in enumerate(reversed(larger)):
        body += [layers.Resizing(size, size, interpolation="nearest")]
        body += [_convolution(widest // 2 ** (i + 1))]
    return keras.Sequential([*body, _convolution(FILTERS), _convolution(1, activation="tanh")])


def former_network(source, target, units=128, last=None, **options):
    """The network that version 0.1.0 chose from the shapes, with the default units and activations."""
    if is_image(source) == is_image(target):
        return network(source, target, units, last=last, **options)
    return former_to_image() if is_image(target) else former_to_vector(math.prod(target))


def models(name):
    """The preset with the networks of version 0.1.0 and of today."""
    factory, made = getattr(presets, name), {}
    for key, chosen in (("0.1.0", former_network), ("now", network)):
        keras.utils.set_random_seed(1)
        with mock.patch("mizoo.presets.parts.network", chosen):
            made[key] = factory(x=SHAPE, latent=LATENT)
    return made


def classifier(images, labels):
    """Features (n, 32) of a small classifier trained on digits."""
    hidden = keras.Sequential(
        [
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
        ]
    )
    model = keras.Sequential([hidden, layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(images, labels, batch_size=100, epochs=5, verbose=0)
    return hidden


def digits(file):
    """Training images, unseen images, and the features of a classifier of the former."""
    with np.load(file) as content:
        x, y = content["images"].reshape(-1, *SHAPE).astype("float32"), content["labels"]
    x = x / x.max()
    keras.utils.set_random_seed(0)
    return x[:-UNSEEN], x[-UNSEEN:], classifier(x[:-UNSEEN], y[:-UNSEEN])


def measure(name, train, steps, rounds, batch, distance=None):
    """Steps per second and, with a function of draws, distances of both models, trained in turn."""
    made = models(name)
    rates, distances = {key: [] for key in made}, {key: [] for key in made}
    for model in made.values():
        model.fit(train[:batch], batch_size=batch, verbose=0)  # compiles
    for i in range(rounds):
        chosen = train[np.random.default_rng(i).permutation(len(train))[: steps * batch]]
        for key, model in made.items():
            start = time.process_time()
            model.fit(chosen, batch_size=batch, verbose=0)
            rates[key].append(steps / (time.process_time() - start))
            if distance is not None and i >= rounds - MEASURED:
                distances[key].append(distance(model.sample(UNSEEN, seed=1 + i).numpy()))
    row = {"preset": name, "ratio": round(max(rates["now"]) / max(rates["0.1.0"]), 2)}
    for key in made:
        row[f"steps per second {key}"] = round(max(rates[key]), 2)
        if distance is not None:
            row[f"distance {key}"] = round(float(np.mean(distances[key])), 2)
            row[f"distances {key}"] = [round(value, 2) for value in distances[key]]
    return row


def table(content):
    """Header and rows of a Markdown table."""
    header = ["preset", "steps per second, 0.1.0", "now", "times", "Fréchet distance, 0.1.0", "now"]
    keys = ["steps per second 0.1.0", "steps per second now", "ratio", "distance 0.1.0", "distance now"]
    rows = [[f"`{row['preset']}`", *(row.get(key, "–") for key in keys)] for row in content["rows"]]
    among_true = content.get("distance of training images", "–")
    return header, [*rows, ["training images", "–", "–", "–", among_true, among_true]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("presets", nargs="*", default=["vae", "gan", "aae", "bibae", "wgan_gp"])
    parser.add_argument("--images")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--out", type=Path, help="folder of the file; also fills docs/performance.md")
    given = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[1] / "studies"))
    import page

    distance, content = None, {key: getattr(given, key) for key in ("steps", "rounds", "batch")}
    options = " ".join(f"--{key} {value}" for key, value in content.items())
    content["command"] = f"python tests/benchmarks/image_networks.py --images FILE.npz {options}"
    if given.images:
        train, unseen, features = digits(given.images)
        true = features.predict(unseen, verbose=0)

        def distance(drawn):
            return frechet(features.predict(drawn, verbose=0), true)

        content["distance of training images"] = round(distance(train[:UNSEEN]), 2)
    else:
        train = np.random.default_rng(0).random((given.batch * given.steps, *SHAPE)).astype("float32")
    for name in given.presets:
        row = measure(name, train, given.steps, given.rounds, given.batch, distance)
        print(row, flush=True)
        if given.out is None:
            continue
        path = given.out / "image_networks.json"
        before = json.loads(path.read_text())["rows"] if path.is_file() else []
        content["rows"] = [*(one for one in before if one["preset"] != name), row]
        path.write_text(json.dumps(content, indent=1) + "\n")
        page.fill("image networks", page.grid(*table(content)), "performance.md", given.out)


if __name__ == "__main__":
    main()
