"""Detector objects of whole events from jagged columns: the hardest of each kind."""

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
import vector

from mizoo.core.optional import extra
from mizoo.datasets.readers.angles import AngleKind, Angles, check_angles
from mizoo.datasets.readers.columns import KINDS, Columns, ObjectColumns
from mizoo.datasets.readers.selection import Select, as_listed, passing
from mizoo.physics.momenta import cartesian
from mizoo.physics.particles import DetectorObject, Feature, Kind
from mizoo.physics.process import Process
from mizoo.physics.selection import Selection

_BELOW = 100.0  # ratio of a threshold to objects in another unit
_WITH_UNITS = ("pt", "px", "py", "pz", "E", "mass")
_ANGLES: tuple[AngleKind, ...] = ("eta", "phi")


class SurplusObjects(UserWarning):
    """Warns of events that were left out as they have more objects than the process allows."""


@dataclass(frozen=True)
class _Collection:
    """Columns, by quantity, of the objects of a kind, all or those of one charge."""

    kind: Kind
    fields: Mapping[str, str]
    charge: int | None = None
    btag_threshold: float | None = None


class Objects:
    """Reads the detector objects of a process.

    Args:
        process: process whose objects are read.
        select: selection of events; by default that of the process, or events with exactly its objects.
        columns: names of the columns.
        default: columns of the kinds that `columns` does not name.
        there: names of the existing columns.
        counted: kinds whose columns a selection other than a formula needs.

    Attributes:
        missing: needed columns that do not exist.
    """

    def __init__(
        self,
        process: Process,
        select: Select | None,
        columns: Columns,
        default: Mapping[Kind, ObjectColumns],
        there: Iterable[str],
        counted: Iterable[Kind] = (),
    ) -> None:
        self.process, self.columns = process, columns
        self.select: Select = select or process.select or as_listed
        self._there = set(there)
        self._surplus: dict[str, int] = {}  # events with too many objects, by the name of the objects
        self.missing: list[str] = []
        self._collections = self._found(default, set(counted))

    @property
    def names(self) -> list[str]:
        """Names of the columns that are read."""
        return list(dict.fromkeys(name for one in self._collections for name in one.fields.values()))

    def read(self, events: Any, source: str, word: str) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
        """Objects of some events.

        Args:
            events: awkward array with the columns as fields.
            source: name of the file, for warnings.
            word: word for a column, in messages.

        Returns:
            x (n, columns) in GeV, massless unless the process says otherwise, with zeros for missing
            optional objects; a mask of wanted events, (n,); and faults by event.

        Raises:
            ValueError: for columns that hold no such objects, or a selection that fails.
        """
        parts: dict[Kind, list[Any]] = {}
        angles: list[Angles] = []
        for one in self._collections:
            array, of_one = self._array(events, one, word)
            parts.setdefault(one.kind, []).append(array)
            angles += of_one
        bad = check_angles(angles, source)
        objects: dict[str, Any] = {k: self._ordered(k, parts[k]) for k in KINDS if k in parts}
        wanted = passing(self.select, objects, self.process, len(events))
        return self._rows(objects, wanted), wanted, bad

    def finish(self, source: str) -> None:
        """Warn of selected events that were left out for too many objects."""
        for one in self.process.objects:
            if count := self._surplus.get(one.name):
                warnings.warn(
                    f"{source}: {count} selected events left out, with more than {one.range[1]} of "
                    f"{one.name}, the most that {self.process.name} allows",
                    SurplusObjects,
                    2,
                )

    def _found(self, default: Mapping[Kind, ObjectColumns], counted: set[Kind]) -> list[_Collection]:
        """Collections of columns by kind: given ones, then those by default."""
        own: dict[Kind, list[_Collection]] = {}
        by_name = {one.name: one for one in self.process.objects}
        by_kind: dict[str, Kind] = {kind: kind for kind in KINDS}
        for key, listed in (self.columns.x or {}).items():
            if key not in by_kind and key not in by_name:
                raise ValueError(
                    f"columns of {key!r}, which is neither an object of {self.process.name} nor a kind of "
                    f"objects; there are {', '.join((*by_name, *KINDS))}"
                )
            named = by_name.get(key)
            of_key = by_kind[key] if named is None else named.kind
            charge = None if named is None else named.charge
            for given in listed:
                self._check(given, of_key)
                self._need(given.named().values())
                one = _Collection(of_key, given.named(), charge, given.btag_threshold)
                own.setdefault(of_key, []).append(one)
        of_process = {one.kind for one in self.process.objects}
        looked_at = set(Selection(self.select).kinds) if isinstance(self.select, str) else counted
        needed = of_process | looked_at
        for kind in sorted(needed | set(default), key=KINDS.index):
            if kind in own:
                continue
            if kind not in default:
                raise ValueError(f"no columns of objects of the kind {kind} are known")
            fields = {
                field: name for field, name in default[kind].named().items() if self._has(kind, field, name)
            }
            if kind in needed:
                self._need(fields.values())
            if all(name in self._there for name in fields.values()):
                own[kind] = [_Collection(kind, fields)]
        for kind in of_process:
            for field in self._further(kind):
                for one in own.get(kind, ()):
                    if field not in one.fields and (field != "charge" or one.charge is None):
                        raise ValueError(
                            f"the {kind}s of {self.process.name} need a column of their {field}"
                        )
        return [one for kind in KINDS for one in own.get(kind, ())]

    def _has(self, kind: Kind, field: str, name: str) -> bool:
        """Whether a column by default is read; columns that momenta do not need may be missing."""
        if field == "eta" and kind == "met":
            return self._components == 3
        return field in ("pt", "eta", "phi", *self._further(kind)) or name in self._there

    def _further(self, kind: Kind) -> set[str]:
        """Fields beyond directions and transverse momenta that the objects of a kind need."""
        of_kind = [one for one in self.process.objects if one.kind == kind]
        found = {feature for one in of_kind for feature in one.features}
        return found | ({"charge"} if any(one.charge is not None for one in of_kind) else set())

    @property
    def _components(self) -> Literal[2, 3]:
        return next((one.components for one in self.process.objects if one.kind == "met"), 2)

    def _check(self, given: ObjectColumns, kind: Kind) -> None:
        """Check that columns have the direction along the beam if and only if the process does."""
        if kind == "met":
            if self._components == 2 and given.longitudinal:
                raise ValueError(
                    f"missing momentum of {self.process.name} has two components: leave the column "
                    f"{given.longitudinal} out, or say components: 3"
                )
            if self._components == 3 and not given.longitudinal:
                raise ValueError(
                    f"missing momentum of {self.process.name} has three components: eta or pz is needed"
                )
        elif not given.longitudinal:
            raise ValueError(f"columns of {kind}: eta or pz is needed")

    def _need(self, names: Iterable[str]) -> None:
        self.missing += [n for n in names if n not in self._there and n not in self.missing]

    def _array(self, events: Any, one: _Collection, word: str) -> tuple[Any, list[Angles]]:
        """Objects of a collection, in polar coordinates and GeV, and their angles for the checks."""
        ak = extra("awkward", "reading whole events")
        lists = {field: _lists(events[name], name, word) for field, name in one.fields.items()}
        (first, (counts, _, padded)), *others = lists.items()
        for field, (also, _, _) in others:
            if len(wrong := np.flatnonzero(counts != also)):
                raise ValueError(
                    f"{word}s {one.fields[first]} and {one.fields[field]} have {counts[wrong[0]]} and "
                    f"{also[wrong[0]]} objects in event {wrong[0]}"
                )
        unit = self.columns.gev
        flat = {f: values * unit if f in _WITH_UNITS else values for f, (_, values, _) in lists.items()}
        polar = _polar(flat)
        if one.btag_threshold is not None:
            polar["btag"] = np.where(polar["btag"] >= one.btag_threshold, 1.0, 0.0 * polar["btag"])
        if "btag" in polar and any(
            "btag" in o.features for o in self.process.objects if o.kind == one.kind
        ):
            self._check_tags(polar["btag"], counts, f"{word} {one.fields['btag']}")
        if one.charge is not None:
            polar["charge"] = np.full(len(polar["pt"]), float(one.charge))
        if padded:  # a table has nothing, or zeros, for missing objects
            there = np.isfinite(polar["pt"]) & ((polar["pt"] != 0.0) | (one.kind == "met"))
            event = np.repeat(np.arange(len(counts)), counts)[there]
            polar = {field: values[there] for field, values in polar.items()}
            counts = np.bincount(event, minlength=len(counts))
        angles: list[Angles] = []
        if "phi" in one.fields:
            event = np.repeat(np.arange(len(counts)), counts)
            for field in _ANGLES:
                if field in one.fields and (one.kind != "met" or field == "phi"):
                    angles.append(Angles(event, polar[field], field, f"{word} {one.fields[field]}"))
        return ak.unflatten(ak.zip(polar), counts), angles

    def _check_tags(self, tags: np.ndarray, counts: np.ndarray, name: str) -> None:
        """Check that b-tags are 0 or 1, rather than a discriminant."""
        if len(other := np.flatnonzero((tags != 0.0) & (tags != 1.0) & np.isfinite(tags))):
            event = np.searchsorted(np.cumsum(counts), other[0], side="right")
            raise ValueError(
                f"{name} is {tags[other[0]]:.4g} in event {event} of those read at once, 0 or 1 expected: "
                "a discriminant needs a btag_threshold"
            )

    def _ordered(self, kind: Kind, parts: Sequence[Any]) -> Any:
        """All objects of a kind in the acceptance, by falling pT."""
        ak = extra("awkward", "reading whole events")
        shared = [field for field in parts[0].fields if all(field in part.fields for part in parts)]
        found = ak.concatenate([part[shared] for part in parts], axis=1) if len(parts) > 1 else parts[0]
        counts = ak.num(found)
        seen = [field for field in ("pt", "eta", "charge") if field in shared]
        flat: dict[str, np.ndarray] = {field: ak.to_numpy(ak.flatten(found[field])) for field in seen}
        definitions = [one for one in self.process.objects if one.kind == kind]
        _check_unit(flat["pt"], min((one.threshold(np, eta=0.0) for one in definitions), default=0.0), kind)
        inside = np.full(len(flat["pt"]), not definitions)
        for one in definitions:
            with np.errstate(all="ignore"):  # values that are not finite are reported later
                outside = flat["pt"] < one.threshold(np, eta=flat["eta"])
                if kind != "met":
                    outside |= np.abs(flat["eta"]) > one.eta
            if one.charge is not None:
                outside |= np.sign(flat["charge"]) != one.charge
            inside |= ~outside
        found = found[ak.unflatten(inside, counts)]
        return found[ak.argsort(found["pt"], ascending=False)]

    def _rows(self, objects: Mapping[str, Any], wanted: np.ndarray) -> np.ndarray:
        """x of the hardest objects; events that lack one, or have too many, become unwanted."""
        ak = extra("awkward", "reading whole events")
        rows = np.zeros((len(wanted), len(self.process.x), 4))
        features: list[np.ndarray] = []
        surplus: dict[str, np.ndarray] = {}
        taken: dict[tuple[Kind, int | None], int] = {}
        column = 0
        for one in self.process.objects:
            of_kind = objects[one.kind]
            if one.charge is not None:
                of_kind = of_kind[np.sign(of_kind["charge"]) == one.charge]
            least, most = one.range
            there = ak.to_numpy(ak.num(of_kind))
            if least < most:
                surplus[one.name] = there > taken.get((one.kind, one.charge), 0) + most
            for number in range(most):
                rank = taken.get(group := (one.kind, one.charge), 0)
                taken[group] = rank + 1
                if number < least:
                    wanted &= there > rank
                of_rank = ak.pad_none(of_kind, rank + 1)[:, rank]
                rows[:, column] = _momenta(of_rank, one, ak)
                features += [_feature(of_rank, feature, ak) for feature in one.features]
                column += 1
        for name, too_many in surplus.items():
            self._surplus[name] = self._surplus.get(name, 0) + int((wanted & too_many).sum())
            wanted &= ~too_many
        momenta = rows.reshape(len(rows), math.prod(rows.shape[1:]))
        return np.concatenate([momenta, *(values[:, None] for values in features)], 1)


