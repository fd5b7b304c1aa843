"""Checks that directions in trees are azimuths in radians and pseudorapidities."""

import warnings
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

_TURN = 2.0 * np.pi
_ROUNDING = 1.0 + 1e-5
_MOST_ETA = 20.0  # of particles with a measurable angle to the beam
_ENOUGH = 20  # objects, to recognise polar angles
_SHARE, _FEW = 0.05, 3  # above both, the branch is wrong rather than single objects


class DoubtfulUnits(UserWarning):
    """Warns that values have an unexpected range, and how they were interpreted."""


AngleKind = Literal["eta", "phi"]


class Angles(NamedTuple):
    """Angles of objects."""

    event: np.ndarray
    """Index of the event, (objects,)."""
    values: np.ndarray
    """Angles, (objects,)."""
    kind: AngleKind
    name: str
    """Name of the branch or column, for messages."""


def check_angles(angles: Sequence[Angles], source: str) -> dict[int, str]:
    """Faults of the directions of objects, by event.

    Azimuths from 0 to 2π are accepted, with a `DoubtfulUnits` warning.

    Args:
        angles: angles of the objects, one entry per branch.
        source: name of the source for the warning.

    Raises:
        ValueError: for azimuths that are not in radians, and for polar angles θ instead of η.
    """
    bad: dict[int, str] = {}
    turned = []
    for one in angles:
        if not len(one.values):
            continue
        if one.kind == "eta":
            _check_eta(one, bad)
        elif _check_phi(one, bad):
            turned.append(one.name.partition(" ")[2])
    if turned:
        what = f"{source}: {', '.join(turned)} beyond ±π: taken as radians from 0 to 2π"
        warnings.warn(what, DoubtfulUnits, 2)
    return bad


def _check_phi(one: Angles, bad: dict[int, str]) -> bool:
    """Add faults to `bad`, and return whether azimuths are from 0 to 2π."""
    phi = one.values
    beyond = np.abs(phi) > np.pi * _ROUNDING
    if not beyond.any():
        return False
    if phi.min() >= 0.0 and phi.max() <= _TURN * _ROUNDING:
        return True
    if beyond.mean() > _SHARE and beyond.sum() >= _FEW:
        raise ValueError(f"{one.name} goes up to {np.abs(phi).max():.4g}, radians within ±π expected")
    for n in np.flatnonzero(beyond):
        where = one.name.partition(" ")[2]
        bad.setdefault(int(one.event[n]), f"{where} is {phi[n]:.4g}, radians within ±π expected")
    return False


def _check_eta(one: Angles, bad: dict[int, str]) -> None:
    eta = one.values
    if len(eta) >= _ENOUGH and eta.min() >= 0.0 and eta.max() <= np.pi * _ROUNDING:
        raise ValueError(
            f"{one.name} goes from {eta.min():.3g} to {eta.max():.3g}: pseudorapidities of either sign "
            "expected, these look like polar angles"
        )
    beyond = np.abs(eta) > _MOST_ETA
    if beyond.mean() > _SHARE and beyond.sum() >= _FEW:
        raise ValueError(f"{one.name} goes up to {np.abs(eta).max():.4g}, pseudorapidities expected")
    for n in np.flatnonzero(beyond):
        where = one.name.partition(" ")[2]
        bad.setdefault(int(one.event[n]), f"{where} is {eta[n]:.4g}, a pseudorapidity expected")
