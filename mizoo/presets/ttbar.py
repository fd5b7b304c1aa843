"""What presets for tt̄ events share: coordinates and views."""

from itertools import combinations

from mizoo.physics.process import TTBAR
from mizoo.representations import DecayChain, DetectorObjects, EventView, Resonance

# Of the Breit-Wigners in the events (Pythia's defaults), GeV.
_TOP = (173.0, 1.35)
_W = (80.4, 2.085)


# Median moduli, rounded, of the departures of partons in `LeptonFirst` coordinates from detector objects,
# and of objects from partons; 0 where one says little of the other: masses, the neutrino's angle.
PARTONS_DEPART = (0.07, 0.05, 0.04, 0.06, 0.1, 0.2, 0, 0, 0, 0.12, 0, 0.13, 0.15, 0, 0.2, 0.2)
OBJECTS_DEPART = (0.07, 0.05, 0.025, 0.28, 0.24, 0, *(0.27, 0.08, 0.05) * 4)


def coordinates(ordered=True, partons=DecayChain):
    """Representations of x and z: detector objects, jets by falling pT or not, and partons as decay chain.

    In decays of the W the down-type fermion avoids the direction of flight (V-A), so there the
    coordinates have their point at infinity.
    """
    e, nubar, b, bbar, u, dbar = range(6)
    top = Resonance(*_TOP, (Resonance(*_W, (dbar, u), forward=False), b))
    antitop = Resonance(*_TOP, (Resonance(*_W, (e, nubar), forward=False), bbar))
    return DetectorObjects(ordered=ordered), partons((top, antitop), TTBAR.masses("z"))


def views(x, z):
    """What networks see of x and of z: lab momenta and the masses that tell events apart."""
    jets, quarks = range(2, 6), range(2, 6)
    x_masses = [
        *combinations(jets, 2),
        *combinations(jets, 3),
        tuple(jets),
        *((0, jet) for jet in jets),
        (0, *jets),
        tuple(range(6)),
    ]
    return EventView(x, x_masses), EventView(z, [*combinations(quarks, 2), tuple(range(6))], quarks)
