"""Trained models on disk: SavedModels, model cards, and the loader."""

from mizoo.export.card import write_card
from mizoo.export.pretrained import Pretrained, load, names

__all__ = ["Pretrained", "load", "names", "write_card"]
