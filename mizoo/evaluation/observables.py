"""Named one-dimensional observables of events."""

import numpy as np

from mizoo.physics.process import TTBAR
from mizoo.physics.reconstruction import TopMasses, reconstruct_tops


def observables(events, space, process=TTBAR) -> dict[str, np.ndarray]:
    """Every component of events (n, 24) and five masses, in GeV, by name.

    The masses of x are reconstructed (`physics.reconstruct_tops`); those of z follow from the partons.
    """
    events = np.asarray(events)
    named = dict(zip(process.columns(space), events.T, strict=True))
    masses = reconstruct_tops(events) if space == "x" else parton_masses(events, process)
    return {**named, **masses._asdict()}


def parton_masses(events, process=TTBAR) -> TopMasses:
    """Masses in GeV of tops and Ws from the partons they decay to, (n, 24)."""
    events = np.asarray(events, dtype="float64").reshape(len(events), -1, 4)
    names = [particle.name for particle in process.z]

    def mass(*partons):
        total = events[:, [names.index(parton) for parton in partons]].sum(1)
        square = total[:, 3] ** 2 - np.square(total[:, :3]).sum(-1)
        return np.sign(square) * np.sqrt(np.abs(square))

    return TopMasses(
        m_tt=mass(*names),
        m_w_had=mass("u", "dbar"),
        m_w_lep=mass("e-", "nubar"),
        m_t_lep=mass("e-", "nubar", "bbar"),
        m_t_had=mass("u", "dbar", "b"),
    )


def polar(events):
    """pT in GeV, η and φ of each object of events (n, 4 × objects), three arrays (n, objects)."""
    objects = np.asarray(events, dtype="float64").reshape(len(events), -1, 4)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(objects[..., 2] / pt)
    return pt, eta, np.arctan2(objects[..., 1], objects[..., 0])


_MASS_LABELS = {
    "m_tt": r"$m_{t\bar t}$",
    "m_w_had": r"$m_W^\mathrm{had}$",
    "m_w_lep": r"$m_W^\mathrm{lep}$",
    "m_t_lep": r"$m_t^\mathrm{lep}$",
    "m_t_had": r"$m_t^\mathrm{had}$",
}


def label(observable, space, process=TTBAR) -> str:
    """LaTeX label of an observable, without unit."""
    if observable in _MASS_LABELS:
        return _MASS_LABELS[observable]
    component, _, name = observable.partition("_")
    particle = next(p for p in process.particles(space) if p.name == name)
    symbol = "E" if component == "E" else f"p_{component[1]}"
    return f"${symbol}^{{{particle.label}}}$"
