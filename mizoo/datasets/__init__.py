"""Events: the packaged ones and those read from files."""

from mizoo.datasets.events import Events
from mizoo.datasets.ttbar import Split, read_hdf5, ttbar, write_hdf5

__all__ = ["Events", "Split", "read_hdf5", "ttbar", "write_hdf5"]
