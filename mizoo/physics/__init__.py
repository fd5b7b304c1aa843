"""Physics of events: processes, acceptance, symmetries, reconstruction."""

from mizoo.physics.acceptance import accepted
from mizoo.physics.matching import Matched
from mizoo.physics.process import TTBAR, ZEE, Mass, Particle, Process
from mizoo.physics.reconstruction import TopMasses, reconstruct_tops
from mizoo.physics.symmetry import BeamSymmetry

__all__ = [
    "TTBAR",
    "ZEE",
    "BeamSymmetry",
    "Mass",
    "Matched",
    "Particle",
    "Process",
    "TopMasses",
    "accepted",
    "reconstruct_tops",
]
