"""Callbacks and runs."""

from mizoo.training.backup import Backup, DamagedBackup, KeepBest
from mizoo.training.callbacks import KSDistance, Warmup

__all__ = ["Backup", "DamagedBackup", "KSDistance", "KeepBest", "Warmup"]
