"""Parts of a process: partons, their decays, detector objects, and the masses of these."""

import math
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import particle
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from mizoo.physics.expression import Expression

Kind = Literal["electron", "muon", "tau", "photon", "jet", "met"]
# Kinds of detector objects by the absolute PDG code of their parton.
_KINDS: dict[int, Kind] = {
    11: "electron",
    13: "muon",
    15: "tau",
    22: "photon",
    12: "met",
    14: "met",
    16: "met",
}
_HADRONIC = (1, 2, 3, 4, 5, 6, 21)

Feature = Literal["btag", "charge"]
FEATURE_VALUES: dict[Feature, tuple[float, float]] = {"btag": (0.0, 1.0), "charge": (-1.0, 1.0)}
"""The values of each feature."""
_FEATURE_KINDS: dict[Feature, tuple[Kind, ...]] = {
    "btag": ("jet",),
    "charge": ("electron", "muon", "tau"),
}

Name = Annotated[str, Field(pattern=r"^[^\s,\"']+$", description="Plain name, used in column names.")]
Label = Annotated[str | None, Field(description="LaTeX label for figures; by default from the code.")]
Mass = Annotated[float | None, Field(ge=0, description="GeV; by default that of the Particle Data Group.")]


def _codes(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


_CODES = WithJsonSchema(
    {
        "anyOf": [
            {"type": "integer"},
            {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        ]
    }
)


class Part(BaseModel):
    """Part of a description, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Parton(Part):
    """An outgoing particle of the hard process."""

    name: Name
    pdgid: Annotated[tuple[int, ...], BeforeValidator(_codes), Field(min_length=1), _CODES]
    """Code of the Particle Data Group, or several, as those of a light quark of any flavour."""
    mass: Mass = None
    label: Label = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ = self.gev, self.latex
        return self

    @property
    def gev(self) -> float:
        """Mass in GeV."""
        return _known(self.pdgid[0], "mass") if self.mass is None else self.mass

    @property
    def latex(self) -> str:
        """LaTeX label."""
        return self.label or _latex(self.pdgid[0])

    @property
    def kind(self) -> Kind | None:
        """Kind of the corresponding detector object; None if it is not known."""
        code = abs(self.pdgid[0])
        return "jet" if code in _HADRONIC else _KINDS.get(code)

    @property
    def charge(self) -> int | None:
        """Charge of a lepton; None for others, whose objects have no charge."""
        code = self.pdgid[0]
        return (-1 if code > 0 else 1) if abs(code) in (11, 13, 15) and len(self.pdgid) == 1 else None


class Decay(Part):
    """A resonance that decays to partons, or to other resonances."""

    name: Name
    pdgid: int
    daughters: Annotated[tuple[str, ...], Field(min_length=2)]
    """Names of partons, or of other decays."""
    mass: Mass = None
    width: Annotated[float | None, Field(gt=0)] = None
    """GeV; by default that of the Particle Data Group."""
    label: Label = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ = self.gev, self.gamma, self.latex
        return self

    @property
    def gev(self) -> float:
        """Mass in GeV."""
        return _known(self.pdgid, "mass") if self.mass is None else self.mass

    @property
    def gamma(self) -> float:
        """Width in GeV."""
        return _known(self.pdgid, "width") if self.width is None else self.width

    @property
    def latex(self) -> str:
        """LaTeX label."""
        return self.label or _latex(self.pdgid)


class DetectorObject(Part):
    """One kind of objects of the detector: one object, a number of them by falling pT, or any number."""

    name: Name
    kind: Kind
    charge: Literal[-1, 1] | None = None
    """Charge, if it tells these objects from others of their kind."""
    count: Annotated[int, Field(ge=1)] | tuple[int, int] = 1
    """Number of objects, or the least and the greatest one, `[2, 10]`."""
    pt: float | str = 0.0
    """Least transverse momentum in GeV, or a formula in `eta`."""
    eta: float = math.inf
    """Largest |pseudorapidity|."""
    cone: Annotated[float, Field(ge=0)] = 0.0
    """Radius of the jet finder; jets are further apart than about this in (η, φ)."""
    components: Literal[2, 3] = 2
    """Of missing momentum: 2, as detectors measure it, or 3."""
    massive: bool = False
    """Whether the objects keep their masses, as jets have them; others are taken as massless."""
    features: tuple[Feature, ...] = ()
    """Further numbers of each object: `btag` of jets, 0 or 1; `charge` of leptons, -1 or 1."""
    label: Label = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.count, tuple) and not 0 <= self.count[0] < self.count[1]:
            raise ValueError(f"count must be a number, or two in ascending order, not {list(self.count)}")
        if self.components == 3 and self.kind != "met":
            raise ValueError("components is for missing momentum only (kind: met)")
        if self.massive and self.kind == "met":
            raise ValueError("missing momentum (kind: met) has no mass")
        for feature in self.features:
            if self.kind not in (kinds := _FEATURE_KINDS[feature]):
                raise ValueError(
                    f"{feature} is a feature of {' and '.join(kinds)}, not of kind {self.kind}"
                )
            if self.features.count(feature) > 1:
                raise ValueError(f"the feature {feature} is listed twice")
        if self.charge is not None and "charge" in self.features:
            raise ValueError(f"the charge of all these objects is {self.charge}: it is no feature")
        if not self.threshold.names <= {"eta"}:
            raise ValueError(f"pt is a number or a formula in eta alone, not {self.pt!r}")
        if self.eta <= 0:
            raise ValueError("eta must be above 0")
        return self

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest number of objects."""
        return (self.count, self.count) if isinstance(self.count, int) else self.count

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the single objects, as many as possible."""
        most = self.range[1]
        return (self.name,) if most == 1 else tuple(f"{self.name}{i + 1}" for i in range(most))

    @cached_property
    def threshold(self) -> Expression:
        """Least transverse momentum in GeV, a formula in `eta`."""
        return Expression(str(self.pt))

    @property
    def latex(self) -> str:
        """LaTeX label."""
        default = {"met": r"\mathrm{miss}", "jet": rf"\mathrm{{{self.name}}}"}
        return self.label or default.get(self.kind) or self.name.replace("-", "^-").replace("+", "^+")

    @property
    def gev(self) -> float:
        """Mass in GeV of objects that keep none of their own."""
        return 0.0


class Observable(Part):
    """An invariant mass of a part of the event, beside those of the decays."""

    name: Name
    of: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of decays and partons."""
    label: Label = None


class Peak(Part):
    """What a reconstructed mass is compared with."""

    decay: str
    mass: Annotated[float, Field(gt=0)]
    """GeV."""
    resolution: Annotated[float, Field(gt=0)]
    """GeV, of the reconstructed mass."""


class Neutrino(Part):
    """What gives the neutrino its momentum along the beam."""

    mass: Annotated[float, Field(gt=0)]
    """GeV, of what decays to it and a charged lepton."""


class Reconstruction(Part):
    """How masses of detector events are reconstructed, where objects have to be assigned to partons.

    Of all assignments the one of least Σ ((m − mass)/resolution)² is taken.
    """

    neutrino: Neutrino | None = None
    peaks: tuple[Peak, ...] = ()


def _known(code: int, what: Literal["mass", "width"]) -> float:
    """Mass or width in GeV of the Particle Data Group; neutrinos are massless."""
    if abs(code) in (12, 14, 16):
        return 0.0
    try:
        value = getattr(particle.Particle.from_pdgid(code), what)
    except (particle.ParticleNotFound, particle.InvalidParticle) as error:
        raise ValueError(f"pdgid {code} is of no particle that is known: give its {what}") from error
    if value is None:
        raise ValueError(f"the {what} of pdgid {code} is not known: give it in GeV")
    return float(value) / 1000.0


def _latex(code: int) -> str:
    try:
        return str(particle.Particle.from_pdgid(code).latex_name).removesuffix("^{0}")
    except (particle.ParticleNotFound, particle.InvalidParticle):
        return str(code)
