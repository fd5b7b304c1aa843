"""Processes as data: partons, decays, detector objects, and all else that models and readers need.

A process is written in YAML (`Process.load`) or made in Python, `Process(name=…, partons=[…], …)`. The same
rules check both; `Process.json_schema()` is their JSON schema.
"""

from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from mizoo.physics import description
from mizoo.physics.particles import (
    Decay,
    DetectorObject,
    Feature,
    Kind,
    Label,
    Name,
    Observable,
    Part,
    Parton,
    Reconstruction,
)  # fmt: skip
from mizoo.physics.selection import Selection

COMPONENTS = ("px", "py", "pz", "E")


class Match(NamedTuple):
    """Places of partons and of the objects that they become; of several, the order is not known."""

    kind: Kind
    partons: tuple[int, ...]
    objects: tuple[int, ...]


class Process(Part):
    """A physics process.

    Raises:
        ValueError: for a description that contradicts itself, in one line that names the key.
    """

    name: Name
    label: Label = None
    partons: Annotated[tuple[Parton, ...], Field(min_length=1)]
    """In column order."""
    decays: tuple[Decay, ...] = ()
    """Tell partons from others of their code; a parton of none is found by its code alone."""
    balanced: bool = True
    """Whether the transverse momenta of the partons sum to zero."""
    objects: tuple[DetectorObject, ...] = ()
    """In column order."""
    observables: tuple[Observable, ...] = ()
    """Masses that are observables, beside those of the decays."""
    reconstruction: Reconstruction = Reconstruction()
    select: str | None = None
    """Selection of detector events, see `mizoo.physics.selection`; by default exactly the objects."""

    def __init__(self, **content: Any) -> None:
        try:
            super().__init__(**content)
        except ValidationError as error:
            name = content.get("name", "")
            raise ValueError(f"process {name}: {description.fault(error)}") from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load a process from a YAML file.

        Raises:
            FileNotFoundError: if the file does not exist.
            ValueError: if it is not the description of a process, with file, line and key.
        """
        return description.load(path, cls)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON schema of descriptions, as in the package's `library/process.schema.json`."""
        dialect = "https://json-schema.org/draft/2020-12/schema"
        return {"$schema": dialect, **cls.model_json_schema(), "title": "mizoo process"}

    def to_dict(self) -> dict[str, Any]:
        """The description as plain data, from which `Process(**content)` makes the process again."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @field_validator("partons", "decays")
    @classmethod
    def _check_names(cls, parts: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        _check_distinct([one.name for one in (*info.data.get("partons", ()), *parts)], "partons and decays")
        return parts

    @field_validator("decays")
    @classmethod
    def _check_tree(cls, decays: tuple[Decay, ...], info: ValidationInfo) -> tuple[Decay, ...]:
        masses = {parton.name: parton.gev for parton in info.data.get("partons", ())}
        names = [*masses, *(decay.name for decay in decays)]
        mothers: dict[str, str] = {}
        for decay in decays:
            for daughter in decay.daughters:
                if daughter not in names:
                    raise ValueError(
                        f"{daughter!r}, a daughter of {decay.name!r}, is neither a parton nor a decay; "
                        f"there are {', '.join(names)}"
                    )
                if daughter in mothers:
                    raise ValueError(
                        f"{daughter!r} is a daughter of {mothers[daughter]!r} and of {decay.name!r}; "
                        "it can come from one decay only"
                    )
                mothers[daughter] = decay.name
        for decay in decays:
            above: str | None = decay.name
            for _ in decays:
                above = mothers.get(above) if above else None
            if above:  # more generations than there are decays
                raise ValueError(f"the decay {decay.name!r} comes from itself")
        daughters = {decay.name: decay.daughters for decay in decays}

        def least(name: str) -> float:
            return masses[name] if name in masses else sum(map(least, daughters[name]))

        for decay in decays:
            if decay.gev <= least(decay.name):
                raise ValueError(
                    f"{decay.name!r} has {decay.gev:g} GeV, its daughters have {least(decay.name):g}"
                )
        return decays

    @field_validator("objects")
    @classmethod
    def _check_objects(cls, objects: tuple[DetectorObject, ...]) -> tuple[DetectorObject, ...]:
        _check_distinct([one.name for one in objects], "objects")
        _check_distinct([name for one in objects for name in one.names], "objects")
        if sum(one.kind == "met" for one in objects) > 1 or any(
            one.kind == "met" and one.count != 1 for one in objects
        ):
            raise ValueError("there can be one missing momentum only")
        charged = {one.kind for one in objects if one.charge is not None}
        for one in objects:
            if one.kind in charged and one.charge is None:
                raise ValueError(f"either all objects of kind {one.kind} have a charge or none has")
        for one, later in combinations(objects, 2):
            if (one.kind, one.charge) == (later.kind, later.charge) and not isinstance(one.count, int):
                raise ValueError(
                    f"the number of {one.name!r} is variable, so that {later.name!r}, of the same kind, "
                    "cannot follow"
                )
        return objects

    @field_validator("observables")
    @classmethod
    def _check_observables(
        cls, observables: tuple[Observable, ...], info: ValidationInfo
    ) -> tuple[Observable, ...]:
        known = [one.name for key in ("partons", "decays") for one in info.data.get(key, ())]
        for observable in observables:
            for name in observable.of:
                if name not in known:
                    raise ValueError(f"{name!r} of {observable.name!r} is neither a parton nor a decay")
        own = [observable.name for observable in observables]
        _check_distinct([*own, *(f"m_{one.name}" for one in info.data.get("decays", ()))], "observables")
        return observables

    @field_validator("reconstruction")
    @classmethod
    def _check_peaks(cls, reconstruction: Reconstruction, info: ValidationInfo) -> Reconstruction:
        known = [decay.name for decay in info.data.get("decays", ())]
        for peak in reconstruction.peaks:
            if peak.decay not in known:
                raise ValueError(f"there is no decay {peak.decay!r}; there are {', '.join(known)}")
        return reconstruction

    @field_validator("select")
    @classmethod
    def _check_select(cls, select: str | None) -> str | None:
        if select is not None:
            Selection(select)
        return select

    @cached_property
    def z(self) -> tuple[Parton, ...]:
        """The partons."""
        return self.partons

    @cached_property
    def x(self) -> tuple[DetectorObject, ...]:
        """The detector objects, one by one; as many as possible, where their number is variable."""
        found: list[DetectorObject] = []
        for one in self.objects:
            for i, name in enumerate(one.names):
                label = one.label or (None if name == one.name else rf"\mathrm{{{one.name}}}\,{i + 1}")
                found.append(one.model_copy(update={"name": name, "count": 1, "label": label}))
        return tuple(found)

    @cached_property
    def places(self) -> dict[str, tuple[int, ...]]:
        """Places in `x` of the objects of each entry of `objects`, by its name."""
        ends = np.cumsum([0, *(one.range[1] for one in self.objects)]).tolist()
        spans = zip(self.objects, ends[:-1], ends[1:], strict=True)
        return {one.name: tuple(range(start, stop)) for one, start, stop in spans}

    @cached_property
    def optional(self) -> tuple[int, ...]:
        """Places in `x` of the objects that an event may lack."""
        return tuple(p for one in self.objects for p in self.places[one.name][one.range[0] :])

    @cached_property
    def features(self) -> tuple[tuple[int, Feature], ...]:
        """Places in `x` and names of the features, object after object, in column order."""
        return tuple((place, name) for place, one in enumerate(self.x) for name in one.features)

    def particles(self, space: str) -> tuple[Parton | DetectorObject, ...]:
        """The objects of `space`, `"x"` or `"z"`."""
        if space not in ("x", "z"):
            raise ValueError(f"space must be 'x' or 'z', not {space!r}")
        return self.x if space == "x" else self.z

    def columns(self, space: str) -> list[str]:
        """Column names of `space` (`"x"` or `"z"`): px, py, pz, E of each object in turn.

        After the momenta of all objects of x come their `features`.
        """
        momenta = [f"{c}_{particle.name}" for particle in self.particles(space) for c in COMPONENTS]
        features = self.features if space == "x" else ()
        return momenta + [f"{name}_{self.x[place].name}" for place, name in features]

    def present(self, x: ArrayLike) -> np.ndarray:
        """Whether objects exist in events, (n, objects); True for those that always do.

        Args:
            x: events (n, columns), or their momenta alone, (n, 4 × objects), in GeV. Objects that an event
                lacks are zeros.
        """
        array = np.asarray(x)
        momenta = array[:, : 4 * len(self.x)].reshape(len(array), len(self.x), 4)
        found: np.ndarray = (momenta != 0.0).any(-1)
        found[:, [place for place in range(len(self.x)) if place not in self.optional]] = True
        return found

    def masses(self, space: str) -> tuple[float, ...]:
        """Masses in GeV, one per object of `space`."""
        return tuple(particle.gev for particle in self.particles(space))

    @property
    def has_fixed_counts(self) -> bool:
        """Whether each event has the same number of detector objects."""
        return all(isinstance(one.count, int) for one in self.objects)

    def at_most(self, most: int | None = None) -> "Process":
        """The process with as many objects as possible in each event, and without features.

        Args:
            most: greatest number of the objects of a kind whose number varies.
        """
        objects = []
        for one in self.objects:
            count = one.count if isinstance(one.count, int) else min(one.range[1], most or one.range[1])
            objects.append(one.model_copy(update={"count": count, "features": ()}))
        return Process(**{**self.to_dict(), "objects": [one.model_dump() for one in objects]})

    def check_plain(self, what: str) -> None:
        """Check that x is made of the momenta of a fixed number of objects, without features.

        Args:
            what: what cannot take other events, for the message.

        Raises:
            ValueError: if it is not.
        """
        for one in self.objects:
            if not isinstance(one.count, int):
                least, most = one.count
                raise ValueError(
                    f"{what} needs a fixed number of objects, and {self.name} has {least} to {most} of "
                    f"{one.name}"
                )
            if one.features:
                raise ValueError(
                    f"{what} takes momenta alone, and {one.name} of {self.name} has the feature "
                    f"{one.features[0]}"
                )

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Names of the decays and partons that come from no decay."""
        daughters = {name for decay in self.decays for name in decay.daughters}
        names = [*(decay.name for decay in self.decays), *(parton.name for parton in self.partons)]
        return tuple(name for name in names if name not in daughters)

    def decay(self, name: str) -> Decay | None:
        """The decay of this name; None for a parton."""
        return next((decay for decay in self.decays if decay.name == name), None)

    def leaves(self, name: str) -> tuple[int, ...]:
        """Places of the partons that a decay ends in, or the place of a parton."""
        if (decay := self.decay(name)) is None:
            return (next(i for i, parton in enumerate(self.partons) if parton.name == name),)
        return tuple(leaf for daughter in decay.daughters for leaf in self.leaves(daughter))

    @cached_property
    def systems(self) -> dict[str, tuple[int, ...]]:
        """Places of the partons whose masses are observables, by name, as `m_` and the name of a decay."""
        found = [(f"m_{decay.name}", self.leaves(decay.name)) for decay in self.decays]
        found += [(o.name, tuple(i for n in o.of for i in self.leaves(n))) for o in self.observables]
        whole = tuple(range(len(self.partons)))
        if len(self.roots) > 1 and all(set(places) != set(whole) for _, places in found):
            found.append(("m_all", whole))
        return dict(sorted(found, key=lambda one: len(one[1]) != len(whole)))

    def label_of(self, observable: str) -> str:
        """LaTeX label of one of the masses in `systems`."""
        for named in self.observables:
            if named.name == observable:
                return named.label or "m_{" + "".join(map(self._latex, named.of)) + "}"
        if (decay := self.decay(observable.removeprefix("m_"))) is not None:
            return f"m_{{{decay.latex}}}"
        return f"m_{{{self.label}}}" if self.label else "m"

    def _latex(self, name: str) -> str:
        return (self.decay(name) or self.partons[self.leaves(name)[0]]).latex

    @cached_property
    def matches(self) -> tuple[Match, ...]:
        """Partons and the objects that they become, by kind and, for leptons, by charge.

        Partons and objects without counterpart are left out, as is missing momentum for several neutrinos.
        """
        charged = {o.kind for o in self.x if o.charge is not None}
        groups: dict[tuple[Any, ...], tuple[list[int], list[int]]] = {}
        for space, which in (("z", 0), ("x", 1)):
            for place, one in enumerate(self.particles(space)):
                if one.kind is not None:
                    key = (one.kind, one.charge if one.kind in charged else None)
                    groups.setdefault(key, ([], []))[which].append(place)
        return tuple(
            Match(kind, tuple(partons), tuple(objects))
            for (kind, _), (partons, objects) in groups.items()
            if partons and objects and (len(partons) == len(objects) == 1 or kind != "met")
        )

    def partner(self, parton: int, ordered: bool = True) -> int | None:
        """Place of the object that a parton becomes; None if there is none or it is ambiguous.

        Objects of one kind need not be distinguished if all come from the same decay.

        Args:
            parton: place of the parton.
            ordered: whether objects of a kind are in order of falling pT, as in data. Otherwise they are in
                the order of their partons, so that each is known.
        """
        for match in self.matches:
            if parton in match.partons and len(match.partons) == len(match.objects):
                mothers = {self._mother(name) for name in (self.partons[i].name for i in match.partons)}
                alike = len(mothers) == 1 and match.kind != "met"
                if len(match.partons) == 1 or alike or not ordered:
                    return match.objects[match.partons.index(parton)]
        return None

    def _mother(self, name: str) -> str | None:
        return next((decay.name for decay in self.decays if name in decay.daughters), None)

    @property
    def ordered(self) -> tuple[tuple[int, ...], ...]:
        """Places of objects in order of falling pT, for each kind and charge with more than one object."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for place, one in enumerate(self.x):
            groups.setdefault((one.kind, one.charge), []).append(place)
        return tuple(tuple(places) for places in groups.values() if len(places) > 1)


def _check_distinct(names: list[str], what: str) -> None:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{what} need names of their own: {repeated[0]!r}")
