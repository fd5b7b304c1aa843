"""Sub-objectives: the terms of a model's loss, and what they are estimated with."""

from mizoo.objectives.adversarial import Adversarial
from mizoo.objectives.base import Objective
from mizoo.objectives.divergence import Divergence
from mizoo.objectives.estimators import Estimator
from mizoo.objectives.likelihood import Likelihood
from mizoo.objectives.streams import LINKS, Streams
from mizoo.objectives.terms import terms

__all__ = [
    "LINKS",
    "Adversarial",
    "Divergence",
    "Estimator",
    "Likelihood",
    "Objective",
    "Streams",
    "terms",
]
