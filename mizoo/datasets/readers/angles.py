"""Checks of directions in Delphes's trees: azimuths in radians, pseudorapidities, or something else."""

import warnings

import numpy as np

from mizoo.core.optional import extra

_TURN = 2.0 * np.pi
_ROUNDING = 1.0 + 1e-5
_MOST_ETA = 20.0  # of particles with an angle to the beam that can be measured
_ENOUGH = 20  # objects, to say what they have in common
_SHARE, _FEW = 0.05, 3  # of objects that are wrong one by one; where there are more, the branch is


class DoubtfulUnits(UserWarning):
    """Says that values have another range than expected, and how they were taken."""


def check_angles(objects: dict, source: str) -> dict[int, str]:
    """What is wrong with directions of objects, by their event.

    Azimuths from 0 to 2π are taken as they are, with a `DoubtfulUnits` warning.

    Args:
        objects: awkward arrays (n, objects) by branch, with fields `eta` and `phi`.
        source: for the warning.

    Raises:
        ValueError: for azimuths that are not in radians, and for polar angles θ instead of η.
    """
    ak = extra("awkward", "reading .root files")
    bad: dict[int, str] = {}
    turned = []
    for branch, found in objects.items():
        event = np.repeat(np.arange(len(found)), ak.to_numpy(ak.num(found)))
        if not len(event):
            continue
        phi, eta = (ak.to_numpy(ak.flatten(found[field])) for field in ("phi", "eta"))
        if _check_phi(phi, event, f"{branch}.Phi", bad):
            turned.append(f"{branch}.Phi")
        if branch != "MissingET":  # its η is not measured, and may be anything
            _check_eta(eta, event, f"{branch}.Eta", bad)
    if turned:
        what = f"{source}: {', '.join(turned)} beyond ±π: taken as radians from 0 to 2π"
        warnings.warn(what, DoubtfulUnits, 2)
    return bad


def _check_phi(phi, event, name, bad):
    """Put what is wrong into `bad`; whether azimuths are from 0 to 2π."""
    beyond = np.abs(phi) > np.pi * _ROUNDING
    if not beyond.any():
        return False
    if phi.min() >= 0.0 and phi.max() <= _TURN * _ROUNDING:
        return True
    if beyond.mean() > _SHARE and beyond.sum() >= _FEW:
        raise ValueError(f"branch {name} goes up to {np.abs(phi).max():.4g}, radians within ±π expected")
    for n in np.flatnonzero(beyond):
        bad.setdefault(int(event[n]), f"{name} is {phi[n]:.4g}, radians within ±π expected")
    return False


def _check_eta(eta, event, name, bad):
    if len(eta) >= _ENOUGH and eta.min() >= 0.0 and eta.max() <= np.pi * _ROUNDING:
        raise ValueError(
            f"branch {name} goes from {eta.min():.3g} to {eta.max():.3g}: pseudorapidities of either sign "
            "expected, these look like polar angles"
        )
    beyond = np.abs(eta) > _MOST_ETA
    if beyond.mean() > _SHARE and beyond.sum() >= _FEW:
        raise ValueError(f"branch {name} goes up to {np.abs(eta).max():.4g}, pseudorapidities expected")
    for n in np.flatnonzero(beyond):
        bad.setdefault(int(event[n]), f"{name} is {eta[n]:.4g}, a pseudorapidity expected")
