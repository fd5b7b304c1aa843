"""A process is data: the objects of the two spaces, their masses, and where files have them."""

from dataclasses import dataclass

import numpy as np

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
    """

    name: str
    label: str
    mass: float = 0.0
    pdg: int | None = None
    branch: str | None = None
    charge: int | None = None


@dataclass(frozen=True)
class Process:
    """A physics process: `z` lists the partons, `x` the detector objects, in column order."""

    name: str
    z: tuple[Particle, ...]
    x: tuple[Particle, ...]

    def columns(self, space: str) -> list[str]:
        """Column names of `space` (`"x"` or `"z"`): px, py, pz, E of each object in turn."""
        return [f"{c}_{particle.name}" for particle in self.particles(space) for c in COMPONENTS]

    def particles(self, space: str) -> tuple[Particle, ...]:
        """The objects of `space`, `"x"` or `"z"`."""
        if space not in ("x", "z"):
            raise ValueError(f"space must be 'x' or 'z', not {space!r}")
        return self.x if space == "x" else self.z

    def masses(self, space: str) -> np.ndarray:
        """Masses in GeV, one per object of `space`."""
        return np.array([particle.mass for particle in self.particles(space)])


# u and dbar carry Pythia's constituent mass of 0.33 GeV in the hard-process record.
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
        Particle("e-", "e^-", branch="Electron", charge=-1),
        Particle("met", r"\mathrm{miss}", branch="MissingET"),
        Particle("jet1", r"\mathrm{jet}\,1", branch="Jet"),
        Particle("jet2", r"\mathrm{jet}\,2", branch="Jet"),
        Particle("jet3", r"\mathrm{jet}\,3", branch="Jet"),
        Particle("jet4", r"\mathrm{jet}\,4", branch="Jet"),
    ),
)
