"""Conditional distributions: what maps x to z and z to x."""

from mizoo.mappers.base import Conditional, Mapper
from mizoo.mappers.bijection import Bijection
from mizoo.mappers.code import Code
from mizoo.mappers.coupling import SplineCoupling
from mizoo.mappers.departure import Departure
from mizoo.mappers.diffusion import Diffusion
from mizoo.mappers.flow import Flow
from mizoo.mappers.formulations import DDPM, EDM, FlowMatching
from mizoo.mappers.gaussian import Gaussian
from mizoo.mappers.noisy import Noisy
from mizoo.mappers.refined import Refined
from mizoo.mappers.residual import StochasticResidual
from mizoo.mappers.transcoder import Transcoder
from mizoo.mappers.turned import Turned

__all__ = [
    "DDPM",
    "EDM",
    "Bijection",
    "Code",
    "Conditional",
    "Departure",
    "Diffusion",
    "Flow",
    "FlowMatching",
    "Gaussian",
    "Mapper",
    "Noisy",
    "Refined",
    "SplineCoupling",
    "StochasticResidual",
    "Transcoder",
    "Turned",
]
