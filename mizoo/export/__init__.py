"""Trained models on disk: SavedModels, ONNX files, model cards, and the loader."""

from mizoo.export.card import write_card
from mizoo.export.onnx import write_onnx
from mizoo.export.pretrained import Pretrained, catalogue, load, names
from mizoo.export.registry import write_registry

__all__ = ["Pretrained", "catalogue", "load", "names", "write_card", "write_onnx", "write_registry"]
