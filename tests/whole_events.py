"""Made-up events with a variable number of jets, for tests."""

import numpy as np
from vector import MomentumNumpy4D

from mizoo.datasets import Events
from mizoo.physics.library import ttbar_events as PROCESS
from mizoo.physics.momenta import cartesian

COUNT = len(PROCESS.x)


def made_up(counts, seed=0, process=PROCESS, weights=None):
    """Events of `ttbar_events` with these numbers of jets, and partons of no particular distribution."""
    random = np.random.default_rng(seed)
    n = len(counts)
    x = np.zeros((n, len(process.columns("x"))))
    z = four(random, n, len(process.z), np.array(process.masses("z")))
    objects = x[:, : 4 * len(process.x)].reshape(n, -1, 4)
    objects[:, :2] = four(random, n, 2, 0.0)
    objects[:, 1, 2] = 0.0
    objects[:, 1, 3] = np.hypot(objects[:, 1, 0], objects[:, 1, 1])
    jets = four(random, n, len(process.x) - 2, random.uniform(0.0, 20.0, (n, len(process.x) - 2)))
    order = np.argsort(-np.hypot(jets[..., 0], jets[..., 1]), 1)
    there = np.arange(jets.shape[1]) < np.array(counts)[:, None]
    objects[:, 2:] = np.take_along_axis(jets, order[..., None], 1) * there[..., None]
    x[:, : 4 * len(process.x)] = objects.reshape(n, -1)
    x[:, 4 * len(process.x) :] = random.integers(0, 2, there.shape) * there
    return Events(x.astype("f4"), z.reshape(n, -1).astype("f4"), process=process, weights=weights)


def four(random, count, objects, masses):
    """Momenta (count, objects, 4) in GeV, within the acceptance of each detector object."""
    size = (count, objects)
    pt, eta, phi = (
        random.uniform(30, 300, size),
        random.uniform(-2.4, 2.4, size),
        random.uniform(-3, 3, size),
    )
    return cartesian(MomentumNumpy4D({"pt": pt, "eta": eta, "phi": phi, "mass": masses + np.zeros(size)}))
