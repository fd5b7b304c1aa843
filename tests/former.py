"""Parts that the shipped tt̄ models of version 0.1 are made of: coordinates and views."""

from itertools import combinations

from mizoo.physics.library import ttbar as TTBAR
from mizoo.representations import (
    DecayChain,
    DetectorEvent,
    DetectorObjects,
    EventView,
    KinematicFit,
    Resonance,
)

# Of the Breit-Wigners in the events (Pythia's defaults), GeV.
_TOP = (173.0, 1.35)
_W = (80.4, 2.085)


# Median moduli, rounded, of the residuals of partons in coordinates by themselves from detector objects,
# and of objects from partons; 0 where one says little of the other: masses, and neutrinos along the beam.
PARTON_RESIDUALS = (0.07, 0.05, 0.04, 0.28, 0.24, 0, *(0.21, 0.08, 0.07) * 4, *(0,) * 4)
OBJECT_RESIDUALS = (0.07, 0.05, 0.025, 0.28, 0.24, 0, *(0.27, 0.08, 0.05) * 4)
# Of energy (as part of it) and direction (radians) of lepton, neutrino and quarks, as far as x tells them.
_RESOLUTIONS = ((0.02, 0.02), (0.15, 0.15), *((0.2, 0.1),) * 4)


def coordinates(fitted=False):
    """Representations of x and z: detector objects, jets by falling pT, and partons as a chain of decays.
    If `fitted`: jets in any order and apart from each other, partons each by itself and by a kinematic fit.

    In decays of the W the down-type fermion avoids the direction of flight (V-A), so there the
    coordinates of the chain have their point at infinity.
    """
    chain = _chain()
    if fitted:
        return DetectorEvent(), KinematicFit(*chain, _RESOLUTIONS)
    return DetectorObjects(), DecayChain(*chain)


def _chain():
    """Decays, and masses of the final objects."""
    e, nubar, b, bbar, u, dbar = range(6)
    top = Resonance(*_TOP, (Resonance(*_W, (dbar, u), forward=False), b))
    antitop = Resonance(*_TOP, (Resonance(*_W, (e, nubar), forward=False), bbar))
    return (top, antitop), TTBAR.masses("z")


_JETS = range(2, 6)
_SOLID = tuple(combinations((0, *_JETS), 2))  # all but the neutrino
_W_PLUS, _TOP_QUARK, _ANTITOP, _ALL = (4, 5), (2, 4, 5), (0, 1, 3), tuple(range(6))
_X_MASSES = (
    *combinations(_JETS, 2),
    *combinations(_JETS, 3),
    tuple(_JETS),
    *((0, jet) for jet in _JETS),
    (0, *_JETS),
    _ALL,
)
_Z_MASSES = (*combinations(_JETS, 2), (0, 1), _TOP_QUARK, _ANTITOP, _ALL)


def views(x, z):
    """Features of x and z for networks: lab momenta and the masses that distinguish events."""
    return EventView(x, _X_MASSES), EventView(z, [*combinations(_JETS, 2), _ALL], _JETS)


def views_of_draws():
    """Features of drawn x and z for networks: also distances, and the results of constraints.

    Values are as drawn, even for jets near each other and for masses that do not fit.
    """
    x, z = DetectorEvent(radius=0.0), KinematicFit(*_chain(), _RESOLUTIONS, steps=0)
    x_view = EventView(x, _X_MASSES, pairs=_SOLID, constrained=True)
    return x_view, EventView(z, _Z_MASSES, constrained=True)


def views_of_scores(x, z):
    """Features to compare draws of x and z with the truth: momenta, masses, distances and sums."""
    x_view = EventView(x, _X_MASSES, pairs=_SOLID, sums=(_ALL, _W_PLUS, _TOP_QUARK))
    return x_view, EventView(z, _Z_MASSES, pairs=_SOLID, sums=(_ANTITOP, _TOP_QUARK))
