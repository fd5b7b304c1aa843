"""Edges and digits of MNIST: Turbo-Sim beside pix2pix and CycleGAN, trained for equal times.

    python tests/studies/edges.py --images FILE --out docs/studies

`FILE` is one that `mizoo.datasets.mnist` reads; without it, MNIST is downloaded. z are the Sobel edges of
the digits x. Each model is trained on 8 000 pairs (CycleGAN without knowing which belong together) for
`--minutes`, see `timed`, with equal networks and learning rates. Then x is drawn given z of 1 000
test images, and z given x where the model has an encoder. PSNR and SSIM are means over pairs; the Fréchet
distance is in the features of `mizoo.evaluation.DigitFeatures`. Writes `edges.json` and `edges.png`.

To choose weights of Turbo-Sim, such as `--weights '{"D_x_hat": 1}'`, `--validation` takes validation images
in place of test images.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import timed
from image_lines import draw
from page import fill, grid

from mizoo import presets
from mizoo.datasets import mnist
from mizoo.evaluation import DigitFeatures, image_pairs, image_scores

SHAPE, TRAIN, TEST, SHOWN = (28, 28, 1), 8000, 1000, 12
MODELS = ("turbosim", "pix2pix", "cyclegan")
SCORES = {"psnr": "PSNR", "ssim": "SSIM", "frechet": "Fréchet"}


def scores(truth, drawn):
    pairs = image_pairs(truth, drawn, 1.0)
    found = image_scores(truth, drawn, DigitFeatures(0.0, 1.0))
    return {key: round({**pairs, **found}[key], 4) for key in SCORES}


def table(rows):
    columns = {f"{space} {key}": f"{space}: {word}" for space in "xz" for key, word in SCORES.items()}
    columns["steps"] = "steps"
    lines = [
        [name, *(f"{row[key]:.4g}" if key in row else "–" for key in columns)] for name, row in rows.items()
    ]
    return grid(["model", *columns.values()], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--weights", type=json.loads, default={})
    parser.add_argument("models", nargs="*", default=MODELS)
    args = parser.parse_args()
    if unknown := set(args.models) - set(MODELS):
        parser.error(f"no model {unknown.pop()!r}: give some of {', '.join(MODELS)}")
    args.out.mkdir(parents=True, exist_ok=True)
    split = mnist(args.images, edges=True)
    train, test = split.train[:TRAIN], (split.validation if args.validation else split.test)[:TEST]
    content = {"minutes": args.minutes, "units": args.units, "learning rate": args.learning_rate}
    content |= {"images": [len(train), len(test)], "weights": args.weights}
    reference = {space: scores(test[space], train[space][: len(test)])["frechet"] for space in "xz"}
    content["rows"] = rows = {"training images": {f"{s} frechet": reference[s] for s in "xz"}}
    lines = {"z": test.z, "x": test.x}
    for name in args.models:
        keras.utils.set_random_seed(0)
        own = {"weights": args.weights} if name == "turbosim" and args.weights else {}
        model = getattr(presets, name)(
            x=SHAPE, z=SHAPE, units=args.units, learning_rate=args.learning_rate, **own
        )
        given = train.unpaired() if name == "cyclegan" else train
        model.adapt(given)
        steps = timed.train(model, given, 60.0 * args.minutes)
        rows[name] = {"steps": steps}
        for endpoint, source, target in (("decode", "z", "x"), ("encode", "x", "z")):
            if endpoint in model.endpoints:
                drawn = getattr(model, endpoint)(test[source], seed=1).numpy()
                rows[name] |= {f"{target} {k}": v for k, v in scores(test[target], drawn).items()}
                lines[f"{name}: {source} → {target}"] = drawn
        print(name, rows[name], flush=True)
        (args.out / "edges.json").write_text(json.dumps(content, indent=1) + "\n")
        shown = {name: images[:SHOWN, ..., 0] for name, images in lines.items()}
        draw(shown, args.out / "edges.png", 0.75)
    fill("edges", table(rows), "studies.md", args.out)


if __name__ == "__main__":
    main()
