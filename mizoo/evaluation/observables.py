"""Named one-dimensional observables of events."""

import numpy as np

from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.process import COMPONENTS
from mizoo.physics.reconstruction import reconstruct_tops


def observables(events, space, process=TTBAR) -> dict[str, np.ndarray]:
    """Every component of events (n, 4 × objects) and the process's masses, in GeV, by name.

    Those of tt̄ detector events are reconstructed (`physics.reconstruct_tops`); space-like sums have
    negative masses, -√(-m²).
    """
    events = np.asarray(events)
    named = dict(zip(process.columns(space), events.T, strict=True))
    momenta = _objects(events)
    if space == "x" and process.reconstruction.peaks:
        return named | reconstruct_tops(events)._asdict()
    for name, places in process.systems.items():
        if space == "x":
            places = [process.partner(place) for place in places]
        if None not in places:
            named[name] = _mass(momenta[:, places].sum(1))
    return named


def _objects(events):
    return np.asarray(events, dtype="float64").reshape(len(events), -1, 4)


def _mass(momentum):
    square = momentum[:, 3] ** 2 - np.square(momentum[:, :3]).sum(-1)
    return np.sign(square) * np.sqrt(np.abs(square))


def polar(events):
    """pT in GeV, η and φ of each object of events (n, 4 × objects), three arrays (n, objects)."""
    objects = _objects(events)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(objects[..., 2] / pt)
    return pt, eta, np.arctan2(objects[..., 1], objects[..., 0])


def wrap(angle):
    """The same angle in [-π, π)."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def label(observable, space, process=TTBAR) -> str:
    """LaTeX label of an observable, without unit; the name of one that is no component and no mass."""
    if observable in process.systems:
        return f"${process.label_of(observable)}$"
    component, _, name = observable.partition("_")
    particle = next((p for p in process.particles(space) if p.name == name), None)
    if particle is None or component not in COMPONENTS:
        return observable
    symbol = "E" if component == "E" else f"p_{component[1]}"
    return f"${symbol}^{{{particle.latex}}}$"
