"""Checks that momenta are in GeV, and in the order px, py, pz, E."""

import numpy as np

from mizoo.physics.process import Process

_ROUNDING, _DIGITS = 1e-5, 1e-3  # relative, and in GeV: that of columns with three decimals
# Between the scale of events and the expected one; wrong units are 1000 apart, heavy resonances 50.
_ABOVE, _BELOW = 300.0, 100.0
_COLLIDER = 20_000.0  # GeV, more than the Large Hadron Collider has
_SOFT = 1.0  # GeV, less than any hard process has
_SHARE, _FEW = 0.5, 2  # of events that are wrong one by one; where there are more, the columns are


def below_momentum(array: np.ndarray, process: Process, space: str) -> dict[int, str]:
    """Events with an energy below the modulus of the momentum, beyond rounding, by their number.

    Args:
        array: (n, 4 × objects), px py pz E of each, in GeV.
        process: whose columns these are.
        space: `"x"` or `"z"`.
    """
    momenta, energies = _parts(array)
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
    """Check that what is wrong with events is wrong with a few of them only.

    Args:
        found: of `below_momentum`.
        count: of all events.
        space: `"x"` or `"z"`.

    Raises:
        ValueError: if it is more than half of them.
    """
    if len(found) >= _FEW and len(found) > _SHARE * count:
        first = min(found)
        raise ValueError(
            f"{space}, in {len(found)} of {count} events an energy is too small, as in event {first}: "
            f"{found[first]}; px py pz E in GeV expected"
        )


def check_units(array: np.ndarray, process: Process, space: str) -> None:
    """Check the scale of events: masses of resonances and partons, thresholds, the energy of a collider.

    A factor of 1000, as of MeV or TeV, is found; details of a generator or detector are not.

    Args:
        array: (n, 4 × objects), px py pz E of each, in GeV; objects of momentum 0 do not count.
        process: whose events these are.
        space: `"x"` or `"z"`.

    Raises:
        ValueError: it names what was looked at, what was seen and what was expected; also if no object has
            any energy.
    """
    if not len(array):
        return
    values = np.nan_to_num(np.asarray(array, dtype="float64"), posinf=0.0, neginf=0.0)
    objects = values.reshape(len(values), -1, 4)
    for what, seen, expected in _scales(objects, process, space):
        if seen > _ABOVE * expected:
            raise ValueError(_message(space, what, seen, expected, "MeV"))
        if seen < expected / _BELOW:
            raise ValueError(_message(space, what, seen, expected, "TeV"))
    total = objects[..., 3].sum(1)
    if not (total > 0.0).any():
        raise ValueError(f"{space}, all energies are 0")
    total = float(np.median(total[total > 0.0]))
    if total > _COLLIDER:
        raise ValueError(_message(space, "the sum of energies", total, _COLLIDER, "MeV", "at most "))
    if total < _SOFT:
        raise ValueError(_message(space, "the sum of energies", total, _SOFT, "TeV", "at least "))


def _message(space, what, seen, expected, unit, how="about "):
    return (
        f"{space}, the median of {what} is {seen:.4g}, {how}{expected:g} GeV expected: "
        f"momenta in GeV are needed, and these look like {unit}"
    )


def _scales(objects, process, space):
    """What has a scale: names, medians and expected values in GeV."""
    there = objects[..., 3] > 0.0
    if space == "x":
        yield from _thresholds(objects, there, process)
        return
    partons = {particle.name: i for i, particle in enumerate(process.z)}
    decays = {decay.name: decay for decay in process.decays}

    def columns(name):
        return (
            [partons[name]] if name in partons else [c for d in decays[name].daughters for c in columns(d)]
        )

    for decay in process.decays:
        rows = there[:, columns(decay.name)].all(1)
        if rows.any():
            sums = objects[rows][:, columns(decay.name)].sum(1)
            yield f"the mass of {decay.name}", float(np.median(_masses(sums))), decay.gev
    for name, column in partons.items():
        # A parton may be without mass in a generator, and a small one is lost in rounding.
        mass, rows = process.z[column].gev, there[:, column]
        if mass and rows.any() and (seen := float(np.median(_masses(objects[rows, column])))) > mass:
            energies = objects[rows, column, 3]
            if seen > 10.0 * np.sqrt(1e-7) * float(np.median(energies)):
                yield f"the mass of {name}", seen, mass


def _thresholds(objects, there, process):
    """The object that is nearest to its threshold: all of them are as far from it as wrong units are."""
    found = []
    for column, particle in enumerate(process.x):
        rows = there[:, column]
        threshold = float(particle.threshold(np, eta=0.0))
        if threshold and rows.any():
            seen = float(np.median(np.hypot(objects[rows, column, 0], objects[rows, column, 1])))
            found.append((f"pT of {particle.name}", seen, threshold))
    if found:
        yield min(found, key=lambda one: abs(np.log(max(one[1], 1e-30) / one[2])))


def _masses(four):
    return np.sqrt(np.maximum(four[:, 3] ** 2 - np.square(four[:, :3]).sum(1), 0.0))


def _parts(array):
    """Moduli of the momenta and energies, (n, objects), in double precision."""
    objects = np.asarray(array, dtype="float64").reshape(len(array), array.shape[1] // 4, 4)
    with np.errstate(all="ignore"):
        return np.sqrt(np.square(objects[..., :3]).sum(-1)), objects[..., 3]
