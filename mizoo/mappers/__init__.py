"""Mappers: conditional distributions of x given z and of z given x."""

from mizoo.mappers.assigned_momenta import AssignedMomenta
from mizoo.mappers.base import Mapper
from mizoo.mappers.bijection import Bijection
from mizoo.mappers.code_posterior import CodePosterior
from mizoo.mappers.conditional import Conditional, TFPDistribution
from mizoo.mappers.coupling import SplineCoupling
from mizoo.mappers.diffusion import Diffusion
from mizoo.mappers.flow import Flow
from mizoo.mappers.formulations import DDPM, EDM, FlowMatching
from mizoo.mappers.frame import FrameEncoder, InFrame
from mizoo.mappers.gaussian import Gaussian
from mizoo.mappers.location_scale import LocationScale
from mizoo.mappers.mixed import Mixed
from mizoo.mappers.noise_injected import Deterministic, NoiseInjected
from mizoo.mappers.post_processed import PostProcessed
from mizoo.mappers.residual import StochasticResidual
from mizoo.mappers.residual_mapper import ResidualMapper
from mizoo.mappers.rotation_equivariant import RotationEquivariant
from mizoo.mappers.transcoder import Transcoder

__all__ = [
    "DDPM",
    "EDM",
    "AssignedMomenta",
    "Bijection",
    "CodePosterior",
    "Conditional",
    "Deterministic",
    "Diffusion",
    "Flow",
    "FlowMatching",
    "FrameEncoder",
    "Gaussian",
    "InFrame",
    "LocationScale",
    "Mapper",
    "Mixed",
    "NoiseInjected",
    "PostProcessed",
    "ResidualMapper",
    "RotationEquivariant",
    "SplineCoupling",
    "StochasticResidual",
    "TFPDistribution",
    "Transcoder",
]
