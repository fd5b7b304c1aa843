"""Observables, responses, tables and figures follow from the process, whatever it is."""

from itertools import permutations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import mizoo
from mizoo import Process
from mizoo.datasets import Events
from mizoo.evaluation import compare, evaluate, features, figures, observables, pair_features, responses
from mizoo.evaluation.conditional import partners
from mizoo.evaluation.figures.draw import of_report
from mizoo.evaluation.observables import label

EEEJJ = Process(
    name="eeejj",
    partons=[
        {"name": "e-1", "pdgid": 11},
        {"name": "e-2", "pdgid": 11},
        {"name": "e+", "pdgid": -11},
        {"name": "u", "pdgid": 2},
        {"name": "dbar", "pdgid": -1, "label": r"\bar d"},
    ],
    decays=[{"name": "W", "pdgid": 24, "daughters": ["u", "dbar"]}],
    objects=[
        {"name": "e-", "kind": "electron", "charge": -1, "count": 2, "pt": 10, "eta": 2.5},
        {"name": "e+", "kind": "electron", "charge": 1, "pt": 10, "eta": 2.5},
        {"name": "jet", "kind": "jet", "count": 2, "pt": 20, "eta": 4.5},
    ],
)
PROCESSES = [mizoo.processes.zee, mizoo.processes.zh, mizoo.processes.ttbar, EEEJJ]
every = pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)


def four(momenta, masses):
    """Events (n, 4 × objects) of momenta (n, objects, 3)."""
    energy = np.sqrt(np.square(momenta).sum(-1, keepdims=True) + np.square(masses)[:, None])
    return np.concatenate([momenta, energy], -1).reshape(len(momenta), -1).astype("float32")


def toy(process, count, spread=0.0, seed=0):
    """Pairs: leptons lose a tenth and jets gain a fifth of their momentum, and come by falling pT."""
    rng = np.random.default_rng(seed)
    z = rng.normal(scale=40.0, size=(count, len(process.z), 3))
    z[..., :2] *= (20.0 / np.linalg.norm(z[..., :2], axis=-1, keepdims=True)).clip(1.0)
    x = rng.normal(scale=40.0, size=(count, len(process.x), 3))
    for match in process.matches:
        factor = 1.2 if match.kind == "jet" else 0.9
        smeared = z[:, list(match.partons)] * (factor + spread * rng.normal(size=(count, 1, 1)))
        order = np.argsort(-np.hypot(smeared[..., 0], smeared[..., 1]), axis=1)
        x[:, list(match.objects)] = np.take_along_axis(smeared, order[..., None], 1)
    return Events(four(x, process.masses("x")), four(z, process.masses("z")), process=process)


def save_small(figure, path):
    """Draw a figure in few pixels, for speed."""
    figure.set_layout_engine("none")
    figure.savefig(path.with_suffix(".png"), dpi=15)
    plt.close(figure)


@every
def test_responses_find_the_partons_of_the_objects(process):
    events = toy(process, 50)
    found = responses(events.x, events.z, process)
    kinds = dict.fromkeys(match.kind for match in process.matches if match.kind != "met")
    assert list(found) == [f"{kind}_{name}" for kind in kinds for name in ("pt", "eta", "phi")]
    for kind in kinds:
        count = sum(one.kind == kind for one in process.x)
        assert found[f"{kind}_pt"].shape == (50, count)
        np.testing.assert_allclose(found[f"{kind}_pt"], 0.2 if kind == "jet" else -0.1, atol=1e-4)
        np.testing.assert_allclose(found[f"{kind}_eta"], 0.0, atol=1e-4)
        np.testing.assert_allclose(found[f"{kind}_phi"], 0.0, atol=1e-4)
    pairs = pair_features(events.x, events.z, process)
    parts = [features(events[space], space, process) for space in "xz"]
    assert pairs.shape[1] == sum(part.shape[1] for part in parts) + 3 * sum(
        found[f"{kind}_pt"].shape[1] for kind in kinds
    )


@pytest.mark.parametrize(("jets", "pairs"), [(1, 1), (4, 2)])
def test_objects_and_partons_without_partners_are_left_out(jets, pairs):
    content = EEEJJ.to_dict()
    content["objects"][-1] |= {"count": jets, "name": "j"}
    process = Process(**content)
    events = toy(EEEJJ, 40)
    momenta = events.x.reshape(40, 5, 4)
    far = np.tile([0.0, 30.0, 1000.0, np.hypot(30.0, 1000.0)], (40, 2, 1))
    # The second jet first, then two that no parton is near.
    ours = np.concatenate([momenta[:, :3], momenta[:, 4:], far, momenta[:, 3:4]], 1)
    x = ours[:, : 3 + jets] if jets == 1 else ours
    found = responses(x.reshape(40, -1), events.z, process)
    assert found["jet_pt"].shape == (40, pairs)
    np.testing.assert_allclose(found["jet_pt"], 0.2, atol=1e-4)
    assert found["electron_pt"].shape == (40, 3)


