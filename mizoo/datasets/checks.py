"""Checks that events can exist, and that momenta are in GeV and in the order px, py, pz, E."""

import math
from collections.abc import Iterator

import numpy as np

from mizoo.datasets.padding import padding_faults
from mizoo.physics.momenta import BEAM, four_momenta, momentum
from mizoo.physics.process import Process

_ROUNDING, _DIGITS = 1e-5, 1e-3  # relative, and in GeV for columns with three decimals
# Ratios of the scale of events to the expected one; wrong units give 1000, heavy resonances 50.
_ABOVE, _BELOW = 300.0, 100.0
_SOFT = 1.0  # GeV, less than any hard process has
_SHARE, _FEW = 0.5, 2  # above both, the columns are wrong rather than single events

_Scale = tuple[str, float, float]  # name, median and expected value in GeV


def faults(array: np.ndarray, process: Process, space: str) -> dict[int, str]:
    """Descriptions of bad events, by index.

    A value is not finite, an energy is too small, or objects and features are wrong, see `padding_faults`.

    Raises:
        ValueError: if the array does not have the columns of the process.
    """
    columns = process.columns(space)
    if array.ndim != 2 or array.shape[1] != len(columns):
        raise ValueError(
            f"{space} of {process.name} must have shape (n, {len(columns)}), "
            f"{described(process, space)}, got {array.shape}"
        )
    energies = np.array([name.startswith("E_") for name in columns])
    found: dict[int, str] = {}
    for wrong, what in (
        (~np.isfinite(array), "not finite"),
        (np.where(energies, array, 0.0) < 0.0, "a negative energy"),
    ):
        for event, column in np.argwhere(wrong):
            found.setdefault(int(event), f"{columns[column]} is {array[event, column]} ({what})")
    padded = padding_faults(array, process) if space == "x" else {}
    return {**padded, **below_momentum(array, process, space), **found}


def described(process: Process, space: str) -> str:
    """The meaning of the columns of a space, for messages."""
    features = {name: None for _, name in process.features} if space == "x" else {}
    return "px py pz E of each object" + "".join(f", then {name}" for name in features)


def invalid(array: np.ndarray, process: Process | None, space: str) -> dict[int, str]:
    """Descriptions of events that cannot exist, in the single precision of models, by index.

    Args:
        array: events (n, …).
        process: process of the events, if they are those of one, (n, 4 × objects) in GeV; otherwise, only
            values that are not finite are found.
        space: `"x"` or `"z"`.
    """
    with np.errstate(over="ignore"):
        values = np.asarray(array, "float32").reshape(len(array), math.prod(array.shape[1:]))
    if process is not None and values.shape[1] == len(process.columns(space)):
        return {**above_beam(values, process, space), **faults(values, process, space)}
    wrong = np.argwhere(~np.isfinite(values))[::-1]  # of several in one event, the first remains
    return {
        int(event): f"column {column} is {values[event, column]} (not finite)" for event, column in wrong
    }


def above_beam(array: np.ndarray, process: Process, space: str) -> dict[int, str]:
    """Descriptions of events with a momentum above the energy of a beam of any collider, by index.

    Args:
        array: events (n, columns), in GeV.
        process: process of the events.
        space: `"x"` or `"z"`.
    """
    momenta, _ = _parts(array, len(process.particles(space)))
    names = [one.name for one in process.particles(space)]
    found: dict[int, str] = {}
    for event, column in np.argwhere(momenta > (1.0 + _ROUNDING) * BEAM):
        what = f"the momentum |p| of {names[column]} is {momenta[event, column]:.4g} GeV"
        found.setdefault(int(event), f"{what}, above {BEAM:g} GeV, the energy of a beam")
    return found


def below_momentum(array: np.ndarray, process: Process, space: str) -> dict[int, str]:
    """Descriptions of events with an energy below the modulus of the momentum, beyond rounding, by index.

    Args:
        array: events (n, columns), in GeV.
        process: process of the events.
        space: `"x"` or `"z"`.
    """
    momenta, energies = _parts(array, len(process.particles(space)))
    with np.errstate(all="ignore"):
        wrong = energies < momenta * (1.0 - _ROUNDING) - _DIGITS
    names = process.columns(space)
    found: dict[int, str] = {}
    for event, column in np.argwhere(wrong):
        energy, momentum = energies[event, column], momenta[event, column]
        what = f"{names[4 * column + 3]} is {energy:.7g}, less than the momentum |p| = {momentum:.7g}"
        found.setdefault(int(event), what)
    return found


