"""A process is data: the objects of the two spaces, their masses, and where files have them."""

import math
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
class Decay:
    """The decay of a resonance, by which the partons that come from it are told from others of their code.

    Args:
        name: plain name, by which the decay of another resonance lists this one as a daughter.
        pdgid: code of the resonance (Particle Data Group).
        daughters: names of partons, or of other decays.
        mass: of the resonance in GeV, if its peak tells the unit of a file.
    """

    name: str
    pdgid: int
    daughters: tuple[str, ...]
    mass: float | None = None


@dataclass(frozen=True)
class Process:
    """A physics process: all that readers, representations, tables and figures need to know of it.

    Args:
        name: plain name.
        z, x: the partons and the detector objects, in column order.
        decays: of the resonances, see `Decay`. A parton that belongs to none is found by its code alone.
        combined: masses that are observables of its events.
        reconstruct: name of a reconstruction, such as `"tops"`, from x (n, 4 × objects) to masses of the
            names in `combined`, where assignments have to be found first.
        matched: how many objects, the last ones of an event, come in an order of their own in x, as jets
            by pT: they are compared with the partons they are nearest to. Other objects are in the same
            place in both spaces.

    Raises:
        ValueError: for a decay with an unknown daughter, or one that belongs to two decays or to itself.
    """

    name: str
    z: tuple[Particle, ...]
    x: tuple[Particle, ...]
    combined: tuple[Mass, ...] = ()
    reconstruct: str | None = None
    matched: int = 0
    decays: tuple[Decay, ...] = ()

    def __post_init__(self):
        named = [particle.name for particle in self.z] + [decay.name for decay in self.decays]
        if self.decays and (shared := sorted({name for name in named if named.count(name) > 1})):
            raise ValueError(
                f"process {self.name}: partons and decays need names of their own: {shared[0]!r}"
            )
        mother: dict[str, str] = {}
        for decay in self.decays:
            if not decay.daughters:
                raise ValueError(f"process {self.name}: the decay {decay.name!r} has no daughters")
            for daughter in decay.daughters:
                if daughter not in named:
                    raise ValueError(
                        f"process {self.name}: {daughter!r}, a daughter of {decay.name!r}, is neither a "
                        f"parton nor a decay; there are {', '.join(named)}"
                    )
                if daughter in mother:
                    raise ValueError(
                        f"process {self.name}: {daughter!r} is a daughter of {mother[daughter]!r} and of "
                        f"{decay.name!r}; it can come from one decay only"
                    )
                mother[daughter] = decay.name
        for decay in self.decays:
            above: str | None = decay.name
            for _ in self.decays:
                above = mother.get(above) if above else None
            if above:  # more generations than there are decays
                raise ValueError(f"process {self.name}: the decay {decay.name!r} comes from itself")

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
    reconstruct="tops",
    matched=4,
    decays=(
        Decay("t", 6, ("W+", "b"), mass=172.76),
        Decay("W+", 24, ("u", "dbar"), mass=80.379),
        Decay("tbar", -6, ("W-", "bbar"), mass=172.76),
        Decay("W-", -24, ("e-", "nubar"), mass=80.379),
    ),
)

ZEE = Process(
    name="zee",
    z=(Particle("e-", "e^-", pdg=11), Particle("e+", "e^+", pdg=-11)),
    x=(
        Particle("e-", "e^-", branch="Electron", charge=-1, pt=10.0, eta=2.5),
        Particle("e+", "e^+", branch="Electron", charge=1, pt=10.0, eta=2.5),
    ),
    combined=(Mass("m_z", "m_Z", ("e-", "e+"), ("e-", "e+")),),
    decays=(Decay("Z", 23, ("e-", "e+"), mass=91.188),),
)
