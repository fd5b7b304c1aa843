"""What a detector accepts."""

import numpy as np
from numpy.typing import ArrayLike

from mizoo.physics.process import Process


def accepted(events: ArrayLike, process: Process) -> np.ndarray:
    """Whether all detector objects of events x (n, 4 × objects), in GeV, are in the acceptance, (n,).

    Models that know no thresholds generate events that are not: see `objectives.Acceptance`.
    """
    objects = np.asarray(events, dtype="float64").reshape(-1, len(process.x), 4)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    with np.errstate(all="ignore"):
        eta = np.arcsinh(objects[..., 2] / pt)
        least = np.stack(
            [
                particle.threshold(np, eta=eta[:, i]) * np.ones(len(pt))
                for i, particle in enumerate(process.x)
            ],
            1,
        )
    # |η| < η_max, without η: that of an object along the beam is infinite.
    slope = np.sinh([min(particle.eta, 20.0) for particle in process.x])
    inside = (pt >= least) & (np.abs(objects[..., 2]) <= slope * pt)
    accepted: np.ndarray = inside.all(1)
    return accepted
