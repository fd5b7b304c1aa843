"""Named one-dimensional observables of events."""

import numpy as np
from numpy.typing import ArrayLike

from mizoo.physics.particles import DetectorObject
from mizoo.physics.process import COMPONENTS, Process
from mizoo.physics.reconstruction import reconstruct


def observables(events: ArrayLike, space: str, process: Process) -> dict[str, np.ndarray]:
    """Every component of events (n, 4 × objects) and the masses of the process, in GeV, by name.

    Masses of detector events are reconstructed, see `physics.MassReconstruction`; space-like sums have
    negative masses, -√(-m²). Missing momentum of two components has no p_z.

    Args:
        events: of `space`.
        space: `"x"` or `"z"`.
        process: of the events.
    """
    events = np.asarray(events)
    named = dict(zip(process.columns(space), events.T, strict=True))
    for particle in process.particles(space):
        if isinstance(particle, DetectorObject) and particle.kind == "met" and particle.components == 2:
            del named[f"pz_{particle.name}"]
    return named | masses(events, space, process)


def masses(events: ArrayLike, space: str, process: Process) -> dict[str, np.ndarray]:
    """The masses of `observables` alone."""
    if space == "x":
        return reconstruct(np.asarray(events), process)
    momenta = _objects(events)
    return {name: _mass(momenta[:, list(places)].sum(1)) for name, places in process.systems.items()}


def _objects(events: ArrayLike) -> np.ndarray:
    return np.asarray(events, dtype="float64").reshape(len(np.asarray(events)), -1, 4)


def _mass(momentum: np.ndarray) -> np.ndarray:
    square = momentum[:, 3] ** 2 - np.square(momentum[:, :3]).sum(-1)
    return np.sign(square) * np.sqrt(np.abs(square))


def polar(events: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """pT in GeV, η and φ of each object of events (n, 4 × objects), three arrays (n, objects)."""
    objects = _objects(events)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(objects[..., 2] / pt)
    return pt, eta, np.arctan2(objects[..., 1], objects[..., 0])


def wrap(angle: np.ndarray) -> np.ndarray:
    """The same angle in [-π, π)."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def label(observable: str, space: str, process: Process) -> str:
    """LaTeX label of an observable, without unit; the name of one that is no component and no mass."""
    if observable in process.systems:
        return f"${process.label_of(observable)}$"
    component, _, name = observable.partition("_")
    particle = next((p for p in process.particles(space) if p.name == name), None)
    if particle is None or component not in COMPONENTS:
        return observable
    symbol = "E" if component == "E" else f"p_{component[1]}"
    return f"${symbol}^{{{particle.latex}}}$"
