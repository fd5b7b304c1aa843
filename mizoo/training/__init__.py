"""Callbacks and runs."""

from mizoo.training.backup import Backup, DamagedBackup, KeepBest
from mizoo.training.callbacks import KSDistance, Warmup
from mizoo.training.image_distance import FrechetDistance

__all__ = ["Backup", "DamagedBackup", "FrechetDistance", "KSDistance", "KeepBest", "Warmup"]
