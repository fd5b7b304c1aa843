"""Trained models on disk: SavedModels, ONNX files, model cards, and the loader."""

import lazy_loader as lazy

# Lazy, so that `mizoo models` lists them without importing TensorFlow.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
