"""Training on several devices and machines: strategies, collectives, workers, resuming and restarting."""

from mizoo.distribute.strategies import NAMES, is_chief, resolve

__all__ = ["NAMES", "is_chief", "resolve"]
