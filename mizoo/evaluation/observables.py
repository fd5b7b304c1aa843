"""Named one-dimensional observables of events."""

from typing import cast

import numpy as np
import vector
from numpy.typing import ArrayLike

from mizoo.physics.momenta import four_momenta
from mizoo.physics.particles import DetectorObject
from mizoo.physics.process import COMPONENTS, Process
from mizoo.physics.reconstruction import reconstruct


def observables(events: ArrayLike, space: str, process: Process) -> dict[str, np.ndarray]:
    """Every component of events (n, 4 × objects) and the masses of the process, in GeV, by name.

    Masses of detector events are reconstructed, see `physics.MassReconstruction`; space-like sums have
    negative masses, -√(-m²). Missing momentum of two components has no p_z.

    Args:
        events: events of `space`, in GeV.
        space: `"x"` or `"z"`.
        process: process of the events.

    Raises:
        ValueError: for x of a process with a variable number of objects, or features.
    """
    events = np.asarray(events)
    if space == "x":
        process.check_plain("evaluation")
    named = dict(zip(process.columns(space), events.T, strict=True))
    for particle in process.particles(space):
        if isinstance(particle, DetectorObject) and particle.kind == "met" and particle.components == 2:
            del named[f"pz_{particle.name}"]
    return named | masses(events, space, process)


def masses(events: ArrayLike, space: str, process: Process) -> dict[str, np.ndarray]:
    """The masses among the `observables`."""
    if space == "x":
        return reconstruct(np.asarray(events), process)
    momenta = four_momenta(events)
    found = {}
    for name, places in process.systems.items():
        parts = cast(vector.MomentumNumpy4D, momenta[:, list(places)])
        found[name] = parts.sum(axis=1).mass
    return found


def polar(events: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """pT in GeV, η and φ of each object of events (n, 4 × objects), three arrays (n, objects)."""
    momenta = four_momenta(events)
    with np.errstate(divide="ignore", invalid="ignore"):
        return momenta.pt, momenta.eta, momenta.phi


def wrap(angle: np.ndarray) -> np.ndarray:
    """Wrap angles to [-π, π)."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def label(observable: str, space: str, process: Process) -> str:
    """LaTeX label of an observable, without unit; its name if it is neither a component nor a mass."""
    if observable in process.systems:
        return f"${process.label_of(observable)}$"
    component, _, name = observable.partition("_")
    particle = next((p for p in process.particles(space) if p.name == name), None)
    if particle is None or component not in COMPONENTS:
        return observable
    symbol = "E" if component == "E" else f"p_{component[1]}"
    return f"${symbol}^{{{particle.latex}}}$"
