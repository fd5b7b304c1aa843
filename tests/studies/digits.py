"""Image presets on handwritten digits.

    python tests/studies/digits.py --out docs/studies

Each preset is trained with its defaults on the 1 397 training digits, and draws 200 images: new ones from
its prior, or, without a prior (`ae`, `srgan`), test images from their codes. A support-vector classifier
trained on the training digits measures the fraction of images that it recognises with a probability of 0.9
or more, and how many of the ten digits occur. Writes `digits.json` and `digits.png`.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from image_lines import draw
from page import fill, grid
from sklearn.svm import SVC

from mizoo.datasets.digits import labelled
from mizoo.presets import PRESETS


def make(model, test):
    """200 images of a model."""
    if model.name == "ae":
        return model.reconstruct(test.x).numpy()
    return model.decode(test.z).numpy() if test.z is not None else model.sample(200).numpy()


def table(rows):
    columns = ("preset", "recognised", "digits", "seconds")
    return grid(columns, [[row.get(key, "–") for key in columns] for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--epochs", type=int, default=150)
    shown_here = [name for name in PRESETS if "digits" in PRESETS[name].dataset]
    parser.add_argument("presets", nargs="*", default=shown_here)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    images, labels = labelled()
    judge = SVC(probability=True, random_state=0).fit(images[:1397].reshape(1397, -1), labels[:1397])
    rows, shown = [], {}

    def note(name, made, **more):
        probabilities = judge.predict_proba(made.reshape(len(made), -1))
        sure = probabilities.max(1) >= 0.9
        classes = len(np.unique(probabilities.argmax(1)[sure]))
        rows.append({"preset": name, "recognised": round(float(sure.mean()), 3), "digits": classes, **more})
        shown[name] = made
        print(rows[-1], flush=True)

    note("test images", images[-200:])
    for name in args.presets:
        keras.utils.set_random_seed(0)
        data, start = PRESETS[name].load_dataset(), time.monotonic()
        model = PRESETS[name].factory()
        model.fit(data.train, batch_size=100, epochs=args.epochs, verbose=0)
        note(name, make(model, data.test), seconds=round(time.monotonic() - start))
    content = {"epochs": args.epochs, "rows": rows}
    (args.out / "digits.json").write_text(json.dumps(content, indent=1) + "\n")
    lines = {name: made[:20, ..., 0] for name, made in shown.items()}
    draw(lines, args.out / "digits.png", 0.5, dpi=80, width=8)
    fill("digits", table(rows), "studies.md", args.out)


if __name__ == "__main__":
    main()
