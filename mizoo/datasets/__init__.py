"""Data: the packaged events, digits, and what is read from files."""

from mizoo.datasets.angles import DoubtfulUnits
from mizoo.datasets.arrays import read_arrays
from mizoo.datasets.digits import digits
from mizoo.datasets.events import Events
from mizoo.datasets.pairing import DoubtfulPairs
from mizoo.datasets.pipeline import batches
from mizoo.datasets.read import SkippedEvents, read, stream
from mizoo.datasets.samples import Samples, Split
from mizoo.datasets.ttbar import ttbar
from mizoo.datasets.weights import UnusedWeights
from mizoo.datasets.write import write

__all__ = [
    "DoubtfulPairs",
    "DoubtfulUnits",
    "Events",
    "Samples",
    "SkippedEvents",
    "Split",
    "UnusedWeights",
    "batches",
    "digits",
    "read",
    "read_arrays",
    "stream",
    "ttbar",
    "write",
]
