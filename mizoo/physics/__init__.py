"""Physics of events: processes, symmetries, reconstruction."""

from mizoo.physics.matching import Matched
from mizoo.physics.process import TTBAR, Particle, Process
from mizoo.physics.reconstruction import TopMasses, reconstruct_tops
from mizoo.physics.symmetry import BeamSymmetry

__all__ = ["TTBAR", "BeamSymmetry", "Matched", "Particle", "Process", "TopMasses", "reconstruct_tops"]
