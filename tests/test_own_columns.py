"""Files with a user's own columns: flat and jagged trees, Parquet, CSV, HDF5, tables in memory."""

from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pytest
import uproot

from mizoo.datasets import Columns, Events, read, stream, write
from mizoo.physics.library import zee as ZEE
from mizoo.physics.library import zh as ZH

DATA = Path(__file__).parent / "data"
ROOT, LHE = DATA / "zh_reco.root", DATA / "zh_reco.lhe.gz"
SUFFIXES = (".root", ".parquet", ".h5", "memory")
BRANCHES = {
    **{f"{n}_{f.lower()}": f"{n}.{f}" for n in ("Electron", "Muon", "Jet") for f in ("PT", "Eta", "Phi")},
    "Electron_charge": "Electron.Charge", "Muon_charge": "Muon.Charge", "Jet_mass": "Jet.Mass",
    "Jet_btagDeepFlavB": "Jet.BTag", "MET_pt": "MissingET.MET", "MET_phi": "MissingET.Phi",
    "event": "Event.Number", "genWeight": "Event.Weight",
}  # fmt: skip


@pytest.fixture(scope="module")
def nano():
    """The sample with the names of NanoAOD, as awkward arrays by name; the order of objects is turned."""
    with uproot.open(ROOT) as file:
        tree = file["Delphes"]
        found = {name: tree[branch].array() for name, branch in BRANCHES.items()}
    found = {
        name: array[:, ::-1] if name.startswith(("Electron", "Jet")) else array
        for name, array in found.items()
    }
    single = ("MET_pt", "MET_phi", "event", "genWeight")
    return found | {name: found[name][:, 0] for name in single}


@pytest.fixture(scope="module")
def expected():
    return read(ROOT, process=ZH).x


def saved(path, arrays):
    """A file with columns, lists in HDF5 filled up."""
    if path.suffix == ".root":
        with uproot.recreate(path) as file:
            file.mktree("Events", {n: a.type.content for n, a in arrays.items()})
            file["Events"].extend(arrays)
    elif path.suffix == ".parquet":
        ak.to_parquet(ak.zip(arrays, depth_limit=1), path)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                fill = np.nan if name.startswith("Jet") else 0.0
                file[name] = (
                    ak.to_numpy(array)
                    if array.ndim == 1
                    else ak.to_numpy(ak.fill_none(ak.pad_none(array, int(ak.max(ak.num(array)))), fill))
                )
    else:
        return ak.zip(arrays, depth_limit=1)
    return path


@pytest.mark.ci
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_of_nanoaod_are_known(suffix, nano, expected, tmp_path):
    source = saved(tmp_path / f"a{suffix}", nano)
    events = read(source, process=ZH, columns={})
    np.testing.assert_allclose(events.x, expected, rtol=1e-5, atol=1e-4)
    assert events.weights is None  # all are the same
    parts = [part.x for part in stream(source, process=ZH, columns={}, chunk=33)]
    np.testing.assert_array_equal(np.concatenate(parts), events.x)


@pytest.mark.ci
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_and_units_of_ones_own(suffix, nano, expected, tmp_path):
    def momenta(kind):
        pt, eta, phi = (nano[f"{kind}_{field}"] for field in ("pt", "eta", "phi"))
        return {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta)}

    arrays = {f"lep.{n}": 1000.0 * a for n, a in momenta("Electron").items()}
    arrays |= {f"jet.{n}": 1000.0 * a for n, a in momenta("Jet").items()}
    arrays |= {"lep.q": nano["Electron_charge"], "mu.pt": nano["Muon_pt"], "nr": nano["event"]}
    arrays |= {"w": 1.0 + np.arange(len(nano["event"]))}
    arrays = {name: ak.Array(array) for name, array in arrays.items()}
    (tmp_path / "columns.yaml").write_text(
        "tree: Events\nunit: MeV\nweight: w\nevent: nr\nx:\n"
        "  electron: {px: lep.px, py: lep.py, pz: lep.pz, charge: lep.q}\n"
        "  jet: {px: jet.px, py: jet.py, pz: jet.pz}\n"
    )
    source = saved(tmp_path / f"a{suffix}", arrays)
    by = {
        "process": ZH,
        "columns": tmp_path / "columns.yaml",
        "select": "n_electrons == 2 and n_jets == 2",
    }
    events = read(source, **by)
    np.testing.assert_allclose(events.x, expected, rtol=1e-5, atol=1e-4)
    assert len(set(events.weights)) == len(events)
    # Events are matched to their partons by number.
    order = np.random.default_rng(0).permutation(len(nano["event"]))[:250]
    source = saved(tmp_path / f"a{suffix}", {name: array[order] for name, array in arrays.items()})
    pairs = read(source, LHE, **by)
    all_pairs = read(ROOT, LHE, process=ZH)
    known = {tuple(np.round(x[:2], 1)): z for x, z in zip(all_pairs.x, all_pairs.z, strict=True)}
    assert len(pairs) > 10
    for x, z in zip(pairs.x, pairs.z, strict=True):
        np.testing.assert_array_equal(z, known[tuple(np.round(x[:2], 1))])


