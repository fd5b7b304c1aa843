"""A process is data: the objects of the two spaces, their masses and their thresholds."""

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
    """

    name: str
    label: str
    mass: float = 0.0


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
        Particle("e-", "e^-"),
        Particle("nubar", r"\bar\nu"),
        Particle("b", "b", 4.8),
        Particle("bbar", r"\bar b", 4.8),
        Particle("u", "u", 0.33),
        Particle("dbar", r"\bar d", 0.33),
    ),
    x=(
        Particle("e-", "e^-"),
        Particle("met", r"\mathrm{miss}"),
        Particle("jet1", r"\mathrm{jet}\,1"),
        Particle("jet2", r"\mathrm{jet}\,2"),
        Particle("jet3", r"\mathrm{jet}\,3"),
        Particle("jet4", r"\mathrm{jet}\,4"),
    ),
)
