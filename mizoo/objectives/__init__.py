"""Sub-objectives, which are the terms of a model's loss, and estimators of divergences."""

from mizoo.objectives.adversarial import Adversarial
from mizoo.objectives.alignment import Alignment
from mizoo.objectives.assignment import AssignmentLikelihood
from mizoo.objectives.base import Objective
from mizoo.objectives.constraints import Acceptance, Anchor, MassShell
from mizoo.objectives.crps import CRPS
from mizoo.objectives.divergence import Divergence, MaximumLikelihood
from mizoo.objectives.estimators import Estimator
from mizoo.objectives.likelihood import Likelihood
from mizoo.objectives.rate import Rate
from mizoo.objectives.samples import MMD, EnergyDistance, NormalKL, SlicedWasserstein
from mizoo.objectives.streams import LINKS, Streams
from mizoo.objectives.terms import terms

__all__ = [
    "CRPS",
    "LINKS",
    "MMD",
    "Acceptance",
    "Adversarial",
    "Alignment",
    "Anchor",
    "AssignmentLikelihood",
    "Divergence",
    "EnergyDistance",
    "Estimator",
    "Likelihood",
    "MassShell",
    "MaximumLikelihood",
    "NormalKL",
    "Objective",
    "Rate",
    "SlicedWasserstein",
    "Streams",
    "terms",
]
