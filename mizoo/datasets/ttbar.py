"""The packaged pp → tt̄ → e⁻ν̄ b b̄ u d̄ events."""

from importlib import resources

import h5py
import numpy as np

from mizoo.datasets.events import Events
from mizoo.datasets.readers.tables import HDF5_NAMES
from mizoo.datasets.samples import Split
from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.process import Process

TRAIN, VALIDATION = 50_000, 4_000


def ttbar() -> Split:
    """The packaged events: 72 770 pairs of partons z and detector objects x, in GeV.

    Made with Pythia 8.318 (13 TeV, leading order tt̄, multi-parton interactions on) and Delphes (the
    CMS card of OTUS, arXiv 2101.08944); exactly one electron, no muon, no photon and four jets of
    pT > 20 GeV. 50 000 for training, 4 000 for validation, 18 770 for test.

    Columns: `Events.frame`. z: e⁻, ν̄, b, b̄, u, d̄; x: e⁻, missing momentum, four jets by falling
    pT; px, py, pz, E each.
    """
    with resources.as_file(resources.files("mizoo.datasets") / "data" / "ttbar.h5") as path:
        events = read_momenta(path, TTBAR)
    return Split(
        train=events[:TRAIN],
        validation=events[TRAIN : TRAIN + VALIDATION],
        test=events[TRAIN + VALIDATION :],
    )


def read_momenta(path, process: Process) -> Events:
    """Read the three-momenta that `write_momenta` wrote; energies follow from the masses."""
    with h5py.File(path) as file:
        arrays = {
            space: _with_energy(file[name][...], process, space) for space, name in HDF5_NAMES.items()
        }
        return Events(**arrays, process=process)


def write_momenta(path, events: Events) -> None:
    """Write the three-momenta of `events` as float32, byte-shuffled and compressed.

    The packaged file is `write_momenta(path, read(source))` of the events as they were made.
    """
    with h5py.File(path, "w") as file:
        for space, array in events.arrays().items():
            momenta = array.reshape(len(array), -1, 4)[..., :3]
            file.create_dataset(
                HDF5_NAMES[space], data=momenta, chunks=(min(8192, len(array)), *momenta.shape[1:]),
                shuffle=True, compression="gzip", compression_opts=9,
            )  # fmt: skip


def _with_energy(momenta, process, space):
    momenta = momenta.astype("float64")
    energy = np.sqrt(np.square(momenta).sum(-1) + np.square(process.masses(space)))
    four = np.concatenate([momenta, energy[..., None]], -1)
    return four.reshape(len(four), -1).astype("float32")