def _check_unit(pt: np.ndarray, threshold: float, kind: Kind) -> None:
    """Check that most objects are not far below their threshold, as in another unit: none would be left."""
    if len(pt) and (seen := float(np.nanmedian(pt))) < threshold / _BELOW:
        raise ValueError(
            f"x, the median of pT of all {kind}s is {seen:.4g}, about {threshold:g} GeV expected: "
            "momenta in GeV are needed, and these look like TeV"
        )


def _momenta(objects: Any, one: DetectorObject, ak: ModuleType) -> np.ndarray:
    """Momenta (n, 4) in GeV of an object per event, zeros where there is none."""
    fields = ("pt", "phi", "eta", "mass") if one.massive else ("pt", "phi", "eta")
    if one.massive and "mass" not in ak.fields(objects):
        raise ValueError(f"{one.name} is massive, but no column has its mass")
    found = {field: ak.to_numpy(ak.fill_none(objects[field], 0.0)) for field in fields}
    with np.errstate(all="ignore"):
        return cartesian(vector.MomentumNumpy4D({"mass": np.zeros(len(objects)), **found}))


def _feature(objects: Any, feature: Feature, ak: ModuleType) -> np.ndarray:
    """A feature (n,) of an object per event, 0 where there is none."""
    values = np.asarray(ak.to_numpy(ak.fill_none(objects[feature], 0.0)))
    return np.sign(values) if feature == "charge" else values