def check_columns(found: dict[int, str], count: int, space: str) -> None:
    """Check that only a few events have an energy below the momentum.

    Args:
        found: result of `below_momentum`.
        count: number of all events.
        space: `"x"` or `"z"`.

    Raises:
        ValueError: if more than half of the events have one.
    """
    if len(found) >= _FEW and len(found) > _SHARE * count:
        first = min(found)
        raise ValueError(
            f"{space}, in {len(found)} of {count} events an energy is too small, as in event {first}: "
            f"{found[first]}; px py pz E in GeV expected"
        )


def check_units(array: np.ndarray, process: Process, space: str) -> None:
    """Check the scale of events by masses of resonances and partons, thresholds and the collider energy.

    This finds a factor of 1000, as of MeV or TeV, but no details of a generator or detector.

    Args:
        array: events (n, columns), in GeV; objects of momentum 0 do not count.
        process: process of the events.
        space: `"x"` or `"z"`.

    Raises:
        ValueError: for another scale, with the quantity, its value and the expected one; also if all
            energies are 0.
    """
    if not len(array):
        return
    count = len(process.particles(space))
    values = np.asarray(array, dtype="float64")[:, : 4 * count].reshape(-1, count, 4)
    objects = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    for what, seen, expected in _scales(objects, process, space):
        if seen > _ABOVE * expected:
            raise ValueError(_message(space, what, seen, expected, "MeV"))
        if seen < expected / _BELOW:
            raise ValueError(_message(space, what, seen, expected, "TeV"))
    totals = objects[..., 3].sum(1)
    if not (totals > 0.0).any():
        raise ValueError(f"{space}, all energies are 0")
    total = float(np.median(totals[totals > 0.0]))
    if total > 2.0 * BEAM:
        raise ValueError(_message(space, "the sum of energies", total, 2.0 * BEAM, "MeV", "at most "))
    if total < _SOFT:
        raise ValueError(_message(space, "the sum of energies", total, _SOFT, "TeV", "at least "))


def _message(space: str, what: str, seen: float, expected: float, unit: str, how: str = "about ") -> str:
    return (
        f"{space}, the median of {what} is {seen:.4g}, {how}{expected:g} GeV expected: "
        f"momenta in GeV are needed, and these look like {unit}"
    )


def _scales(objects: np.ndarray, process: Process, space: str) -> Iterator[_Scale]:
    """Names, medians and expected values, in GeV, of quantities with a known scale."""
    there = objects[..., 3] > 0.0
    if space == "x":
        yield from _thresholds(objects, there, process)
        return
    partons = {particle.name: i for i, particle in enumerate(process.z)}
    decays = {decay.name: decay for decay in process.decays}

    def columns(name: str) -> list[int]:
        return (
            [partons[name]] if name in partons else [c for d in decays[name].daughters for c in columns(d)]
        )

    for decay in process.decays:
        rows = there[:, columns(decay.name)].all(1)
        if rows.any():
            sums = objects[rows][:, columns(decay.name)].sum(1)
            yield f"the mass of {decay.name}", float(np.median(momentum(sums).mass)), decay.gev
    for name, column in partons.items():
        # Generators may take partons as massless, and rounding loses small masses.
        mass, rows = process.z[column].gev, there[:, column]
        if mass and rows.any() and (seen := float(np.median(momentum(objects[rows, column]).mass))) > mass:
            energies = objects[rows, column, 3]
            if seen > 10.0 * np.sqrt(1e-7) * float(np.median(energies)):
                yield f"the mass of {name}", seen, mass


def _thresholds(objects: np.ndarray, there: np.ndarray, process: Process) -> Iterator[_Scale]:
    """The object whose pT is nearest to its threshold; wrong units put all objects far away."""
    found = []
    for column, particle in enumerate(process.x):
        rows = there[:, column]
        threshold = float(particle.threshold(np, eta=0.0))
        if threshold and rows.any():
            seen = float(np.median(momentum(objects[rows, column]).pt))
            found.append((f"pT of {particle.name}", seen, threshold))
    if found:
        yield min(found, key=lambda one: abs(np.log(max(one[1], 1e-30) / one[2])))


def _parts(array: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Moduli of the momenta and energies, (n, objects), in double precision."""
    momenta = four_momenta(array, count)
    with np.errstate(all="ignore"):
        return momenta.p, momenta.E
