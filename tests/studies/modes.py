"""Which modes GANs find: 8 normal distributions on a ring and 25 on a grid, for each adversarial loss.

    python tests/studies/modes.py --out docs/studies

The setting of VEEGAN (arXiv 1705.07761, section 4.1): a mode counts as found if one of 2 500 draws is
within three standard deviations of it, and such draws are the fraction of high quality. Writes `modes.json`
and `modes.png`.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from matplotlib import pyplot as plt

import mizoo
from mizoo.presets.adversarial import generator

_TURN = 2.0 * np.pi * np.arange(8) / 8
LAWS = {
    "ring": (2.0 * np.stack([np.cos(_TURN), np.sin(_TURN)], 1), 0.02),
    "grid": (np.stack(np.meshgrid(*[np.arange(-4.0, 5.0, 2.0)] * 2), -1).reshape(-1, 2), 0.05),
}
# Penalties are in standardised coordinates.
GAN_LOSSES = {
    "non-saturating": {"r1": 0.1},
    "least-squares": {"r1": 0.1},
    "hinge": {"r1": 0.1},
    "wasserstein": {"gradient_penalty": 1.0, "critic_steps": 3},
}


def draw(distribution, count, rng):
    centres, deviation = LAWS[distribution]
    return (
        centres[rng.integers(len(centres), size=count)] + deviation * rng.normal(size=(count, 2))
    ).astype("float32")


def coverage(distribution, sample):
    """Number of modes found, and fraction of draws of high quality."""
    centres, deviation = LAWS[distribution]
    distance = np.linalg.norm(sample[:, None] - centres, axis=-1)
    good = distance.min(1) < 3.0 * deviation
    return len(np.unique(distance.argmin(1)[good])), good.mean()


def train(distribution, gan_loss, steps, batch_size):
    """A GAN of two-dimensional vectors; the same networks and steps for all losses."""
    keras.utils.set_random_seed(0)
    data = mizoo.datasets.Samples(draw(distribution, 100_000, np.random.default_rng(0)))
    name = f"{gan_loss} {distribution}"
    model = generator((2,), 2, name, gan_loss, ema_momentum=0.999, **GAN_LOSSES[gan_loss])
    model.schedule(1e-3, steps=steps * model.critic_steps)
    epochs = steps * batch_size // len(data)
    model.fit(data, batch_size=batch_size, epochs=epochs, verbose=0)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--batch-size", type=int, default=500)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    figure, axes = plt.subplots(2, 4, figsize=(12, 6), layout="constrained")
    for line, distribution in zip(axes, LAWS, strict=True):
        for axis, gan_loss in zip(line, GAN_LOSSES, strict=True):
            start = time.monotonic()
            model = train(distribution, gan_loss, args.steps, args.batch_size)
            sample = model.sample(2500).numpy()
            modes, quality = coverage(distribution, sample)
            reference = coverage(distribution, draw(distribution, 2500, np.random.default_rng(1)))[1]
            rows.append(
                {
                    "distribution": distribution, "gan_loss": gan_loss,
                    "modes": modes, "of": len(LAWS[distribution][0]),
                    "high quality": round(float(quality), 4), "of true draws": round(float(reference), 4),
                    "seconds": round(time.monotonic() - start),
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
            axis.plot(*sample.T, ",", color="C0")
            axis.plot(*LAWS[distribution][0].T, "+", color="C3", markersize=4)
            axis.set(
                title=f"{gan_loss}: {modes} of {len(LAWS[distribution][0])}, {quality:.0%}", aspect="equal"
            )
    content = {"steps": args.steps, "batch_size": args.batch_size, "rows": rows}
    (args.out / "modes.json").write_text(json.dumps(content, indent=1) + "\n")
    figure.savefig(args.out / "modes.png", dpi=80)


if __name__ == "__main__":
    main()
