"""The classifier of digits whose last hidden layer measures images: `mizoo.evaluation.DigitFeatures`.

    python tests/studies/digit_features.py

It is trained on the 1 397 training digits of `mizoo.datasets.digits`, shifted and shrunk at random, as
digits of other sources have margins. Features of the training digits have variance 1. Writes
`mizoo/evaluation/data/digit_features.keras`, and prints the fraction of the test digits that it classifies
rightly.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

from mizoo.datasets.digits import TRAIN, VALIDATION, labelled
from mizoo.evaluation.image_features import SIDE, small

PATH = Path(__file__).parents[2] / "mizoo" / "evaluation" / "data" / "digit_features.keras"
FEATURES, EPOCHS = 32, 60
LEAST = 0.01  # of the images that a feature occurs in, to be used


def standardise(hidden, images):
    """Scale the last layer so that features of images have variance 1, and silence those of few images.

    A feature of one image in a thousand, scaled to variance 1, would dominate distances wherever it occurs.
    """
    found = hidden.predict(images, verbose=0)
    usual = np.mean(found > 0.0, 0) >= LEAST
    scale = np.where(usual, 1.0 / np.maximum(np.std(found, 0), 1e-12), 0.0)
    last = hidden.layers[-1]  # rectified, thus homogeneous
    kernel, bias = last.get_weights()
    last.set_weights([kernel * scale, bias * scale])


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    keras.utils.set_random_seed(0)
    images, labels = labelled()
    images = small(images, 0.0, 1.0)
    hidden = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(FEATURES, activation="relu"),
        ],
        name="digit_features",
    )
    model = keras.Sequential(
        [
            layers.RandomZoom((0.0, 0.4), fill_mode="constant"),
            layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
            hidden,
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    model.fit(images[:TRAIN], labels[:TRAIN], batch_size=100, epochs=EPOCHS, verbose=0)
    _, accuracy = model.evaluate(images[TRAIN + VALIDATION :], labels[TRAIN + VALIDATION :], verbose=0)
    standardise(hidden, images[:TRAIN])
    PATH.parent.mkdir(exist_ok=True)
    hidden.save(PATH)
    print(f"{PATH.name}: {PATH.stat().st_size / 1000:.0f} kB, {100 * accuracy:.1f} % of the test digits")


if __name__ == "__main__":
    main()
