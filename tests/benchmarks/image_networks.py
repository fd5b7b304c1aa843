"""Steps per second of presets of images, with today's networks and with those of version 0.1.0, in turn.

Seconds are those of the processor, so that other programs on the machine do not count.

`python tests/benchmarks/image_networks.py vae gan` trains each for a few steps of 100 random images of
28 × 28 pixels. With `--images FILE.npz`, arrays `x` (n, 28, 28) and `y` (n,) of digits, it trains both for
`--steps` on these and prints the Fréchet distance of 1 000 draws to 1 000 images that neither has seen, in
the features of a small classifier of the digits.
"""

import argparse
import math
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import scipy.linalg
from keras import layers

from mizoo import presets
from mizoo.mappers import Deterministic, Gaussian

SHAPE, LATENT, FILTERS, BATCH = (28, 28, 1), 8, 32, 100


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


FORMER = {
    "vae": lambda: {
        "encoder": Gaussian(former_to_vector(2 * LATENT), (LATENT,)),
        "decoder": Deterministic(former_to_image(), SHAPE, scale=0.3),
    },
    "aae": lambda: {
        "encoder": Deterministic(former_to_vector(LATENT), (LATENT,)),
        "decoder": Deterministic(former_to_image(), SHAPE, scale=0.3),
    },
    "gan": lambda: {"decoder": Deterministic(former_to_image(), SHAPE), "critic": former_to_vector(1)},
    "wgan_gp": lambda: {"decoder": Deterministic(former_to_image(), SHAPE), "critic": former_to_vector(1)},
}


def models(name):
    """The preset with the networks of version 0.1.0 and of today."""
    keras.utils.set_random_seed(1)
    factory = getattr(presets, name)
    return {
        "0.1.0": factory(x=SHAPE, latent=LATENT, **FORMER[name]()),
        "now": factory(x=SHAPE, latent=LATENT),
    }


def speeds(name, steps, repetitions=2):
    """Steps per second of both, each the best of several, taken in turn."""
    images = np.random.default_rng(0).random((BATCH * steps, *SHAPE)).astype("float32")
    made = models(name)
    for model in made.values():
        model.fit(images, batch_size=BATCH, verbose=0)  # compiles
    best = dict.fromkeys(made, 0.0)
    for _ in range(repetitions):
        for key, model in made.items():
            start = time.process_time()
            model.fit(images, batch_size=BATCH, verbose=0)
            best[key] = max(best[key], steps / (time.process_time() - start))
    return best


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
    model.fit(images, labels, batch_size=BATCH, epochs=5, verbose=0)
    return hidden


def frechet(a, b):
    """Fréchet distance of normal distributions with the moments of two samples (arXiv 1706.08500)."""
    means, covariances = [s.mean(0) for s in (a, b)], [np.cov(s.T) for s in (a, b)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root))


def distances(name, file, steps):
    """Fréchet distances of the draws of both, and of as many training images, to unseen images."""
    with np.load(file) as content:
        x, y = content["x"].reshape(-1, *SHAPE).astype("float32"), content["y"]
    x = x / x.max()
    train, test = x[:-1000], x[-1000:]
    features = classifier(train, y[:-1000])
    true = features.predict(test, verbose=0)
    found = {"training images": frechet(features.predict(train[:1000], verbose=0), true)}
    for key, model in models(name).items():
        model.fit(train, batch_size=BATCH, epochs=1, steps_per_epoch=steps, verbose=0)
        found[key] = frechet(features.predict(model.sample(1000, seed=1).numpy(), verbose=0), true)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", default=list(FORMER))
    parser.add_argument("--images")
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    for name in given.presets:
        if given.images:
            rows = distances(name, given.images, given.steps)
            print(name, *(f"{key} {value:.2f}" for key, value in rows.items()), sep="  ", flush=True)
        else:
            rates = speeds(name, given.steps)
            ratio = rates["now"] / rates["0.1.0"]
            print(
                f"{name}: {rates['0.1.0']:.2f} to {rates['now']:.2f} steps/s, {ratio:.1f} times", flush=True
            )
