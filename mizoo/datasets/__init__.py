"""Data: the packaged events, digits, and what is read from files."""

from mizoo.datasets.arrays import read_arrays
from mizoo.datasets.digits import digits
from mizoo.datasets.events import Events
from mizoo.datasets.samples import Samples, Split
from mizoo.datasets.ttbar import read_hdf5, ttbar, write_hdf5

__all__ = ["Events", "Samples", "Split", "digits", "read_arrays", "read_hdf5", "ttbar", "write_hdf5"]
