"""Callbacks and runs."""

from mizoo.training.callbacks import Backup, KSDistance, Warmup

__all__ = ["Backup", "KSDistance", "Warmup"]
