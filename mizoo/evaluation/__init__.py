"""Tables and figures that compare generated with true events."""

from mizoo.evaluation.classifier import classifier_test, features, pair_features
from mizoo.evaluation.conditional import crps, responses, retrieve, simulation_based_calibration
from mizoo.evaluation.disagreement import Disagreement, DisagreementWarning
from mizoo.evaluation.domain import Domain
from mizoo.evaluation.observables import observables
from mizoo.evaluation.reliability import reliability
from mizoo.evaluation.report import Report, compare, evaluate
from mizoo.evaluation.unfolding import Unfolded, iterative_unfolding

__all__ = [
    "Disagreement",
    "DisagreementWarning",
    "Domain",
    "Report",
    "Unfolded",
    "classifier_test",
    "compare",
    "crps",
    "evaluate",
    "features",
    "iterative_unfolding",
    "observables",
    "pair_features",
    "reliability",
    "responses",
    "retrieve",
    "simulation_based_calibration",
]
