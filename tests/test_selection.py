"""Selection of whole events: formulas, functions, and the acceptance of the process."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from mizoo.datasets import read, write
from mizoo.physics.library import zh as ZH
from mizoo.physics.process import Process
from mizoo.physics.selection import Selection

DATA = Path(__file__).parent / "data"
ROOT = DATA / "zh_reco.root"


@pytest.fixture(scope="module")
def events():
    with uproot.open(ROOT) as file:
        return file["Delphes"].arrays()


def process(select=None, **jet):
    content = ZH.to_dict()
    content["objects"][2] |= jet
    return Process(**{**content, "select": select})


def hardest(events):
    return ak.fill_none(ak.max(events["Jet.PT"], axis=1), 0.0)


def softest(events):
    return ak.fill_none(ak.min(events["Electron.PT"], axis=1), np.inf)


FORMULAS = {
    "n_electrons == 2 and n_jets >= 3": lambda e: (
        (ak.num(e["Electron.PT"]) == 2) & (ak.num(e["Jet.PT"]) >= 3)
    ),
    "count(jet.pt > 60) == 2": lambda e: ak.sum(e["Jet.PT"] > 60, axis=1) == 2,
    "any(abs(jet.eta) < 1) and not n_muons > 0": lambda e: (
        ak.any(abs(e["Jet.Eta"]) < 1, axis=1) & (ak.num(e["Muon.PT"]) == 0)
    ),
    "all(jet.pt > 30)": lambda e: ak.all(e["Jet.PT"] > 30, axis=1),
    "max(jet.pt) > 100 or min(electron.pt) < 20": lambda e: (hardest(e) > 100) | (softest(e) < 20),
    "not max(jet.pt) > 100": lambda e: ~(hardest(e) > 100),
    "sum(jet.pt) > 150": lambda e: ak.sum(e["Jet.PT"], axis=1) > 150,
    "count(jet.btag > 0) == 2": lambda e: ak.sum(e["Jet.BTag"] > 0, axis=1) == 2,
    "any(jet.mass > 15)": lambda e: ak.any(e["Jet.Mass"] > 15, axis=1),
    "count(electron.pt > 40) == 2": lambda e: ak.sum(e["Electron.PT"] > 40, axis=1) == 2,
    "sum(electron.charge) == 0 and n_jets == 2": lambda e: (
        (ak.sum(e["Electron.Charge"], axis=1) == 0) & (ak.num(e["Jet.PT"]) == 2)
    ),
    "met.pt > 20": lambda e: e["MissingET.MET"][:, 0] > 20,
    "n_photons == 0 and 1 < 2": lambda e: ak.num(e["Photon.PT"]) == 0,
}


@pytest.mark.ci
@pytest.mark.parametrize(("formula", "mask"), FORMULAS.items(), ids=FORMULAS)
def test_formulas_are_those_of_plain_arrays(formula, mask, events):
    charges = events["Electron.Charge"]
    complete = (ak.num(events["Jet.PT"]) >= 2) & ak.any(charges < 0, axis=1) & ak.any(charges > 0, axis=1)
    wanted = np.asarray(complete & mask(events))
    assert 0 < wanted.sum() < len(wanted)
    for by in ({"process": process(formula)}, {"process": process(), "select": formula}):
        x = read(ROOT, **by).x.reshape(-1, 4, 4)
        assert len(x) == wanted.sum()
        jets = np.sort(ak.to_numpy(events["Jet.PT"][wanted][:, :2]), 1)[:, ::-1]
        np.testing.assert_allclose(np.hypot(x[:, 2:, 0], x[:, 2:, 1]), jets, rtol=1e-5)


def test_a_function_sees_the_same_objects():
    def two_hard_jets(objects, process):
        assert process == ZH
        return np.asarray(ak.sum(objects["jet"].pt > 60, axis=1) == 2)

    found = read(ROOT, process=ZH, select=two_hard_jets).x
    np.testing.assert_array_equal(found, read(ROOT, process=ZH, select="count(jet.pt > 60) == 2").x)


def test_by_default_there_are_exactly_the_objects(events):
    counts = {n: ak.num(events[f"{n}.PT"]) for n in ("Electron", "Muon", "Photon", "Jet")}
    expected = {"Electron": 2, "Muon": 0, "Photon": 0, "Jet": 2}
    wanted = np.all([counts[n] == count for n, count in expected.items()], 0)
    wanted &= np.asarray(ak.sum(events["Electron.Charge"], axis=1) == 0)
    assert len(read(ROOT, process=process())) == wanted.sum() > 0


def test_objects_are_those_in_the_acceptance(events):
    hard = ak.sum((events["Jet.PT"] >= 40) & (abs(events["Jet.Eta"]) <= 2), axis=1)
    charges = ak.sum(events["Electron.Charge"], axis=1) == 0
    wanted = np.asarray((hard == 2) & charges & (ak.num(events["Electron.PT"]) == 2))
    x = read(ROOT, process=process("n_electrons == 2 and n_jets == 2", pt=40, eta=2.0)).x.reshape(-1, 4, 4)
    assert len(x) == wanted.sum() > 0
    pt = np.hypot(x[:, 2:, 0], x[:, 2:, 1])
    assert pt.min() >= 40.0
    assert np.abs(np.arcsinh(x[:, 2:, 2] / pt)).max() <= 2.0


def test_any_number_of_objects(events):
    several = process(count=[1, 3])
    x = read(ROOT, process=several).x.reshape(-1, 5, 4)
    counts = ak.num(events["Jet.PT"])
    wanted = np.asarray((counts >= 1) & (counts <= 3) & (ak.num(events["Photon.PT"]) == 0)
                        & (ak.num(events["Muon.PT"]) == 0) & (ak.num(events["Electron.PT"]) == 2)
                        & (ak.sum(events["Electron.Charge"], axis=1) == 0))  # fmt: skip
    np.testing.assert_array_equal((x[:, 2:, 3] > 0.0).sum(1), ak.to_numpy(counts)[wanted])


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("n_jet == 2", "no n_jet; there are n_electrons, n_muons"),
        ("leptons.pt > 3", "no leptons; there are"),
        ("n_jets == ", "is no formula"),
        ("mean(jet.pt) > 3", "no function mean; there are .*count, any"),
        ("__import__('os')", "no function __import__"),
    ],
)
def test_names_that_are_not_known(formula, message, tmp_path):
    for call in (Selection, process):
        with pytest.raises(ValueError, match=message) as caught:
            call(formula)
        assert "\n" not in str(caught.value)
    (tmp_path / "p.yaml").write_text(f"name: a\npartons: [{{name: e-, pdgid: 11}}]\nselect: {formula!r}\n")
    with pytest.raises(ValueError, match=rf"p\.yaml, line 3: select: .*{message}"):
        Process.load(tmp_path / "p.yaml")
    with pytest.raises(ValueError, match=rf"zh_reco\.root: .*{message}"):
        read(ROOT, process=ZH, select=formula)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("any(jet.ptt > 3)", "no jet.ptt"),
        ("any(jet.charge > 3)", "no jet.charge"),
        ("jet.pt > 30", r"a value per object: use count\(\), any\(\) or all\(\)"),
        ("n_jets", "must give one truth value per event"),
        ("n_taus == 0", "no columns of objects of the kind tau"),
    ],
)
def test_formulas_that_fail(formula, message):
    with pytest.raises(ValueError, match=rf"zh_reco\.root: .*{message}") as caught:
        read(ROOT, process=ZH, select=formula)
    assert "\n" not in str(caught.value)


def test_a_selection_of_nothing_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"zh_reco\.root: no events of zh after selection by 'n_jets > 90'"
    ):
        read(ROOT, process=ZH, select="n_jets > 90")
    write(tmp_path / "a.parquet", read(ROOT, process=ZH))
    with pytest.raises(ValueError, match=r"a\.parquet: select is for whole events, of Delphes or with"):
        read(tmp_path / "a.parquet", select="n_jets == 2")
