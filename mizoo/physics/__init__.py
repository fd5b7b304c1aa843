"""Physics of events: processes, acceptance, symmetries, reconstruction."""

from mizoo.physics.acceptance import accepted
from mizoo.physics.matching import Matched
from mizoo.physics.process import TTBAR, ZEE, Decay, Mass, Particle, Process
from mizoo.physics.reconstruction import ReconstructedTops, TopMasses, reconstruct_tops
from mizoo.physics.symmetry import BeamSymmetry

__all__ = [
    "TTBAR",
    "ZEE",
    "BeamSymmetry",
    "Decay",
    "Mass",
    "Matched",
    "Particle",
    "Process",
    "ReconstructedTops",
    "TopMasses",
    "accepted",
    "reconstruct_tops",
]
