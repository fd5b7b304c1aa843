"""mizoo: a generative model is a pair of mappers and a list of sub-objectives."""

from mizoo import datasets, mappers, networks, objectives, presets, representations, strategies
from mizoo._version import __version__
from mizoo.evaluation.report import Report, evaluate
from mizoo.export.pretrained import Pretrained, load
from mizoo.finite import NotFiniteError
from mizoo.serialisation import serialisable
from mizoo.stages import Stage
from mizoo.turbo import Turbo

__all__ = [
    "NotFiniteError",
    "Pretrained",
    "Report",
    "Stage",
    "Turbo",
    "__version__",
    "datasets",
    "evaluate",
    "load",
    "mappers",
    "networks",
    "objectives",
    "presets",
    "representations",
    "serialisable",
    "strategies",
]
