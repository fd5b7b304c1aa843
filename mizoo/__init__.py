"""mizoo: a generative model is a pair of mappers and a list of sub-objectives."""

import sys

import lazy_loader as lazy

# Lazy, so that the command line answers without importing TensorFlow.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

if "keras" in sys.modules:  # whose `load_model` has to know our classes
    import mizoo.presets.catalogue  # noqa: F401
