"""Named one-dimensional observables of events."""

from typing import cast

import numpy as np
import vector
from numpy.typing import ArrayLike

from mizoo.physics.momenta import four_momenta
from mizoo.physics.particles import FEATURE_VALUES, DetectorObject
from mizoo.physics.process import COMPONENTS, Process
from mizoo.physics.reconstruction import reconstruct


def observables(events: ArrayLike, space: str, process: Process) -> dict[str, np.ndarray]:
    """Every component of events (n, columns) and the masses of the process, in GeV, by name.

    Masses of detector events are reconstructed, see `physics.MassReconstruction`; space-like sums have
    negative masses, -√(-m²). Missing momentum of two components has no p_z. Of each kind of objects whose
    number varies there are also the number of objects, `n_jet`, the number with each feature, `n_btag_jet`,
    and the scalar sum of their pT, `ht_jet`. Values that an event lacks are NaN, see `existing`.

    Args:
        events: events of `space`, in GeV.
        space: `"x"` or `"z"`.
        process: process of the events.
    """
    events = np.asarray(events)
    named = dict(zip(process.columns(space), events.T, strict=True))
    for particle in process.particles(space):
        if isinstance(particle, DetectorObject) and particle.kind == "met" and particle.components == 2:
            del named[f"pz_{particle.name}"]
    if space == "x":
        named = _of_sets(named, events, process)
    return named | masses(events, space, process)


def _of_sets(named: dict[str, np.ndarray], events: np.ndarray, process: Process) -> dict[str, np.ndarray]:
    """Components that are NaN where there is no object, and numbers and sums of objects of each kind."""
    present, found = process.present(events), dict(named)
    for place in process.optional:
        for what in (*COMPONENTS, *(name for at, name in process.features if at == place)):
            column = f"{what}_{process.x[place].name}"
            found[column] = np.where(present[:, place], named[column], np.nan)
    pt = four_momenta(events, len(process.x)).pt
    for one in process.objects:
        places = list(process.places[one.name])
        if not isinstance(one.count, int):
            found[f"n_{one.name}"] = present[:, places].sum(1).astype("float64")
            found[f"ht_{one.name}"] = np.where(present, pt, 0.0)[:, places].sum(1)
        for feature in one.features:
            values = np.stack([named[f"{feature}_{name}"] for name in one.names], 1)
            found[f"n_{feature}_{one.name}"] = (values > 0.0).sum(1).astype("float64")
    return found


def existing(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """The values (n,) that are not NaN, and their weights."""
    there = ~np.isnan(values)
    return values[there], None if weights is None else weights[there]


def is_number(observable: str) -> bool:
    """Whether an observable is a number of objects or a feature, without unit, rather than in GeV."""
    return observable.startswith("n_") or observable.partition("_")[0] in FEATURE_VALUES


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


def polar(events: ArrayLike, process: Process | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """pT in GeV, η and φ of each object of events (n, columns), three arrays (n, objects).

    Args:
        events: four-momenta (n, 4 × objects), or x of a process.
        process: process of x; values of objects that an event lacks are NaN.
    """
    momenta = four_momenta(events, None if process is None else len(process.x))
    with np.errstate(divide="ignore", invalid="ignore"):
        pt, eta, phi = momenta.pt, momenta.eta, momenta.phi
    if process is not None and process.optional:
        absent = ~process.present(events)
        pt, eta, phi = (np.where(absent, np.nan, values) for values in (pt, eta, phi))
    return pt, eta, phi


def wrap(angle: np.ndarray) -> np.ndarray:
    """Wrap angles to [-π, π)."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


def label(observable: str, space: str, process: Process) -> str:
    """LaTeX label of an observable, without unit; its name if it is neither a component nor a mass."""
    if observable in process.systems:
        return f"${process.label_of(observable)}$"
    for one in process.objects if space == "x" else ():
        sums = {
            f"n_{feature}_{one.name}": rf"N_\mathrm{{{feature}, {one.name}}}" for feature in one.features
        }
        sums |= {
            f"n_{one.name}": rf"N_\mathrm{{{one.name}}}",
            f"ht_{one.name}": rf"H_T^\mathrm{{{one.name}}}",
        }
        if observable in sums:
            return f"${sums[observable]}$"
    component, _, name = observable.partition("_")
    particle = next((p for p in process.particles(space) if p.name == name), None)
    if particle is None or component not in COMPONENTS:
        return observable
    symbol = "E" if component == "E" else f"p_{component[1]}"
    return f"${symbol}^{{{particle.latex}}}$"