def test_partners_are_those_of_all_permutations(ttbar):
    """The least sum of distances, as a plain loop over permutations finds it."""
    data = ttbar.validation[:100]
    found = partners(data.x, data.z, data.process)["jet"]
    for i in range(100):
        polar = {}
        for space in "xz":
            px, py, pz, _ = data[space][i].reshape(6, 4)[2:].astype("float64").T
            pt = np.hypot(px, py)
            polar[space] = np.stack([np.sqrt(0.1) * np.log(pt), np.arcsinh(pz / pt), np.arctan2(py, px)])
        gaps = polar["x"][:, :, None] - polar["z"][:, None]
        gaps[2] = (gaps[2] + np.pi) % (2 * np.pi) - np.pi
        distances = np.linalg.norm(gaps, axis=0)
        best = min(
            permutations(range(4)), key=lambda order: sum(distances[j, k] for k, j in enumerate(order))
        )
        np.testing.assert_allclose(found["eta"][0][i], polar["x"][1][list(best)], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found["eta"][1][i], polar["z"][1], rtol=1e-5, atol=1e-5)


@every
def test_observables_have_names_and_labels_of_the_process(process):
    events = toy(process, 5)
    for space in "xz":
        named = observables(events[space], space, process)
        assert list(named)[: 4 * len(process.particles(space))] == process.columns(space)
        assert set(named) - set(process.columns(space)) == set(process.systems)
        for name in process.systems:
            assert label(name, space, process) == f"${process.label_of(name)}$"
            assert np.isfinite(named[name]).all()
    assert label("m_Z", "x", mizoo.processes.zh) != label("m_H", "x", mizoo.processes.zh)


def test_missing_momentum_of_two_components_has_no_pz():
    content = mizoo.processes.ttbar.to_dict()
    content["objects"][1] = {"name": "met", "kind": "met"}
    process = Process(**content)
    events = toy(process, 5)
    named = observables(events.x, "x", process)
    assert "pz_met" not in named
    assert {"px_met", "py_met", "E_met", "m_tt"} <= set(named)


@pytest.mark.slow
@pytest.mark.parametrize("process", [p for p in PROCESSES if p.name != "ttbar"], ids=lambda p: p.name)
def test_reports_and_figures_are_those_of_the_process(process, tmp_path):
    events, other = toy(process, 80, 0.05), toy(process, 80, 0.05, seed=1)
    report = compare(events, other, name="other")
    assert not report.table["paper"].any()
    assert report.benchmark is None
    assert report.to_dict()["cells"] == {}
    with pytest.raises(ValueError, match="published table"):
        _ = report.cells
    made = dict(of_report(report))
    kinds = {match.kind for match in process.matches}
    shown = {f"transport_{kind}" for kind in kinds} | {"response", "resolution", "x_masses", "x_e_plus"}
    shown |= {"x_corner"} if len(process.systems) > 1 else set()
    others = {"z_e_plus", "z_masses", "x_tilde_correlations", "z_tilde_correlations"}
    assert shown | others <= set(made)
    for name in shown:
        save_small(made[name](), tmp_path / name)


def test_what_no_parton_becomes_is_not_drawn():
    process = Process(
        name="dark",
        partons=[{"name": "chi", "pdgid": 12}, {"name": "g", "pdgid": 21}],
        objects=[{"name": "photon", "kind": "photon"}],
    )
    assert process.matches == ()
    events = toy(process, 50)
    assert responses(events.x, events.z, process) == {}
    names = {name for name, _ in of_report(compare(events, toy(process, 50, seed=1)))}
    assert names == {"x_photon", "z_chi", "z_g", "z_masses", "x_tilde_correlations", "z_tilde_correlations"}
    with pytest.raises(ValueError, match="process dark has no objects that partons become"):
        figures.response(events.x, events.z, events.x, process)
    with pytest.raises(ValueError, match="process dark has objects with partons of no kind, not jet"):
        figures.transport(events.x, events.z, events.x, process, "jet")


def test_a_narrow_resonance_has_an_axis():
    """Constant masses, as of the Higgs boson at parton level, can be drawn."""
    zh = mizoo.processes.zh
    events = toy(zh, 60)
    still = np.tile(events.z[:1], (60, 1))
    report = compare(Events(z=still, process=zh), Events(z=events.z, process=zh))
    low, high = figures.ratios(report, "z", ["m_H"]).axes[0].get_xlim()
    mass = observables(still, "z", zh)["m_H"][0]
    assert low < mass < high
    assert 0.01 * mass < high - low < 0.02 * mass  # in bins of a round width


def test_a_model_of_any_process_is_compared_with_the_truth():
    events = toy(EEEJJ, 100, 0.05)

    class Blurred:
        name = "blurred"
        endpoints = ("encode", "decode")

        def encode(self, x):
            return toy(EEEJJ, len(x), 0.05, seed=2).z

        def decode(self, z):
            return toy(EEEJJ, len(z), 0.05, seed=3).x

    report = evaluate(Blurred(), events)
    assert set(report.table.loc["x_tilde"].index) == {*EEEJJ.columns("x"), *EEEJJ.systems}
