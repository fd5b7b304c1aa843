"""Whole events of Delphes and of other codes, with any number of jets, masses and b-tags."""

import warnings
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot
from whole_events import PROCESS, made_up

import mizoo.datasets.whole_events as whole_events
from mizoo.datasets import SurplusObjects, flat_arrays, padded, read, ttbar_events
from mizoo.physics import accepted
from mizoo.physics.process import Process

ROOT = Path(__file__).parent / "data" / "ttbar_reco.root"
FULL = Path(__file__).parents[2] / "shared" / "data" / "ttbar_events.h5"


def counted(least, most, **more):
    content = PROCESS.to_dict()
    content["objects"][2]["count"] = [least, most]
    return Process(**{**content, **more})


@pytest.fixture(scope="module")
def delphes():
    names = ("Electron.PT", "Electron.Charge", "Muon.PT", "Photon.PT", "MissingET.MET")
    jets = tuple(f"Jet.{name}" for name in ("PT", "Eta", "Phi", "Mass", "BTag"))
    with uproot.open(ROOT) as file:
        return file["Delphes"].arrays([*names, *jets])


def electrons(events):
    return ak.sum(events["Electron.Charge"] < 0, axis=1) == 1


def test_all_jets_of_delphes_are_read_with_masses_and_tags(delphes):
    count = ak.num(delphes["Jet.PT"])
    wanted = electrons(delphes) & (ak.num(delphes["Muon.PT"]) == 0) & (count >= 2) & (count <= 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SurplusObjects)
        x = read(ROOT, process=PROCESS).x
    assert len(x) == ak.sum(wanted) > 1000
    there = PROCESS.present(x)[:, 2:]
    np.testing.assert_array_equal(there.sum(1), ak.to_numpy(count[wanted]))
    jets = x[:, 8:48].reshape(-1, 10, 4).astype("f8")
    names = ("PT", "Mass", "BTag")
    expected = {name: ak.to_numpy(ak.flatten(delphes[f"Jet.{name}"][wanted])) for name in names}
    np.testing.assert_allclose(np.hypot(jets[..., 0], jets[..., 1])[there], expected["PT"], rtol=1e-5)
    squares = (jets[..., 3] ** 2 - np.square(jets[..., :3]).sum(-1))[there]
    np.testing.assert_allclose(squares, expected["Mass"] ** 2, atol=1e-5 * (jets[..., 3] ** 2).max())
    np.testing.assert_array_equal(x[:, 48:][there], expected["BTag"])
    met = np.hypot(x[:, 4], x[:, 5])
    np.testing.assert_allclose(met, ak.to_numpy(delphes["MissingET.MET"][wanted][:, 0]), rtol=1e-5)
    assert not x[:, 6].any()


@pytest.mark.parametrize("select", [None, "n_electrons == 1 and n_jets >= 3"])
def test_events_with_too_many_jets_are_left_out_and_counted(delphes, select):
    count, one = ak.num(delphes["Jet.PT"]), electrons(delphes)
    passing = one & (count >= 3)
    if select is None:
        passing = passing & (ak.num(delphes["Muon.PT"]) == 0) & (ak.num(delphes["Photon.PT"]) == 0)
    process = counted(3, 5, select=select)
    surplus = ak.sum(passing & (count > 5))
    message = rf"ttbar_reco\.root: {surplus} selected events left out, with more than 5"
    with pytest.warns(SurplusObjects, match=message):
        x = read(ROOT, process=process).x
    counts = ak.to_numpy(count[passing & (count <= 5)])
    np.testing.assert_array_equal(process.present(x)[:, 2:].sum(1), counts)


def test_no_warning_without_surplus():
    with warnings.catch_warnings():
        warnings.simplefilter("error", SurplusObjects)
        read(ROOT, process=counted(2, 30))


def nano(**more):
    """Two events with 3 and 2 jets in the names of NanoAOD, momenta in GeV."""
    lists = {
        "Electron_pt": [[50.0], [40.0]], "Electron_eta": [[0.5], [-1.0]], "Electron_phi": [[1.0], [2.0]],
        "Electron_charge": [[-1], [-1]], "Muon_pt": [[], []], "Muon_eta": [[], []], "Muon_phi": [[], []],
        "Jet_pt": [[60.0, 90.0, 70.0], [50.0, 40.0]], "Jet_eta": [[0.1, 0.2, 0.3], [0.4, 0.5]],
        "Jet_phi": [[0.0, 1.0, 2.0], [-1.0, -2.0]], "Jet_mass": [[6.0, 9.0, 7.0], [5.0, 4.0]],
        "Jet_btagDeepFlavB": [[0.1, 0.9, 0.3], [0.31, 0.02]],
        **more,
    }  # fmt: skip
    single = {"MET_pt": [30.0, 20.0], "MET_phi": [0.1, 0.2]}
    return ak.zip({name: ak.Array(of) for name, of in {**lists, **single}.items()}, depth_limit=1)


JET = {"pt": "Jet_pt", "eta": "Jet_eta", "phi": "Jet_phi", "mass": "Jet_mass", "btag": "Jet_btagDeepFlavB"}


