"""Momenta that are not in GeV, energies below momenta, invalid angles."""

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import uproot

import mizoo
from mizoo.datasets import Events, write
from mizoo.datasets.readers.angles import DoubtfulUnits
from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.library import zee as ZEE

read = partial(mizoo.datasets.read, process=TTBAR)

DATA = Path(__file__).parent / "data"
ROOT, LHE = DATA / "ttbar_reco.root", DATA / "ttbar_reco.lhe.gz"
OBJECTS = ("Electron", "Muon", "Photon", "Jet", "MissingET")
SUFFIXES = (".parquet", ".csv", ".npz", ".h5", ".root")


def table(path, arrays, process=TTBAR):
    """A file of unchecked events."""
    frames = [pd.DataFrame(a, columns=process.columns(s)).add_prefix(f"{s}.") for s, a in arrays.items()]
    frame = pd.concat(frames, axis=1)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".root":
        with uproot.recreate(path) as file:
            file.mktree("events", dict(frame.dtypes))
            file["events"].extend({name: frame[name].to_numpy() for name in frame})
    elif path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        import h5py

        with h5py.File(path, "w") as file:
            for space, array in arrays.items():
                file[{"x": "ROL", "z": "FDL"}[space]] = array
    return path


@pytest.fixture(scope="module")
def electrons():
    """Z → e⁺e⁻ at rest, in GeV."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(300, 1, 3))
    direction *= 45.6 / np.linalg.norm(direction, axis=-1, keepdims=True)
    momenta = np.concatenate([direction, -direction], 1)
    energies = np.linalg.norm(momenta, axis=-1, keepdims=True)
    return np.concatenate([momenta, energies], -1).reshape(300, 8).astype("float32")


@pytest.mark.ci
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("space", "xz")
@pytest.mark.parametrize(("factor", "unit"), [(1000.0, "MeV"), (0.001, "TeV")])
def test_other_units_are_refused(suffix, space, factor, unit, few, electrons, tmp_path):
    path = tmp_path / f"units{suffix}"
    for process, array in ((TTBAR, few.train[space]), (ZEE, electrons)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert len(read(table(path, {space: array}, process), process=process)) == len(array)
        for count in (len(array), 1):
            table(path, {space: array[:count] * np.float32(factor)}, process)
            for skip_bad in (False, True):
                message = rf"units\S+: {space}, the median of .* these look like {unit}"
                with pytest.raises(ValueError, match=message):
                    read(path, process=process, skip_bad=skip_bad)
        with pytest.raises(ValueError, match=f"{space}, the median of .* these look like {unit}"):
            Events(**{space: array * factor}, process=process)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("space", "xz")
def test_energies_below_momenta(suffix, space, few, tmp_path):
    path, array = tmp_path / f"energies{suffix}", few.train[space].copy()
    array[7, 11] *= 0.9
    table(path, {space: array})
    name = TTBAR.columns(space)[11]
    for call in (lambda: read(path), lambda: Events(**{space: array}, process=TTBAR)):
        with pytest.raises(ValueError, match=rf"event 7: .*{name} is \S+, less than the momentum \|p\| = "):
            call()
    with pytest.warns(UserWarning, match="1 bad events left out"):
        assert len(read(path, skip_bad=True)) == len(array) - 1
    # Energies first, as other codes have them.
    turned = np.roll(few.train[space].reshape(-1, 6, 4), 1, -1).reshape(-1, 24)
    table(path, {space: turned})
    for skip_bad in (False, True):
        message = r"energies\S+: .*an energy is too small.*px py pz E in GeV expected"
        with pytest.raises(ValueError, match=message):
            read(path, skip_bad=skip_bad)


def test_rounding_and_soft_events_pass(few, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for space in "xz":
            objects = few.train[space].reshape(-1, 6, 4).astype("float64")
            momenta = np.linalg.norm(objects[..., :3], axis=-1)
            objects[..., 3] = momenta * (1.0 - 1e-7)
            read(table(tmp_path / "a.npz", {space: objects.reshape(-1, 24)}))
            Events(**{space: objects.reshape(-1, 24)}, process=TTBAR)
            read(table(tmp_path / "a.csv", {space: few.train[space].round(3)}))
        padded = few.train.x.reshape(-1, 6, 4).copy()
        padded[:, 5] = 0.0
        read(table(tmp_path / "a.npz", {"x": padded.reshape(-1, 24)}))
        soft = few.train.x * np.float32(0.2)  # below all thresholds
        read(table(tmp_path / "a.npz", {"x": soft}))
        hard = few.train.x * np.float32(3.0)  # of a boosted selection
        read(table(tmp_path / "a.npz", {"x": hard}))
        massless = few.train.z.reshape(-1, 6, 4).copy()
        massless[..., 3] = np.linalg.norm(massless[..., :3], axis=-1)
        read(table(tmp_path / "a.npz", {"z": massless.reshape(-1, 24)}))


def les_houches(path, factor):
    import gzip

    lines = gzip.decompress(LHE.read_bytes()).decode().splitlines()[:300]
    while "</event>" not in lines[-1]:
        lines.pop()
    for i, line in enumerate(lines):
        if len(words := line.split()) == 13:
            words[6:11] = [f"{factor * float(word):.10e}" for word in words[6:11]]
            lines[i] = " ".join(words)
    path.write_text("\n".join([*lines, "</LesHouchesEvents>\n"]))
    return path


def test_other_units_in_les_houches_events(tmp_path):
    assert len(read(les_houches(tmp_path / "a.lhe", 1.0)))
    for factor, unit in ((1000.0, "MeV"), (0.001, "TeV")):
        with pytest.raises(ValueError, match=rf"a\.lhe: z, the median of the mass of .* look like {unit}"):
            read(les_houches(tmp_path / "a.lhe", factor))


@pytest.fixture(scope="module")
def branches():
    fields = [f"{n}.{f}" for n in OBJECTS for f in ("MET" if n == "MissingET" else "PT", "Eta", "Phi")]
    with uproot.open(ROOT) as file:
        return file["Delphes"].arrays([*fields, "Electron.Charge"], entry_stop=500)


def delphes(path, arrays, change):
    arrays = {name: arrays[name] for name in arrays.fields}
    arrays |= {name: change(arrays[name]) for name in arrays if change.__name__ in name}
    with uproot.recreate(path) as file:
        file.mktree("Delphes", {name: array.type.content for name, array in arrays.items()})
        file["Delphes"].extend(arrays)
    return path


@pytest.mark.parametrize("skip_bad", [False, True])
def test_angles_and_units_of_delphes(skip_bad, branches, tmp_path):
    def Phi(phi):  # degrees
        return phi * (180.0 / np.pi)

    def PT(pt):  # MeV
        return pt * 1000.0

    def Eta(eta):
        return 2.0 * np.arctan(np.exp(-eta))

    for change, message in (
        (Phi, r"branch \w+\.Phi goes up to 1\d\d\.?\d*, radians within ±π expected"),
        (Eta, r"branch \w+\.Eta goes from .* look like polar angles"),
        (PT, r"x, the median of pT of .* these look like MeV"),
    ):
        with pytest.raises(ValueError, match=rf"a\.root: .*{message}"):
            read(delphes(tmp_path / "a.root", branches, change), skip_bad=skip_bad)


def test_azimuths_from_0_to_2_pi_are_taken_with_a_warning(branches, tmp_path):
    def Phi(phi):
        return phi + 2.0 * np.pi * (phi < 0.0)

    def Nothing(values):
        return values

    expected = read(delphes(tmp_path / "a.root", branches, Nothing)).x
    with pytest.warns(DoubtfulUnits, match=r"a\.root: \S.*Jet\.Phi, MissingET\.Phi beyond ±π: taken"):
        found = read(delphes(tmp_path / "a.root", branches, Phi)).x
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_one_wrong_azimuth_is_a_bad_event(branches, tmp_path):
    import awkward as ak

    def Phi(phi):
        counts = ak.num(phi)
        values = ak.to_numpy(ak.flatten(phi)).copy()
        values[0] = 77.0
        return ak.unflatten(values, counts)

    path = delphes(tmp_path / "a.root", branches, Phi)

    def everything(objects, process):
        return np.ones(len(objects["jet"]), bool)

    with pytest.raises(ValueError, match=r"a\.root, event \d+: \w+\.Phi is 77"):
        read(path, select=everything)
    with pytest.warns(UserWarning, match="bad events left out"):
        read(path, select=everything, skip_bad=True)


def test_written_events_are_read_without_complaint(few, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for suffix in SUFFIXES:
            write(tmp_path / f"a{suffix}", few.train)
            assert len(read(tmp_path / f"a{suffix}")) == 200