@pytest.mark.ci
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".h5", "frame"])
def test_flat_columns_of_single_objects(suffix, tmp_path):
    pairs = read(DATA / "zee_reco.root", DATA / "zee_reco.lhe.gz", process=ZEE)
    x, z = pairs.x.reshape(-1, 2, 4), pairs.z.reshape(-1, 2, 4)
    pt = np.hypot(x[..., 0], x[..., 1])
    hard = np.argmax(pt, 1)
    frame = pd.DataFrame(
        {
            **{f"l{i}_pt": pt[np.arange(len(x)), hard if i else 1 - hard] for i in (0, 1)},
            "electron_pt": pt[:, 0], "electron_eta": np.arcsinh(x[:, 0, 2] / pt[:, 0]),
            "electron_phi": np.arctan2(x[:, 0, 1], x[:, 0, 0]), "positron_pt": pt[:, 1],
            "positron_eta": np.arcsinh(x[:, 1, 2] / pt[:, 1]),
            "positron_phi": np.arctan2(x[:, 1, 1], x[:, 1, 0]), "q0": -1, "q1": 1,
            **{f"{c}{i}": z[:, i, j] for i in (0, 1) for j, c in enumerate(("px", "py", "pz", "E"))},
        }
    )  # fmt: skip
    frame.loc[3, "positron_pt"] = np.nan  # no such object
    columns = {
        "x": {
            name: {field: f"{column}_{field}" for field in ("pt", "eta", "phi")}
            for name, column in (("e-", "electron"), ("e+", "positron"))
        },
        "z": {
            "e-": {"px": "px0", "py": "py0", "pz": "pz0", "E": "E0"},
            "e+": {"px": "px1", "py": "py1", "pz": "pz1"},
        },
    }
    path = tmp_path / f"a{suffix}"
    if suffix == "frame":
        path = frame
    elif suffix == ".parquet":
        frame.to_parquet(path)
    elif suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["Events"] = frame.to_records(index=False)
    else:
        frame.to_csv(path, index=False)
    kept = np.arange(len(frame)) != 3
    for x_columns in (
        columns["x"],
        {"electron": [{**columns["x"]["e-"], "charge": "q0"}, {**columns["x"]["e+"], "charge": "q1"}]},
    ):
        by = {"process": ZEE, "columns": {**columns, "x": x_columns}, "select": "n_electrons == 2"}
        events = read(path, **by)
        np.testing.assert_allclose(events.x, pairs.x[kept], rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(events.z, pairs.z[kept], rtol=1e-5, atol=1e-4)
    only_z = read(path, process=ZEE, columns={"z": columns["z"]})
    assert only_z.x is None
    assert len(only_z) == len(frame)


def refused(message, source, **by):
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        read(source, **{"process": ZH, "columns": {}, **by})
    assert "\n" not in str(caught.value)


def test_columns_that_are_not_there_are_named_with_near_ones(nano, tmp_path):
    path = saved(tmp_path / "a.root", {n: a for n, a in nano.items() if n != "Electron_pt"})
    refused(r"a\.root, tree Events: no branch Electron_pt; there is Electron_phi, ", path)
    refused(r"no branch Muons_pt; there is Muon_pt", path, columns={
        "x": {"electron": {"pt": "Jet_pt", "eta": "Jet_eta", "phi": "Jet_phi", "charge": "Jet_mass"},
              "muon": {"pt": "Muons_pt", "eta": "Muon_eta", "phi": "Muon_phi"}}})  # fmt: skip
    refused("no branch Electron_pt, Photon_pt, ", path, select="n_photons == 0")
    refused(
        r"a\.root: no tree 'nTuple', only Events", path, columns={"tree": "nTuple"}, select="n_jets > 0"
    )
    own = {"electron": {"pt": "Muon_pt", "eta": "Muon_eta", "phi": "Muon_phi"}}
    refused("the electrons of zh need a column of their charge", path, columns={"x": own})
    refused("columns of 'lepton', which is neither an object of zh nor a kind", path,
            columns={"x": {"lepton": own["electron"]}})  # fmt: skip
    four = {"pt": "MET_pt", "eta": "MET_phi", "phi": "MET_phi"}
    refused(
        "columns of 'mu', no parton of zh; there are e-, e[+], b, bbar", path, columns={"z": {"mu": four}}
    )
    refused("columns of the parton 'e[+]' of zh are needed as well", path, columns={"z": {"e-": four}})


def test_objects_that_do_not_fit(nano, tmp_path):
    path = tmp_path / "a.root"
    counts = ak.num(nano["Electron_pt"])
    fewer = ak.unflatten(ak.flatten(nano["Electron_eta"])[1:], ak.where(np.arange(len(counts)) == int(
        ak.argmax(counts > 0)), counts - 1, counts))  # fmt: skip
    refused(r"branchs? Electron_pt and Electron_eta have .* objects in event \d+",
            saved(path, nano | {"Electron_eta": fewer}))  # fmt: skip
    refused("these look like MeV", saved(path, nano | {"Jet_pt": 1e3 * nano["Jet_pt"], "Electron_pt":
                                                       1e3 * nano["Electron_pt"]}))  # fmt: skip
    refused("of all electrons is 0.0\\d+, about 10 GeV expected: .* look like TeV",
            saved(path, nano), columns={"unit": "MeV"})  # fmt: skip
    degrees = nano | {"Jet_phi": nano["Jet_phi"] * 57.3}
    refused(r"branch Jet_phi goes up to 1[78]\d.*, radians within", saved(path, degrees))
    infinite = nano | {"Electron_pt": nano["Electron_pt"] * np.inf}
    refused(r"a\.root, event \d+: x, px_e- is \S+ \(not finite\)", saved(path, infinite))


YAML = "unit: GeV\nx:\n  electron:\n    pt: Electron_pt\n    eta: Electron_eta\n    phi: Electron_phi\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (YAML.replace("GeV", "TeV"), r"line 1: unit: Input should be 'GeV' or 'MeV'"),
        (YAML + "    spin: a\n", r"line 7: x\.electron\.0\.spin: there is no such key"),
        (
            YAML + "  jet: {pt: Jet_pt}\n",
            r"line 7: x\.jet\.0: either pt, eta, phi or px, py, pz are needed",
        ),
        (YAML + "  jet: Jet\n", r"line 7: x\.jet\.0: "),
        (YAML + "    px: a\n", r"line 3: x\.electron\.0: either pt, eta, phi or px, py, pz"),
        (YAML + "units: MeV\n", r"line 7: units: there is no such key"),
        ("- a\n", "a mapping of keys to values is expected"),
        ("1: a\n", "a mapping of keys to values is expected"),
        ("unit: [\n", "line 2: no YAML"),
    ],
)
def test_mistakes_in_a_file_of_columns_are_told_by_line_and_key(text, message, tmp_path):
    path = tmp_path / "columns.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"columns\.yaml(, |: ){message}") as caught:
        read(ROOT, process=ZH, columns=path)
    assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"none\.yaml: no such file"):
        Columns.load(tmp_path / "none.yaml")


