"""The packaged pp → tt̄ → e⁻ν̄ b b̄ u d̄ events."""

from importlib import resources
from pathlib import Path

import h5py
import numpy as np

from mizoo.datasets.events import Events, check
from mizoo.datasets.samples import Split
from mizoo.physics.process import TTBAR, Process

# Names of the data sets of the OTUS and Turbo-Sim codes.
HDF5_NAMES = {"z": "FDL", "x": "ROL"}
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
    with _open(path) as file:
        arrays = {space: _with_energy(_array(file, space, path), process, space) for space in ("x", "z")}
        return Events(**arrays, process=process)


def write_momenta(path, events: Events) -> None:
    """Write the three-momenta of `events` as float32, byte-shuffled and compressed.

    The packaged file is `write_momenta(path, read_hdf5(source))` of the events as they were made.
    """
    with h5py.File(path, "w") as file:
        for space, array in events.arrays().items():
            momenta = array.reshape(len(array), -1, 4)[..., :3]
            file.create_dataset(
                HDF5_NAMES[space], data=momenta, chunks=(min(8192, len(array)), *momenta.shape[1:]),
                shuffle=True, compression="gzip", compression_opts=9,
            )  # fmt: skip


def read_hdf5(path, process: Process = TTBAR) -> Events:
    """Read an HDF5 file of the OTUS and Turbo-Sim codes: data sets `FDL` (z) and `ROL` (x), n × 24.

    Either data set may be missing.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no HDF5 file, cut short, empty, or its events are bad; the message names
            the file, the data set, the event and the column.
    """
    with _open(path) as file:
        arrays = {s: _array(file, s, path) for s in ("x", "z") if HDF5_NAMES[s] in file}
    if not arrays:
        raise ValueError(f"{path}: neither FDL (z) nor ROL (x) in the file")
    for space, array in arrays.items():
        check(array, process, space, source=f"{path}, {HDF5_NAMES[space]}")
    return Events(**arrays, process=process)


def write_hdf5(path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays by space (`Events.arrays`) for `read_hdf5`; the file appears whole or not at all."""
    path = Path(path)
    unfinished = path.with_name(path.name + ".part")
    with h5py.File(unfinished, "w") as file:
        for space, array in arrays.items():
            file.create_dataset(HDF5_NAMES[space], data=array)
    unfinished.replace(path)


def _open(path):
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return h5py.File(path)
    except OSError as error:
        raise ValueError(f"{path}: not an HDF5 file, or cut short ({error})") from error


def _array(file, space, path):
    try:
        return file[HDF5_NAMES[space]][...]
    except (KeyError, OSError) as error:
        raise ValueError(f"{path}: cannot read data set {HDF5_NAMES[space]} ({error})") from error


def _with_energy(momenta, process, space):
    momenta = momenta.astype("float64")
    energy = np.sqrt(np.square(momenta).sum(-1) + np.square(process.masses(space)))
    four = np.concatenate([momenta, energy[..., None]], -1)
    return four.reshape(len(four), -1).astype("float32")
