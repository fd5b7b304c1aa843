"""The packaged events: tt̄, Z → ee and ZH, at 13 TeV.

Made with Pythia 8.318 (leading order, default tune and parton densities, multi-parton interactions) and
Delphes with a CMS card (anti-kT jets, R = 0.5). Partons z are those of the hard process before
initial-state radiation, as a Les Houches file has them; detector objects x are massless. All momenta are in
GeV; rows of x and z are pairs, shuffled once.
"""

from importlib import resources
from pathlib import Path

import h5py
import numpy as np

from mizoo.datasets.events import Events
from mizoo.datasets.readers.tables import HDF5_NAMES
from mizoo.datasets.samples import Split
from mizoo.physics import library
from mizoo.physics.process import Process


def ttbar() -> Split:
    """72 770 events pp → tt̄ → e⁻ν̄ b b̄ u d̄: 50 000 for training, 4 000 for validation, 18 770 for test.

    Exactly one electron, of negative charge, no muon, no photon and four jets of pT > 20 GeV before the jet
    energy scale, in Delphes with the card of OTUS (arXiv 2101.08944).

    Columns: `Events.frame`. z: e⁻, ν̄, b, b̄, u, d̄; x: e⁻, missing momentum (three components), four jets
    by falling pT; px, py, pz, E each.
    """
    return _packaged("ttbar", 50_000, 4_000)


def zee() -> Split:
    """41 841 events pp → Z/γ* → e⁻e⁺: 32 000 for training, 3 000 for validation, 6 841 for test.

    Generated with m > 60 GeV; one electron of either charge, no muon, any jets.

    Columns of z and x: e⁻, e⁺; px, py, pz, E each.
    """
    return _packaged("zee", 32_000, 3_000)


def zh() -> Split:
    """19 967 events pp → Z(e⁻e⁺)H(bb̄): 15 000 for training, 1 500 for validation, 3 467 for test.

    One electron of either charge, no muon, exactly two jets.

    Columns of z: e⁻, e⁺, b, b̄; of x: e⁻, e⁺, two jets by falling pT; px, py, pz, E each.
    """
    return _packaged("zh", 15_000, 1_500)


def _packaged(name: str, train: int, validation: int) -> Split:
    with resources.as_file(resources.files("mizoo.datasets") / "data" / f"{name}.h5") as path:
        events = read_momenta(path, library.get(name))
    return Split(events[:train], events[train : train + validation], events[train + validation :])


def read_momenta(path: str | Path, process: Process) -> Events:
    """Read the three-momenta written by `write_momenta`; energies follow from the masses of the process."""
    with h5py.File(path) as file:
        arrays = {
            space: _with_energy(file[name][...], process, space) for space, name in HDF5_NAMES.items()
        }
        return Events(arrays["x"], arrays["z"], process=process)


def write_momenta(path: str | Path, events: Events) -> None:
    """Write the three-momenta of `events` as float32, byte-shuffled and compressed.

    The packaged files were written by `write_momenta(path, read(source, process=process))`.
    """
    with h5py.File(path, "w") as file:
        for space, array in events.arrays().items():
            momenta = array.reshape(len(array), -1, 4)[..., :3]
            file.create_dataset(
                HDF5_NAMES[space], data=momenta, chunks=(min(8192, len(array)), *momenta.shape[1:]),
                shuffle=True, compression="gzip", compression_opts=9,
            )  # fmt: skip


def _with_energy(momenta: np.ndarray, process: Process, space: str) -> np.ndarray:
    momenta = momenta.astype("float64")
    energy = np.sqrt(np.square(momenta).sum(-1) + np.square(process.masses(space)))
    four = np.concatenate([momenta, energy[..., None]], -1)
    return four.reshape(len(four), -1).astype("float32")
