"""mizoo: a generative model is a pair of mappers and a list of sub-objectives."""

import importlib
import sys

import lazy_loader as lazy

# Lazy, so that the command line answers without importing TensorFlow.
_stub, __dir__, __all__ = lazy.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    # A stub cannot rename: `mizoo.processes` is the library of processes.
    return importlib.import_module("mizoo.physics.library") if name == "processes" else _stub(name)


if "keras" in sys.modules:  # so that `keras.saving.load_model` knows our classes
    import mizoo.presets.catalogue  # noqa: F401
