"""A process is data: the objects of the two spaces, their masses, and where files have them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mizoo.physics.reconstruction import reconstruct_tops

COMPONENTS = ("px", "py", "pz", "E")


@dataclass(frozen=True)
class Particle:
    """One object of an event.

    Args:
        name: plain name, used in column names (`px_<name>`).
        label: LaTeX label for figures.
        mass: mass in GeV.
        pdg: code of the Particle Data Group, by which a parton is found in event records.
        branch: of Delphes trees, in which a detector object is found: the hardest one not yet taken.
        charge: of the detector object, if it matters.
        pt: least transverse momentum in GeV that the detector accepts.
        eta: largest |pseudorapidity| that it accepts.
    """

    name: str
    label: str
    mass: float = 0.0
    pdg: int | None = None
    branch: str | None = None
    charge: int | None = None
    pt: float = 0.0
    eta: float = math.inf


@dataclass(frozen=True)
class Mass:
    """An invariant mass of some objects of an event, an observable of tables and figures.

    Args:
        name: plain name.
        label: LaTeX label for figures.
        z, x: names of the objects, by space; none where the mass is not that of a fixed set of them.
    """

    name: str
    label: str
    z: tuple[str, ...] = ()
    x: tuple[str, ...] = ()


@dataclass(frozen=True)
class Process:
    """A physics process: all that readers, representations, tables and figures need to know of it.

    Args:
        name: plain name.
        z, x: the partons and the detector objects, in column order.
        combined: masses that are observables of its events.
        reconstruct: function from x (n, 4 × objects) in GeV to a named tuple of masses (n,), of the names
            in `combined`, where assignments have to be found first.
        matched: how many objects, the last ones of an event, come in an order of their own in x, as jets
            by pT: they are held against the partons they are nearest to. Other objects are in the same
            place in both spaces.
    """

    name: str
    z: tuple[Particle, ...]
    x: tuple[Particle, ...]
    combined: tuple[Mass, ...] = ()
    reconstruct: Callable | None = None
    matched: int = 0

    def columns(self, space: str) -> list[str]:
        """Column names of `space` (`"x"` or `"z"`): px, py, pz, E of each object in turn."""
        return [f"{c}_{particle.name}" for particle in self.particles(space) for c in COMPONENTS]

    def particles(self, space: str) -> tuple[Particle, ...]:
        """The objects of `space`, `"x"` or `"z"`."""
        if space not in ("x", "z"):
            raise ValueError(f"space must be 'x' or 'z', not {space!r}")
        return self.x if space == "x" else self.z

    @property
    def kinds(self) -> dict[str, list[int]]:
        """Indices of the objects that partons leave traces in, by branch, such as `Jet`."""
        places: dict[str, list[int]] = {}
        for i, particle in enumerate(self.x):
            if particle.branch not in (None, "MissingET") and i < len(self.z):
                places.setdefault(str(particle.branch), []).append(i)
        return places

    def masses(self, space: str) -> np.ndarray:
        """Masses in GeV, one per object of `space`."""
        return np.array([particle.mass for particle in self.particles(space)])


# Acceptance as in OTUS (arXiv 2101.08944). u and dbar carry Pythia's constituent mass of 0.33 GeV in the
# hard-process record.
TTBAR = Process(
    name="ttbar",
    z=(
        Particle("e-", "e^-", pdg=11),
        Particle("nubar", r"\bar\nu", pdg=-12),
        Particle("b", "b", 4.8, pdg=5),
        Particle("bbar", r"\bar b", 4.8, pdg=-5),
        Particle("u", "u", 0.33, pdg=2),
        Particle("dbar", r"\bar d", 0.33, pdg=-1),
    ),
    x=(
        Particle("e-", "e^-", branch="Electron", charge=-1, pt=10.0, eta=2.5),
        Particle("met", r"\mathrm{miss}", branch="MissingET"),
        Particle("jet1", r"\mathrm{jet}\,1", branch="Jet", pt=20.0, eta=4.5),
        Particle("jet2", r"\mathrm{jet}\,2", branch="Jet", pt=20.0, eta=4.5),
        Particle("jet3", r"\mathrm{jet}\,3", branch="Jet", pt=20.0, eta=4.5),
        Particle("jet4", r"\mathrm{jet}\,4", branch="Jet", pt=20.0, eta=4.5),
    ),
    combined=(
        Mass("m_tt", r"m_{t\bar t}", ("e-", "nubar", "b", "bbar", "u", "dbar")),
        Mass("m_w_had", r"m_W^\mathrm{had}", ("u", "dbar")),
        Mass("m_w_lep", r"m_W^\mathrm{lep}", ("e-", "nubar")),
        Mass("m_t_lep", r"m_t^\mathrm{lep}", ("e-", "nubar", "bbar")),
        Mass("m_t_had", r"m_t^\mathrm{had}", ("u", "dbar", "b")),
    ),
    reconstruct=reconstruct_tops,
    matched=4,
)

ZEE = Process(
    name="zee",
    z=(Particle("e-", "e^-", pdg=11), Particle("e+", "e^+", pdg=-11)),
    x=(
        Particle("e-", "e^-", branch="Electron", charge=-1, pt=10.0, eta=2.5),
        Particle("e+", "e^+", branch="Electron", charge=1, pt=10.0, eta=2.5),
    ),
    combined=(Mass("m_z", "m_Z", ("e-", "e+"), ("e-", "e+")),),
)
