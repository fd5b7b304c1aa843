"""Physics of events: processes, acceptance, symmetries, reconstruction."""

import lazy_loader as lazy

# Lazy, as descriptions of processes do not need TensorFlow.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
