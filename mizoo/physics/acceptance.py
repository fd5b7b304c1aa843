"""The acceptance of a detector."""

import numpy as np
from numpy.typing import ArrayLike

from mizoo.physics.momenta import four_momenta
from mizoo.physics.process import Process


def accepted(events: ArrayLike, process: Process) -> np.ndarray:
    """Whether all detector objects of events x (n, columns), in GeV, are in the acceptance, (n,).

    Objects that an event lacks are left out.

    Models without built-in thresholds generate events that are not, see `objectives.Acceptance`.
    """
    momenta = four_momenta(events, len(process.x))
    with np.errstate(all="ignore"):
        pt, eta = momenta.pt, momenta.eta
        least = np.stack(
            [
                particle.threshold(np, eta=eta[:, i]) * np.ones(len(pt))
                for i, particle in enumerate(process.x)
            ],
            1,
        )
    # |η| < η_max in terms of pz, as η is infinite along the beam.
    slope = np.sinh([min(particle.eta, 20.0) for particle in process.x])
    inside = (pt >= least) & (np.abs(momenta.pz) <= slope * pt) | ~process.present(events)
    accepted: np.ndarray = inside.all(1)
    return accepted
