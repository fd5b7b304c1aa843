"""Names of columns in a user's own files: flat or jagged trees, Parquet, CSV, HDF5."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from mizoo.physics import description
from mizoo.physics.particles import Kind, Part

Column = Annotated[str, Field(min_length=1)] | None


class Momentum(Part):
    """Columns of momenta, either pt, eta, phi or px, py, pz, and of the energy or the mass.

    A column has a list per event or, for single objects, one value.
    """

    pt: Column = None
    eta: Column = None
    """Omitted for missing momentum with two components."""
    phi: Column = None
    """In radians."""
    px: Column = None
    py: Column = None
    pz: Column = None
    """Omitted for missing momentum with two components."""
    E: Column = None
    mass: Column = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        polar, cartesian = (self.pt, self.eta, self.phi), (self.px, self.py, self.pz)
        if any(polar) == any(cartesian) or not ((self.pt and self.phi) or (self.px and self.py)):
            raise ValueError("either pt, eta, phi or px, py, pz are needed")
        if self.E and self.mass:
            raise ValueError("either E or mass, not both")
        return self

    @property
    def longitudinal(self) -> str | None:
        """The column of the component along the beam."""
        return self.eta or self.pz

    def named(self) -> dict[str, str]:
        """The columns by quantity."""
        return self.model_dump(exclude_none=True)


class ObjectColumns(Momentum):
    """Columns of detector objects."""

    charge: Column = None
    """Only the sign is used."""
    btag: Column = None
    """For selections, and for the feature `btag`, for which it is 0 or 1."""
    btag_threshold: float | None = None
    """Least value of `btag` of jets that are b-tagged: `btag` is then 1 for these, and 0 for others."""

    @model_validator(mode="after")
    def _check_threshold(self) -> Self:
        if self.btag_threshold is not None and self.btag is None:
            raise ValueError("btag_threshold needs a column btag")
        return self

    def named(self) -> dict[str, str]:
        """The columns by quantity."""
        return self.model_dump(exclude_none=True, exclude={"btag_threshold"})


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


OneOrMore = Annotated[tuple[ObjectColumns, ...], BeforeValidator(_listed), Field(min_length=1)]


class Columns(Part):
    """Names and units of the columns of a file; by default the names of NanoAOD.

    The objects of a process are the hardest ones of each kind, by falling pT.

    Raises:
        ValueError: for an invalid description, in one line that names the key.
    """

    tree: str = "Events"
    """Name of the tree of ROOT files, or of the group or table of HDF5 files."""
    unit: Literal["GeV", "MeV"] = "GeV"
    """Unit of momenta, energies and masses."""
    x: dict[str, OneOrMore] | None = None
    """Detector objects by kind (`electron`, `jet`, …) or by the name of a process's objects; a list, if
    single objects have columns of their own."""
    z: Annotated[dict[str, Momentum], Field(default_factory=dict)]
    """Partons by name."""
    weight: Column = None
    """By default `weight` or `genWeight`, if there is one."""
    event: Annotated[str, Field(min_length=1)] = "event"
    """Number of the event, by which events of two files are matched."""

    def __init__(self, **content: Any) -> None:
        try:
            super().__init__(**content)
        except ValidationError as error:
            raise ValueError(f"columns: {description.fault(error)}") from error

    @property
    def gev(self) -> float:
        """The unit in GeV."""
        return 1.0 if self.unit == "GeV" else 1e-3

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load the columns of a YAML file.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: for an invalid description of columns; it names file, line and key.
        """
        return description.load(path, cls)

    @classmethod
    def of(cls, given: "Columns | Mapping[str, Any] | str | Path") -> "Columns":
        """Convert `Columns`, a dictionary or the path of a YAML file to `Columns`.

        Raises:
            FileNotFoundError, ValueError: as `load` does.
        """
        if isinstance(given, Columns):
            return given
        if isinstance(given, Mapping):
            return cls(**given)
        if isinstance(given, str | Path):
            return cls.load(given)
        raise ValueError(f"columns are a path or a dictionary, not a {type(given).__name__}")


def _nano(kind: str, *fields: str) -> ObjectColumns:
    return ObjectColumns.model_validate({field: f"{kind}_{field}" for field in ("pt", "phi", *fields)})


NANOAOD: dict[Kind, ObjectColumns] = {
    "electron": _nano("Electron", "eta", "mass", "charge"),
    "muon": _nano("Muon", "eta", "mass", "charge"),
    "tau": _nano("Tau", "eta", "mass", "charge"),
    "photon": _nano("Photon", "eta"),
    "jet": _nano("Jet", "eta", "mass").model_copy(update={"btag": "Jet_btagDeepFlavB"}),
    "met": _nano("MET"),
}


def _delphes(branch: str, modulus: str = "PT", **more: str) -> ObjectColumns:
    fields = {"pt": modulus, "eta": "Eta", "phi": "Phi", **more}
    return ObjectColumns.model_validate({field: f"{branch}.{name}" for field, name in fields.items()})


DELPHES: dict[Kind, ObjectColumns] = {
    "electron": _delphes("Electron", charge="Charge"),
    "muon": _delphes("Muon", charge="Charge"),
    "photon": _delphes("Photon"),
    "jet": _delphes("Jet", mass="Mass", btag="BTag"),
    "met": _delphes("MissingET", modulus="MET"),
}
KINDS: tuple[Kind, ...] = get_args(Kind)


def missing(absent: list[str], there: list[str], word: str = "column") -> str:
    """Message on the missing columns of a file, with similar names.

    Args:
        absent: names of the missing columns.
        there: names of the existing columns.
        word: word for a column.
    """
    near = get_close_matches(absent[0], there, n=3)
    return f"no {word} {', '.join(absent)}" + (f"; there is {', '.join(near)}" if near else "")
