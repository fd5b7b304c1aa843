"""The bounds on mutual information against its exact value, for jointly normal x and z.

    python tests/studies/information.py --out docs/studies

Each of d pairs of components has the correlation 0.7, then x and z are mixed by rotations, so that
I(x; z) = -d/2 log(1 - 0.7²). Two models, of Gaussian mappers and of conditional flows, are trained on
50 000 pairs; `model.information` sees 20 000 others. Writes `information.json`.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from scipy.stats import ortho_group

import mizoo
from mizoo.mappers import Gaussian
from mizoo.networks import mlp
from mizoo.objectives import terms

RHO = 0.7
WEIGHTS = {"L_z_tilde": 1.0, "L_x_tilde": 1.0}


def pairs(d, count, seed):
    rotations = ortho_group.rvs(d, size=2, random_state=0)
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, d))
    x = RHO * z + np.sqrt(1.0 - RHO**2) * rng.normal(size=(count, d))
    return mizoo.datasets.Samples(x @ rotations[0], z @ rotations[1])


def gaussian(d):
    """Both mappers Gaussian, with networks that may be linear as well as bent."""

    def mapper():
        value = keras.layers.Input((d,))
        bent = mlp([128], 2 * d, "silu")(value)
        return Gaussian(keras.Model(value, keras.layers.Dense(2 * d)(value) + bent), (d,))

    space = mizoo.representations.Identity
    model = mizoo.Turbo(mapper(), mapper(), terms(WEIGHTS), space((d,)), space((d,)))
    model.compile(keras.optimizers.Adam(3e-3))
    return model


def flow(d):
    space = mizoo.representations.Identity((d,)), mizoo.representations.Identity((d,))
    return mizoo.presets.flow(*space, units=64, couplings=6, dropout=0.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for make in (gaussian, flow):
        for d in (2, 8, 24):
            keras.utils.set_random_seed(0)
            data, start, model = pairs(d, 50_000, 1), time.monotonic(), make(d)
            model.schedule(float(model.optimizer.learning_rate), args.epochs * data.steps(500))
            model.fit(data, batch_size=500, epochs=args.epochs, verbose=0)
            seconds = round(time.monotonic() - start)
            entropy = d / 2.0 * np.log(2.0 * np.pi * np.e)
            test = pairs(d, 20_000, 2)
            known = model.information(test, entropies={"x": entropy, "z": entropy}).nats
            estimated = model.information(test)
            exact = -d / 2.0 * np.log(1.0 - RHO**2)
            rows.append(
                {
                    "mappers": make.__name__, "dimensions": d, "exact": round(exact, 3),
                    "bound": round(known["L_z_tilde"], 3), "gap": round(exact - known["L_z_tilde"], 3),
                    "with estimated entropy": round(estimated.nats["L_z_tilde"], 3),
                    "entropy": round(entropy, 3), "estimated": round(estimated.entropy["L_z_tilde"], 3),
                    "seconds": seconds,
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    (args.out / "information.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
