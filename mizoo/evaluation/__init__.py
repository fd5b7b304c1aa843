"""Tables and figures of generated against true events."""

from mizoo.evaluation.observables import observables
from mizoo.evaluation.report import Report, compare, evaluate

__all__ = ["Report", "compare", "evaluate", "observables"]
