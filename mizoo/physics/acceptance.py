"""What a detector accepts."""

import numpy as np

from mizoo.physics.process import TTBAR


def accepted(events, process=TTBAR) -> np.ndarray:
    """Whether all detector objects of events x (n, 4 × objects), in GeV, are in the acceptance, (n,).

    Models that know no thresholds generate events that are not: see `objectives.Acceptance`.
    """
    objects = np.asarray(events, dtype="float64").reshape(len(events), -1, 4)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    least = np.array([particle.pt for particle in process.x])
    # |η| < η_max, without η: that of an object along the beam is infinite.
    slope = np.sinh([min(particle.eta, 20.0) for particle in process.x])
    inside = (pt >= least) & (np.abs(objects[..., 2]) <= slope * pt)
    return inside.all(1)
