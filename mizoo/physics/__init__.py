"""Physics of events: processes, acceptance, symmetries, reconstruction."""

import lazy_loader as lazy

# Lazy, since a description of a process needs no TensorFlow, and what is built from it does.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
