"""Image presets and peers on digits of MNIST, 28 × 28 pixels, trained for equal times.

    python tests/studies/mnist.py --images FILE --out docs/studies

`FILE` is one that `mizoo.datasets.mnist` reads; without it, MNIST is downloaded. Each model is trained with
its defaults on 8 000 images for `--minutes`, see `timed`, and draws 1 000: new ones from its prior,
or, without a prior (`ae`, `srgan`), test images from their codes or from images of half the size. They are
compared with 1 000 test images in the features of `mizoo.evaluation.DigitFeatures`, and so are 1 000
training images. Peers are a DCGAN in plain Keras and, if PyTorch and pythae are installed, the VAE and the
adversarial auto-encoder of pythae. Writes `mnist.json` and `mnist.png`. Models that the file has are not
trained again; their images are kept in `mnist.part`.
"""

import argparse
import importlib.util
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import timed
from dcgan import DCGAN
from image_lines import draw
from page import fill, grid

from mizoo.datasets import Samples, mnist
from mizoo.evaluation import DigitFeatures, image_scores
from mizoo.presets import PRESETS

SHAPE, TRAIN, TEST, SHOWN = (28, 28, 1), 8000, 1000, 14
# `aae` and `bibae` take images, too, although their demonstration is of events.
OF_IMAGES = [name for name in PRESETS if "digits" in PRESETS[name].dataset or name in ("aae", "bibae")]
LATENT = 8  # components of z of all models
SCORES = ("frechet", "kernel", "precision", "recall")
HEADER = ("model", "Fréchet", "kernel", "precision", "recall", "parameters", "steps")
PEERS = {"DCGAN (Keras)": "keras", "VAE (pythae)": "pythae", "AAE (pythae)": "pythae"}


def halved(images):
    return tf.nn.avg_pool2d(images, 2, 2, "VALID").numpy()


def of_preset(name, train, test, seconds):
    """Row and images of a preset."""
    given, options = Samples(train), {"x": SHAPE}
    if name == "srgan":
        given, options["z"] = Samples(train, halved(train)), (14, 14, 1)
    elif "latent" in PRESETS[name].arguments:
        options["latent"] = LATENT
    model = PRESETS[name].factory(**options)
    model.adapt(given)
    steps = timed.train(model, given, seconds)
    if name == "srgan":
        drawn = model.decode(halved(test), seed=1)
    else:
        drawn = model.reconstruct(test, seed=1) if name == "ae" else model.sample(TEST, seed=1)
    parameters = sum(np.prod(weight.shape) for weight in model.trainable_variables)
    return {"parameters": int(parameters), "steps": steps}, drawn.numpy()


def of_peer(name, train, seconds):
    """Row and images of a peer; no images if its library is missing."""
    for library in ("torch", "pythae") if PEERS[name] == "pythae" else ():
        if importlib.util.find_spec(library) is None:
            return {"not run": f"{library} is not installed"}, None
    if PEERS[name] == "pythae":
        from pythae_peers import Peer

        peer = Peer(adversarial=name.startswith("AAE"))
        steps = peer.train(train, seconds)
    else:
        peer = DCGAN(LATENT)
        steps = timed.train(peer, Samples(train), seconds)
    return {"parameters": peer.count_params(), "steps": steps}, peer.sample(TEST)


def scores(test, drawn):
    found = image_scores(test, drawn, DigitFeatures(0.0, 1.0))
    return {key: round(found[key], 4) for key in SCORES}


def table(rows):
    shown = (*SCORES, "parameters", "steps")
    return grid(HEADER, [[name, *(row.get(key, "–") for key in shown)] for name, row in rows.items()])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("models", nargs="*", default=[*OF_IMAGES, *PEERS])
    args = parser.parse_args()
    if unknown := set(args.models) - {*OF_IMAGES, *PEERS}:
        parser.error(f"no model {unknown.pop()!r}: give some of {', '.join([*OF_IMAGES, *PEERS])}")
    args.out.mkdir(parents=True, exist_ok=True)
    split = mnist(args.images)
    train, test = split.train.x[:TRAIN], split.test.x[:TEST]
    path, part = args.out / "mnist.json", args.out / "mnist.part"
    content = {"minutes": args.minutes, "images": [len(train), len(test)], "rows": {}}
    shown = {}
    if path.is_file() and part.is_file():
        before = json.loads(path.read_text())
        if {**before, "rows": {}} != content:
            parser.error(f"{path} is of other --minutes or --images: give another --out, or delete it")
        content = before
        with np.load(part) as kept:
            shown = dict(kept)
    rows = content["rows"]

    def note(name, row, drawn):
        if drawn is not None:
            row = {**row, **scores(test, drawn)}
            shown[name] = (255.0 * drawn[:SHOWN, ..., 0]).round().astype("uint8")
        rows[name] = row
        print(name, row, flush=True)
        path.write_text(json.dumps(content, indent=1) + "\n")
        with open(part, "wb") as file:
            np.savez_compressed(file, **shown)
        draw({key: shown[key] for key in rows if key in shown}, args.out / "mnist.png", 0.5, 80, vmax=255)

    if "training images" not in rows:
        note("training images", {}, train[:TEST])
    for name in args.models:
        if "frechet" in rows.get(name, {}):
            continue
        keras.utils.set_random_seed(0)
        keras.backend.clear_session()
        seconds = 60.0 * args.minutes
        made = of_peer(name, train, seconds) if name in PEERS else of_preset(name, train, test, seconds)
        note(name, *made)
    fill("mnist", table(rows), "studies.md", args.out)


if __name__ == "__main__":
    main()