def _polar(flat: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Convert columns to pt, eta and phi, and to the mass, if they determine it."""
    found = {
        field: flat[field] for field in ("pt", "eta", "phi", "charge", "btag", "mass") if field in flat
    }
    with np.errstate(all="ignore"):
        if "px" in flat:
            found["pt"], found["phi"] = np.hypot(flat["px"], flat["py"]), np.arctan2(flat["py"], flat["px"])
            if "pz" in flat:
                found["eta"] = np.where(flat["pz"] == 0.0, 0.0, np.arcsinh(flat["pz"] / found["pt"]))
        found.setdefault("eta", np.zeros(len(found["pt"])))
        if "E" in flat:
            momentum = found["pt"] * np.cosh(found["eta"])
            found["mass"] = np.sqrt(np.maximum(flat["E"] ** 2 - momentum**2, 0.0))
    return found


def _lists(values: Any, name: str, word: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Numbers of objects per event, all values, and whether these include values of missing objects."""
    ak = extra("awkward", "reading whole events")
    if values.ndim > 2:
        raise ValueError(f"{word} {name} must have a list or a value per event, is {values.type}")
    if values.ndim == 1:
        flat, counts, padded = values, np.ones(len(values), "int64"), True
    else:
        padded = "var" not in str(values.type)
        values = ak.fill_none(values, [], axis=0)
        counts = ak.to_numpy(ak.num(values))
        flat = ak.flatten(values)
    numbers = ak.to_numpy(ak.fill_none(flat, np.nan)) if len(flat) else np.zeros(0)
    if numbers.dtype.kind not in "fiub":
        raise ValueError(f"{word} {name} must be of real numbers, is {values.type}")
    return counts, numbers.astype("float64"), padded