def test_columns_that_are_not_used_are_refused(nano, tmp_path):
    refused(r"zh_reco\.root: columns are for trees 'Events', Parquet.*; there are none", ROOT)
    events = read(ROOT, process=ZH)
    write(tmp_path / "own.parquet", events)
    refused("columns are for trees", tmp_path / "own.parquet")
    with pytest.raises(ValueError, match="columns are a path or a dictionary, not a int"):
        read(ROOT, process=ZH, columns=3)


def test_missing_momentum_has_the_components_of_the_process(nano, tmp_path):
    def process(components):
        met = {"name": "met", "kind": "met", "components": components}
        return type(ZH)(**{**ZEE.to_dict(), "objects": [*ZEE.to_dict()["objects"], met]})

    any_events = {"select": "n_electrons == 2"}
    x = read(ROOT, process=process(2), **any_events).x[:, -4:]
    three = read(ROOT, process=process(3), **any_events).x[:, -4:]
    np.testing.assert_array_equal(x[:, 2], 0.0)
    np.testing.assert_allclose(x[:, 3], np.hypot(x[:, 0], x[:, 1]), rtol=1e-6)
    np.testing.assert_allclose(x[:, :2], three[:, :2])
    assert np.abs(three[:, 2]).max() > 10.0
    path = saved(tmp_path / "a.root", nano)
    np.testing.assert_allclose(
        read(path, process=process(2), columns={}, **any_events).x[:, -4:], x, rtol=1e-5, atol=1e-4
    )
    met = {"met": {"pt": "MET_pt", "phi": "MET_phi"}}
    refused("has three components: eta or pz is needed", path, process=process(3), columns={"x": met})
    met["met"]["eta"] = "MET_phi"
    refused(
        "has two components: leave the column MET_phi out", path, process=process(2), columns={"x": met}
    )


def test_events_of_a_table_may_be_weighted_by_the_generator(nano, tmp_path):
    weights = ak.Array(np.where(np.arange(len(nano["event"])) % 3, 2.0, -2.0))
    events = read(saved(tmp_path / "a.root", nano | {"genWeight": weights}), process=ZH, columns={})
    assert set(events.weights) == {2.0, -2.0}
    assert isinstance(events, Events)
    refused("no column lumi", tmp_path / "a.root", columns={"weight": "lumi"})
