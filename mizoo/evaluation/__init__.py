"""Tables and figures that compare generated with true events or images."""

from mizoo.evaluation.classifier import classifier_test, features, pair_features
from mizoo.evaluation.conditional import crps, responses, retrieve, simulation_based_calibration
from mizoo.evaluation.disagreement import Disagreement, DisagreementWarning
from mizoo.evaluation.domain import Domain
from mizoo.evaluation.feature_distances import frechet, kernel_distance, precision_recall
from mizoo.evaluation.image_features import DigitFeatures
from mizoo.evaluation.image_pairs import image_pairs
from mizoo.evaluation.image_scores import image_scores
from mizoo.evaluation.observables import observables
from mizoo.evaluation.reliability import reliability
from mizoo.evaluation.report import Report, compare, evaluate
from mizoo.evaluation.unfolding import Unfolded, iterative_unfolding

__all__ = [
    "DigitFeatures",
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
    "frechet",
    "image_pairs",
    "image_scores",
    "iterative_unfolding",
    "kernel_distance",
    "observables",
    "pair_features",
    "precision_recall",
    "reliability",
    "responses",
    "retrieve",
    "simulation_based_calibration",
]
