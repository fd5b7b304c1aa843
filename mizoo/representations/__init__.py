"""Representations: invertible layers between physical units and coordinates."""

from mizoo.representations.base import Representation
from mizoo.representations.cell_energies import CellEnergies
from mizoo.representations.classes import Classes
from mizoo.representations.falling_pt import FallingPt
from mizoo.representations.identity import Identity
from mizoo.representations.jet_assignment import JetAssignment
from mizoo.representations.latent import Latent
from mizoo.representations.momenta import AcceptedMomenta, Momenta
from mizoo.representations.object_coordinates import ObjectCoordinates
from mizoo.representations.object_sets import ObjectSets
from mizoo.representations.parton_coordinates import PartonCoordinates
from mizoo.representations.parton_momenta import PartonMomenta
from mizoo.representations.pixels import Pixels
from mizoo.representations.projected_momenta import ProjectedMomenta
from mizoo.representations.standardise import Standardise
from mizoo.representations.tokens import SetTokens, Tokens
from mizoo.representations.view import EventView, PartonView

__all__ = [
    "AcceptedMomenta",
    "CellEnergies",
    "Classes",
    "EventView",
    "FallingPt",
    "Identity",
    "JetAssignment",
    "Latent",
    "Momenta",
    "ObjectCoordinates",
    "ObjectSets",
    "PartonCoordinates",
    "PartonMomenta",
    "PartonView",
    "Pixels",
    "ProjectedMomenta",
    "Representation",
    "SetTokens",
    "Standardise",
    "Tokens",
]
