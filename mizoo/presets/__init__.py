"""Factories of compiled models."""

from mizoo.presets.registry import PRESETS, Preset
from mizoo.presets.turbosim import turbosim

__all__ = ["PRESETS", "Preset", "turbosim"]
