"""Pictures of the gallery, one for each preset.

    python tests/studies/gallery.py --out docs/gallery

The shipped models draw images, or observables of validation events, for `NAME.png` of 640 × 400 pixels.
"""

import argparse
import os
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from PIL import Image

import mizoo
from mizoo.evaluation.figures import image_grid
from mizoo.evaluation.figures.panel import Panel, with_ratios
from mizoo.evaluation.figures.style import of_stream, truth_of
from mizoo.evaluation.observables import label, observables
from mizoo.presets import PRESETS

WIDTH, HEIGHT = 640, 400
COLOURS = 64  # of the palette of a file
COLUMNS, ROWS = 8, 5  # of digits


def digits(images, columns=COLUMNS):
    """Figure of digits (n, 8, 8, 1) in rows, with the same shape for all numbers of them."""
    high, wide = 10 * ROWS // (len(images) // columns), 10 * COLUMNS // columns
    margins = [(high - 8) // 2, high - 8 - (high - 8) // 2], [(wide - 8) // 2, wide - 8 - (wide - 8) // 2]
    images = np.pad(np.clip(images, 0.0, 1.0), ([0, 0], *margins, [0, 0]))
    return image_grid(1.0 - images, columns)


def samples(model):
    return digits(model.sample(COLUMNS * ROWS, seed=0))


def reconstructions(model):
    """Digits of the validation split, each row above what the model makes of it."""
    x = mizoo.datasets.digits().validation.x[: 2 * COLUMNS].reshape(2, COLUMNS, 8, 8, 1)
    made = np.stack([model.reconstruct(row, seed=0) for row in x])
    return digits(np.stack([x, made], 1).reshape(-1, 8, 8, 1))


def interpolations(model):
    """Lines in the latent space between two digits of the validation split."""
    x = mizoo.datasets.digits().validation.x
    return digits(np.reshape(model.interpolate(x[:ROWS], x[ROWS : 2 * ROWS], COLUMNS), (-1, 8, 8, 1)))


def traversals(model):
    """A row for each component of the latent of one digit that moves the image most."""
    x = mizoo.datasets.digits().validation.x[3:4]
    paths = np.asarray(model.traverse(x, np.linspace(-2.5, 2.5, COLUMNS)))[0]
    moved = np.argsort(-paths.std(1).mean((1, 2, 3)))[:ROWS]
    return digits(paths[np.sort(moved)].reshape(-1, 8, 8, 1))


def categories(model):
    """Rows of one noise each, columns of one category each."""
    rng = np.random.default_rng(0)
    rest = np.concatenate([rng.normal(size=(ROWS, 1, 8)), rng.uniform(-1.0, 1.0, (ROWS, 1, 2))], -1)
    z = np.concatenate([rest.repeat(10, 1), np.eye(10)[None].repeat(ROWS, 0)], -1).reshape(-1, 20)
    return digits(model.decode(z.astype("float32")), columns=10)


def enlarged(model):
    """Small images, what the model makes of them, and the large ones that they were made from."""
    pairs = mizoo.datasets.digits(reduced=2).validation[:COLUMNS]
    small = tf.image.resize(pairs.z, (8, 8), "nearest").numpy()
    return digits(np.concatenate([small, model.decode(pairs.z, seed=0), pairs.x]))


def events(draw, stream, names, model):
    """Observables of events of the validation split, drawn and true, with their ratio."""
    preset = PRESETS[model.config["recipe"]["preset"]]
    truth = preset.truth("validation", model.config["dataset"])
    space, process = stream[0], truth.process
    true, drawn = (observables(e, space, process) for e in (truth.arrays()[space], draw(model, truth)))
    colour, title = of_stream(stream)
    panels = [
        Panel(
            label(name, space, process), "GeV", (true[name], None), {title: (colour, (drawn[name], None))}
        )
        for name in names
    ]
    figure = with_ratios(panels, truth_of(space, process), bins=30, percentiles=(1.0, 97.0))
    figure.set_size_inches(12.8, 8.0)
    for ax in figure.axes[: len(names)]:
        ax.set(ylabel="", yticks=[])
    return figure


def simulated(*names):
    return partial(events, lambda model, truth: model.decode(truth.z, seed=0), "x_tilde", names)


def sampled(*names):
    return partial(events, lambda model, truth: model.sample(len(truth), seed=0), "x_tilde", names)


def unfolded(*names):
    return partial(events, lambda model, truth: model.encode(truth.x, seed=0), "z_tilde", names)


PICTURES = {
    "gan": ("gan-digits", samples),
    "lsgan": ("lsgan-digits", samples),
    "wgan_gp": ("wgan_gp-digits", samples),
    "infogan": ("infogan-digits", categories),
    "alae": ("alae-digits", interpolations),
    "ae": ("ae-digits", reconstructions),
    "vae": ("vae-digits", samples),
    "beta_vae": ("beta_vae-digits", traversals),
    "infovae": ("infovae-digits", samples),
    "wae": ("wae-digits", interpolations),
    "swae": ("swae-digits", samples),
    "aae": ("aae-ttbar", sampled("px_jet1", "E_jet1")),
    "bibae": ("bibae-ttbar", sampled("px_jet1", "E_jet1")),
    "bibae_desy": ("bibae_desy-digits", samples),
    "vaegan": ("vaegan-digits", samples),
    "gandalf": ("gandalf-ttbar", simulated("m_w_had", "m_t_had")),
    "flow": ("flow-zh", simulated("m_Z", "m_H")),
    "pix2pix": ("pix2pix-ttbar", simulated("px_jet1", "m_t_had")),
    "srgan": ("srgan-digits", enlarged),
    "cyclegan": ("cyclegan-ttbar", simulated("px_jet1", "m_t_had")),
    "otus": ("otus-ttbar", simulated("px_jet1", "m_t_had")),
    "turbosim": ("turbosim-ttbar", unfolded("px_b", "m_tt")),
}


def write(figure, path):
    """Write a figure as PNG of the width and height of all, with few colours."""
    figure.savefig(path, dpi=WIDTH / figure.get_size_inches()[0])
    plt.close(figure)
    image = Image.open(path).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    image.quantize(COLOURS).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("presets", nargs="*", default=list(PICTURES))
    args = parser.parse_args()
    if unknown := set(args.presets) - set(PICTURES):
        parser.error(f"no preset {unknown.pop()!r}: give some of {', '.join(PICTURES)}")
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.presets:
        model, picture = PICTURES[name]
        write(picture(mizoo.load(model)), args.out / f"{name}.png")
        print(name, flush=True)


if __name__ == "__main__":
    main()
