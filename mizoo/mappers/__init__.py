"""Conditional distributions: what maps x to z and z to x."""

from mizoo.mappers.base import Conditional, Mapper
from mizoo.mappers.coupling import SplineCoupling
from mizoo.mappers.flow import Flow
from mizoo.mappers.noisy import Noisy
from mizoo.mappers.turned import Turned

__all__ = ["Conditional", "Flow", "Mapper", "Noisy", "SplineCoupling", "Turned"]
