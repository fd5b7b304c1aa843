"""Evaluation of events with any number of jets: observables, masses, responses, tables and figures."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from whole_events import PROCESS, made_up

import mizoo
from mizoo.datasets import Events
from mizoo.evaluation import classifier_test, compare, pair_features, responses
from mizoo.evaluation.domain import Domain
from mizoo.evaluation.figures.draw import of_report
from mizoo.evaluation.joint import correlations
from mizoo.evaluation.observables import label, observables, polar
from mizoo.physics import reconstruct
from mizoo.physics.process import Process

EVENTS = made_up([2, 3, 4, 6, 8] * 40)
JETS = np.array([2, 3, 4, 6, 8] * 40)


def test_observables_are_nan_where_there_is_no_object():
    named = observables(EVENTS.x, "x", PROCESS)
    np.testing.assert_array_equal(named["n_jet"], JETS)
    np.testing.assert_array_equal(np.isnan(named["px_jet5"]), JETS < 5)
    np.testing.assert_array_equal(np.isnan(named["btag_jet7"]), JETS < 7)
    assert "pz_met" not in named
    tagged = np.nansum([named[f"btag_jet{i + 1}"] for i in range(10)], 0)
    np.testing.assert_array_equal(named["n_btag_jet"], tagged)
    pt = np.nansum([np.hypot(named[f"px_jet{i + 1}"], named[f"py_jet{i + 1}"]) for i in range(10)], 0)
    np.testing.assert_allclose(named["ht_jet"], pt, rtol=1e-5)
    np.testing.assert_array_equal(np.isnan(polar(EVENTS.x, PROCESS)[1][:, 4]), JETS < 3)
    assert label("n_jet", "x", PROCESS) == r"$N_\mathrm{jet}$"
    assert label("ht_jet", "x", PROCESS) == r"$H_T^\mathrm{jet}$"
    assert label("n_btag_jet", "x", PROCESS) == r"$N_\mathrm{btag, jet}$"


def fixed(count):
    """The process with a fixed number of jets, without features."""
    content = PROCESS.to_dict()
    jets = {**content["objects"][2], "count": count, "features": []}
    return Process(**{**content, "objects": [*content["objects"][:2], jets]})


@pytest.mark.parametrize("count", [4, 6, 8])
def test_masses_are_those_of_the_six_hardest_jets(count):
    chosen, used = EVENTS.x[count == JETS], min(count, 6)
    known = reconstruct(chosen[:, : 8 + 4 * used], fixed(used))
    found = reconstruct(chosen, PROCESS)
    assert {*found} == {"m_tt", "m_w_had", "m_t_had", "m_w_lep", "m_t_lep"} == {*known}
    for name, values in known.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12)


def test_masses_are_nan_with_too_few_jets():
    for values in reconstruct(EVENTS.x, PROCESS).values():
        np.testing.assert_array_equal(np.isnan(values), JETS < 4)


def test_responses_are_of_jets_that_exist():
    found = responses(EVENTS.x, EVENTS.z, PROCESS)
    np.testing.assert_array_equal(np.isfinite(found["jet_pt"]).sum(1), np.minimum(JETS, 4))
    assert np.isfinite(found["electron_pt"]).all()


@pytest.mark.ci
def test_tables_compare_values_that_exist():
    table = compare(EVENTS, EVENTS).table
    assert (table["ks"] == 0.0).all()
    assert ("x_tilde", "px_jet8") in table.index
    assert ("x_tilde", "px_jet9") not in table.index  # no event has nine jets
    few, all_of_them = (table.loc[("x_tilde", name), "threshold"] for name in ("px_jet8", "px_jet1"))
    assert few / all_of_them == pytest.approx(5**0.5)


def test_a_wrong_number_of_jets_is_seen():
    half = made_up([2] * 200, seed=1)
    table = compare(EVENTS.only("x"), half.only("x")).table["ks"]["x_tilde"]
    assert table["n_jet"] == pytest.approx(0.8)
    assert table["ht_jet"] > 0.5


def test_correlations_are_over_events_with_both():
    random = np.random.default_rng(0)
    values = random.normal(size=(5000, 3))
    values[:, 1] += values[:, 0]
    values[:2500, 1] = np.nan
    found = correlations(values)
    assert found[0, 1] == pytest.approx(0.5**0.5, abs=0.03)
    assert found[0, 2] == pytest.approx(0.0, abs=0.04)
    np.testing.assert_allclose(np.diag(found), 1.0)
    plain = random.normal(size=(50, 3))
    np.testing.assert_allclose(correlations(plain), np.corrcoef(plain.T))


def test_the_domain_has_the_jets_that_training_has_seen():
    seen = Domain.of(EVENTS)
    assert not seen.outside(EVENTS.x, "x", PROCESS).any()
    more = made_up([9, 2], seed=2)
    outside = seen.outside(more.x, "x", PROCESS)
    line = seen.describe(outside, "x")
    assert outside[0].any()
    assert list(seen.ranges["x"])[:2] == ["pt_e-", "eta_e-"]
    assert line.startswith("1 of 2 events lie outside") or line.startswith("2 of 2")
    assert Domain.from_dict(seen.to_dict()) == seen


@pytest.mark.ci
def test_a_classifier_takes_events_that_lack_objects():
    same = pair_features(EVENTS.x, EVENTS.z, PROCESS)
    other = made_up([2, 3, 4, 6, 8] * 40, seed=3)
    assert classifier_test(same, pair_features(other.x, EVENTS.z, PROCESS)).value < 0.75
    lost = made_up([2] * 200, seed=4)
    assert classifier_test(same, pair_features(lost.x, EVENTS.z, PROCESS)).value > 0.8


@pytest.mark.ci
def test_figures_of_any_number_of_jets():
    report = compare(EVENTS, made_up([2, 3, 4, 6, 8] * 40, seed=5))
    known = dict(of_report(report))
    assert {"x_jet1", "x_jet8", "x_masses", "x_jet_numbers", "response", "transport_jet"} <= {*known}
    assert "x_jet9" not in known
    figure = known["x_jet_numbers"]()
    numbers, tags, sums = figure.axes[3:]
    assert numbers.get_xlim() == (1.5, 8.5)  # a bin for each number
    assert "GeV" not in numbers.get_xlabel() + tags.get_xlabel()
    assert sums.get_xlabel().endswith("[GeV]")
    for name in ("x_jet8", "x_corner", "x_tilde_correlations", "response", "resolution"):
        known[name]()
    plt.close("all")


def test_events_of_four_jets_have_the_same_masses_in_both_descriptions():
    """The packaged events, as those of the process with any number of jets."""
    events = mizoo.datasets.ttbar().train[:50]
    x = np.zeros((50, 58), "f4")
    x[:, :24] = events.x
    x[:, 6], x[:, 7] = 0.0, np.hypot(x[:, 4], x[:, 5])
    whole = Events(x, process=PROCESS)
    for name, values in reconstruct(whole.x, PROCESS).items():
        np.testing.assert_allclose(values, reconstruct(x[:, :24], mizoo.processes.ttbar)[name], rtol=1e-6)
