"""Presets: factories of compiled models."""

import lazy_loader as lazy

# Lazy, so that `mizoo presets` lists them without importing TensorFlow.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
