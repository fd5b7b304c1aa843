"""Data: packaged events, digits, and readers of files."""

import lazy_loader as lazy

# Lazy, since checksums and the names of columns need no TensorFlow.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