def test_columns_of_other_codes_have_features():
    table = nano()
    for threshold, tags in ((0.3, [[1, 1, 0], [1, 0]]), (0.5, [[1, 0, 0], [0, 0]])):
        columns = {"x": {"jet": {**JET, "btag_threshold": threshold}}}
        events = read(table, process=PROCESS, columns=columns).to_awkward().x
        assert events.jet.btag.tolist() == tags
    np.testing.assert_allclose(np.hypot(events.jet.px, events.jet.py)[0], [90.0, 70.0, 60.0], rtol=1e-6)
    again = read(
        nano(Jet_btag=[[0, 1, 1], [1, 0]]),
        process=PROCESS,
        columns={"x": {"jet": {**JET, "btag": "Jet_btag"}}},
    )
    assert again.to_awkward().x.jet.btag.tolist() == [[1, 1, 0], [1, 0]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, r"Jet_btagDeepFlavB is 0\.1 in event 0 .*, 0 or 1 expected: a discriminant needs a btag_thr"),
        ({"x": {"jet": {k: v for k, v in JET.items() if k != "btag"}}}, "need a column of their btag"),
        ({"x": {"jet": {**JET, "btag": "Jet_tag"}}}, "no column Jet_tag; there is Jet_"),
        (
            {"x": {"jet": {**JET, "btag": None, "btag_threshold": 0.3}}},
            "btag_threshold needs a column",
        ),
    ],
)
def test_features_that_are_not_there(columns, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(nano(), process=PROCESS, columns=columns)
    assert "\n" not in str(caught.value)


def test_a_selection_by_default_counts_each_charge():
    process = Process(
        name="leptons",
        partons=[{"name": "e-", "pdgid": 11}],
        objects=[
            {"name": "e-", "kind": "electron", "charge": -1},
            {"name": "e+", "kind": "electron", "charge": 1, "count": [0, 2]},
        ],
    )
    charges = [[-1], [-1, 1], [-1, -1], [1, 1], [-1, 1, 1], [-1, 1, 1, 1]]
    pt = [[50.0 - i for i in range(len(one))] for one in charges]
    zeros = [[0.1 * i for i in range(len(one))] for one in charges]
    lists = {"pt": pt, "eta": zeros, "phi": zeros, "charge": charges}
    table = ak.zip({f"Electron_{name}": ak.Array(of) for name, of in lists.items()}, depth_limit=1)
    with pytest.warns(SurplusObjects, match=r"1 selected events left out, with more than 2 of e\+"):
        x = read(table, process=process, columns={}).x
    np.testing.assert_array_equal(process.present(x).sum(1), [1, 2, 3])


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A file in the layout of the full events, one event of which has eleven jets."""
    monkeypatch.setattr(whole_events, "_TRAIN", 3)
    monkeypatch.setattr(whole_events, "_VALIDATION", 1)
    events = made_up([2, 11, 5, 4, 3, 2], process=counted(2, 12))
    electron, met, jets = (polar(objects) for objects in ragged(events).values())
    with h5py.File(tmp_path / "events.h5", "w") as file:
        file["electron"], file["met"], file["FDL"] = electron[:, :3], met[:, [0, 2]], events.z
        file["jets"], file["jet_count"] = jets, [2, 11, 5, 4, 3, 2]
    return tmp_path / "events.h5", events


def ragged(events):
    arrays = flat_arrays(events.x, events.process)
    return {name: arrays[name].astype("f8") for name in ("e-", "met", "jet")}


def polar(objects):
    """pT, η, φ, mass and features of objects (n, 4 + features)."""
    px, py, pz, energy = objects[:, :4].T
    pt, mass = np.hypot(px, py), np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))
    return np.concatenate(
        [np.stack([pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass], 1), objects[:, 4:]], 1
    )


def test_the_file_of_whole_events(small):
    path, events = small
    with pytest.warns(SurplusObjects, match="1 selected events left out, with more than 10 of jet"):
        split = ttbar_events(path)
    parts = [(split.train, [0, 2]), (split.validation, [3]), (split.test, [4, 5])]
    for part, rows in parts:
        assert part.process == PROCESS
        np.testing.assert_array_equal(part.z, events.z[rows])
        expected = padded(flat_arrays(events.x[rows], events.process), PROCESS)
        np.testing.assert_allclose(part.x, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.pop("met"), "no data set met; there are FDL, electron"),
        (lambda file: file.update(jets=file.pop("jets")[:-1]), "the sum of jet_count is not the number of"),
        (
            lambda file: file.update(jets=file["jets"][:, :4]),
            r"jets must have shape \(n, 5\), got \(27, 4\)",
        ),
        (
            lambda file: file.update(FDL=file.pop("FDL")[:-1]),
            "same events, got 5 FDL, 6 electron",
        ),
    ],
)
def test_other_files_are_told_in_one_line(small, change, message):
    path, _ = small
    with h5py.File(path) as file:
        content = {name: file[name][...] for name in file}
    change(content)
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values
    with pytest.raises(ValueError, match=message) as caught:
        ttbar_events(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(not FULL.is_file(), reason="the file is not part of the package")
def test_the_full_file():
    with h5py.File(FULL) as file:
        counts, partons = file["jet_count"][...], file["FDL"][...]
    assert (counts > 10).sum() == 78
    with pytest.warns(SurplusObjects, match="selected events left out, with more than 10 of jet"):
        split = ttbar_events(FULL)
    rows = slice(0, 70_000), slice(70_000, 75_000), slice(75_000, None)
    for part, of in zip((split.train, split.validation, split.test), rows, strict=True):
        wanted = counts[of] <= 10
        np.testing.assert_array_equal(PROCESS.present(part.x)[:, 2:].sum(1), counts[of][wanted])
        np.testing.assert_array_equal(part.z, partons[of][wanted])
        assert accepted(part.x, PROCESS).mean() > 0.9999
