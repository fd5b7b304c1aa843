"""Figures for papers: every function returns a matplotlib figure, and `save` writes it as PNG and PDF."""

from mizoo.evaluation.figures.corner import corner
from mizoo.evaluation.figures.correlations import correlations
from mizoo.evaluation.figures.draw import draw
from mizoo.evaluation.figures.grid import image_grid
from mizoo.evaluation.figures.images import image_pairs_grid, interpolation_grid
from mizoo.evaluation.figures.latent import latent_pairs, latent_scatter
from mizoo.evaluation.figures.learning import learning_curves
from mizoo.evaluation.figures.ratio import ratios
from mizoo.evaluation.figures.reliability import reliability_curve
from mizoo.evaluation.figures.response import resolution, response
from mizoo.evaluation.figures.style import save, style
from mizoo.evaluation.figures.transport import transport

__all__ = [
    "corner",
    "correlations",
    "draw",
    "image_grid",
    "image_pairs_grid",
    "interpolation_grid",
    "latent_pairs",
    "latent_scatter",
    "learning_curves",
    "ratios",
    "reliability_curve",
    "resolution",
    "response",
    "save",
    "style",
    "transport",
]
