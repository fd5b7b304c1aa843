"""The container of mappers and sub-objectives, with training and export."""

import lazy_loader as lazy

# Lazy, so that ONNX files are loaded without importing TensorFlow.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
