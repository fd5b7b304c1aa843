"""Four-momenta of events as arrays of `vector`, for all kinematics outside TensorFlow's graphs."""

import math

import numpy as np
import vector
from numpy.typing import ArrayLike

BEAM = 10_000.0  # GeV, bound of energies of beams; more than the Large Hadron Collider has


def four_momenta(events: ArrayLike, objects: int | None = None) -> vector.MomentumNumpy4D:
    """The momenta (n, objects) of events (n, 4 × objects), px py pz E in GeV, in double precision.

    Args:
        events: events; columns after the momenta are features, which are left out.
        objects: number of objects; by default all columns are momenta.
    """
    array = np.asarray(events, "float64")
    if objects is not None:
        array = array.reshape(len(array), math.prod(array.shape[1:]))[:, : 4 * objects]
    return momentum(array.reshape(len(array), math.prod(array.shape[1:]) // 4, 4))


def momentum(array: ArrayLike) -> vector.MomentumNumpy4D:
    """The momenta (…) of an array (…, 4) of px py pz E in GeV."""
    px, py, pz, energy = np.moveaxis(np.asarray(array, "float64"), -1, 0)
    return vector.MomentumNumpy4D({"px": px, "py": py, "pz": pz, "E": energy})


def cartesian(momenta: vector.MomentumNumpy4D) -> np.ndarray:
    """Array (…, 4) of px py pz E of momenta (…), however these are given."""
    return np.stack([momenta.px, momenta.py, momenta.pz, momenta.E], -1)
