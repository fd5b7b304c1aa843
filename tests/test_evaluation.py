import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import mizoo
from mizoo import evaluate
from mizoo.datasets import Events
from mizoo.evaluation import compare, figures, responses
from mizoo.evaluation import report as report_module
from mizoo.evaluation.benchmark import TOP_PAIRS
from mizoo.evaluation.distances import (
    DISTANCES,
    chi2,
    effective_sample_size,
    ks,
    ks_threshold,
    thresholds,
    triangular,
    wasserstein,
)
from mizoo.evaluation.figures import learning_curves, save
from mizoo.evaluation.figures.style import round_edges
from mizoo.evaluation.joint import JOINT, joint_thresholds
from mizoo.evaluation.observables import label, observables
from mizoo.evaluation.text import latex, markdown

TTBAR = mizoo.processes.ttbar


class Oracle:
    """Returns the truth: the other member of each pair, in the requested order."""

    name = "oracle"
    endpoints = ("encode", "decode")

    def __init__(self, events):
        self._pairs = {row.tobytes(): other for row, other in zip(events.x, events.z, strict=True)}
        self._pairs |= {row.tobytes(): other for row, other in zip(events.z, events.x, strict=True)}

    def encode(self, events):
        return np.stack([self._pairs[row.tobytes()] for row in events])

    decode = encode


def test_a_perfect_model_has_no_distance(few):
    report = evaluate(Oracle(few.test), few.test)
    assert (report.table["ks"] == 0).all()
    assert (report.table["wasserstein"] == 0).all()
    np.testing.assert_array_equal(report.cells.loc["oracle"], 0.0)


def test_table_has_every_observable_of_every_stream(few):
    report = evaluate(Oracle(few.test), few.test)
    table = report.table
    assert len(table) == 4 * (24 + 5)
    assert set(table.index.get_level_values("stream")) == {"z_tilde", "x_tilde", "x_hat", "z_hat"}
    assert table["paper"].sum() == 10
    assert (table["threshold"] == 1.36 * math.sqrt(2 / 200)).all()
    paper = [(row["space"], name) for (_, name), row in table[table["paper"]].iterrows()]
    assert sorted(paper) == sorted(TOP_PAIRS.cells)


@pytest.mark.ci
def test_doing_nothing_gives_the_known_row(ttbar, monkeypatch):
    """Results of the authors of the events, from other code and other events of the same distribution."""
    none = dict.fromkeys(DISTANCES, 0.0)  # bootstraps of all other observables take half a minute
    monkeypatch.setattr(report_module, "thresholds", lambda *arguments: none)
    truth = ttbar.test
    report = compare(truth, truth)
    known = [13.3, 5.6, 23.3, 13.3, 5.6, 23.3, 17.2, 33.8, 23.4, 47.1]
    np.testing.assert_allclose(report.cells.loc["identity"], known, atol=1.0)
    assert tuple(report.cells.loc["OTUS (paper)"]) == TOP_PAIRS.published["OTUS (paper)"]
    assert report.cells.loc["95 % threshold"].iloc[0] == pytest.approx(1.404, abs=1e-3)


def test_distances_by_definition():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=500), rng.normal(0.3, 1.2, 400)
    grid = np.concatenate([a, b])
    gap = np.abs([np.mean(a <= v) - np.mean(b <= v) for v in grid]).max()
    assert ks(a, b) == pytest.approx(gap)
    assert wasserstein(a, a + 2.5) == pytest.approx(2.5)


def test_floor_is_exceeded_in_five_percent_of_cases():
    rng = np.random.default_rng(0)
    threshold = ks_threshold(300, 300)
    above = np.mean([ks(rng.normal(size=300), rng.normal(size=300)) > threshold for _ in range(1000)])
    assert 0.02 < above < 0.07
    assert scipy.stats.kstwobign.isf(0.05) == pytest.approx(1.36, abs=0.005)


def test_parton_masses(ttbar):
    masses = observables(ttbar.test.z, "z", TTBAR)
    assert np.median(masses["m_w_had"]) == pytest.approx(80.4, abs=0.3)
    assert np.median(masses["m_t_lep"]) == pytest.approx(173.0, abs=0.3)
    assert masses["m_tt"].min() > 250


def test_observables_are_named_and_labelled(few):
    named = observables(few.test.x, "x", TTBAR)
    np.testing.assert_array_equal(named["pz_jet2"], few.test.x[:, 14])
    assert label("pz_jet2", "x", TTBAR) == r"$p_z^{\mathrm{jet}\,2}$"
    assert label("E_b", "z", TTBAR) == "$E^{b}$"
    assert label("m_tt", "x", TTBAR) == r"$m_{t\bar t}$"


def test_values_not_finite_are_refused(few):
    class Broken:
        name = "broken"
        endpoints = ("encode", "decode")

        def encode(self, events):
            return events.copy()

        def decode(self, events):
            drawn = events.copy()
            drawn[3, 8] = np.nan
            return drawn

    with pytest.raises(ValueError, match=r"simulate: .* not finite in event 3, column 8"):
        evaluate(Broken(), few.test)


@pytest.mark.ci
def test_report_saves_table_and_metrics(few, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(report_module, "draw", lambda report, directory: drawn.append(directory))
    report = evaluate(Oracle(few.test), few.test)
    report.save(tmp_path)
    assert drawn == [tmp_path / "figures"]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["events"] == 200
    assert metrics["cells"]["oracle"]["m_tt"] == 0.0
    assert len(metrics["table"]) == 116
    assert (tmp_path / "table.csv").read_text().startswith("stream,observable,space,ks,wasserstein,")
    assert (tmp_path / "table.tex").read_text().count("\\\\") == 1 + 116
    assert (tmp_path / "table.md").read_text().count("\n") == 2 + 116


@pytest.mark.slow
def test_report_draws_figures(few, tmp_path):
    """`.ci/run` draws those of a shipped model."""
    report = evaluate(Oracle(few.test), few.test)
    figures.draw(report, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    stems = {"x_masses", "z_masses", "z_b", "x_jet1", "x_corner", "x_tilde_correlations"}
    stems |= {"transport_jet", "response", "resolution"}
    assert {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "pdf")} <= names
    assert len(names) == 2 * 24


def test_weighted_distances_are_those_of_repeated_events():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=300), rng.normal(0.2, 1.1, 400)
    times_a, times_b = rng.integers(0, 4, 300), rng.integers(0, 4, 400)
    repeated = np.repeat(a, times_a), np.repeat(b, times_b)
    assert ks(a, b, times_a, times_b) == pytest.approx(scipy.stats.ks_2samp(*repeated).statistic)
    expected = scipy.stats.wasserstein_distance(a, b, times_a, times_b)
    assert wasserstein(a, b, times_a, times_b) == pytest.approx(expected)
    assert effective_sample_size(300, np.full(300, 7.0)) == pytest.approx(300)
    assert effective_sample_size(300, times_a) < 300


def test_discriminators_by_definition():
    low, high = np.arange(0.0, 100.0), np.arange(200.0, 300.0)
    assert triangular(low, high) == pytest.approx(1.0)
    assert triangular(low, low) == 0.0
    rng = np.random.default_rng(0)
    same = [chi2(*rng.normal(size=(2, 5000))) for _ in range(40)]
    assert np.mean(same) == pytest.approx(1.0, abs=0.1)
    assert chi2(rng.normal(size=5000), rng.normal(0.3, 1.0, 5000)) > 3.0


@pytest.mark.slow
def test_bootstrapped_floors_are_exceeded_in_five_percent_of_cases():
    rng = np.random.default_rng(0)
    own = thresholds(rng.normal(size=2000), 1000, resamples=400)
    assert own["ks"] == pytest.approx(ks_threshold(2000, 1000), rel=0.15)
    for name, distance in DISTANCES.items():
        above = [distance(rng.normal(size=2000), rng.normal(size=1000)) > own[name] for _ in range(400)]
        assert 0.01 < np.mean(above) < 0.12, name


@pytest.mark.slow
def test_joint_distances_see_what_marginals_hide():
    rng = np.random.default_rng(0)
    free = rng.normal(size=(3000, 2))
    tied = free @ np.array([[1.0, 0.6], [0.0, 0.8]])  # the same marginals
    own = joint_thresholds(free, 3000)
    for name, distance in JOINT.items():
        assert distance(free, rng.normal(size=(3000, 2))) < 1.5 * own[name]
        assert distance(free, tied) > 2.0 * own[name], name
    assert JOINT["correlation"](free, tied) == pytest.approx(0.6, abs=0.05)


@pytest.mark.slow
def test_weights_turn_one_sample_into_another(few):
    """Events drawn with a bias, and the weights that undo it."""
    z = few.train.z[np.random.default_rng(0).integers(len(few.train), size=4000)]
    kept = np.random.default_rng(1).random(4000) < (chance := 1.0 / (1.0 + z[:, 3] / 50.0))
    biased = Events(z=z[kept], process=TTBAR, weights=1.0 / chance[kept])
    weighted = compare(Events(z=z, process=TTBAR), biased).table.loc["z_tilde"]
    bare = compare(Events(z=z, process=TTBAR), replace(biased, weights=None)).table.loc["z_tilde"]
    assert bare.loc["E_e-", "ks"] > 2.0 * bare.loc["E_e-", "threshold"]
    assert weighted.loc["E_e-", "ks"] < weighted.loc["E_e-", "threshold"]


@pytest.mark.slow
def test_joint_report_of_a_perfect_model(few):
    joint = evaluate(Oracle(few.test), few.test, joint=True).joint
    assert list(joint.index) == ["z_tilde", "x_tilde", "x_hat", "z_hat"]
    assert joint.loc["x_tilde", "correlation"] == 0.0
    assert joint.loc["x_tilde", "AUC"] < 0.6


@pytest.mark.ci
def test_figures_heed_weights(few):
    """Events of weight 0 have no effect."""
    x, z, half = few.test.x, few.test.z, np.arange(200) < 100
    weights = half.astype(float)
    named = observables(x, "x", TTBAR)
    drawn = figures.corner({"truth": named}, {"m_tt": "m", "m_t_had": "m"}, {"truth": weights})
    edges = np.linspace(*np.percentile(named["m_tt"], [0.5, 98.0]), 41)
    heights = drawn.axes[0].patches[0].get_xy()[1:-1:2, 1]
    np.testing.assert_allclose(100 * heights, np.histogram(named["m_tt"][half], edges)[0], atol=1e-9)
    found = responses(x, z, TTBAR)["jet_pt"]
    edges = round_edges(found, [2.0, 98.0], 60)
    heights = figures.response(x, z, x, TTBAR, weights).axes[6].patches[0].get_data()[0]
    np.testing.assert_allclose(heights, np.histogram(found[half], edges)[0])
    rows = np.repeat(np.arange(200), 1 + half)
    both = (
        figures.resolution(x, z, x, TTBAR, 1.0 + weights, bins=1),
        figures.resolution(x[rows], z[rows], x[rows], TTBAR, bins=1),
    )
    lines = [[line.get_ydata() for line in drawn.axes[1].get_lines()[:4]] for drawn in both]
    np.testing.assert_allclose(*lines, atol=0.02)
    assert len(figures.transport(x, z, x, TTBAR, "jet", weights).axes) == 12  # with colour bars


def test_samples_that_have_nothing_in_common_are_refused(few):
    with pytest.raises(ValueError, match="no space in common"):
        compare(few.test.only("x"), few.test.only("z"))


@pytest.mark.ci
def test_learning_curves_have_one_panel_a_term(tmp_path):
    log = tmp_path / "metrics.csv"
    log.write_text(
        "epoch,seconds,loss,L_x_tilde,val_loss,val_L_x_tilde,val_ks\n0,1,3,2,3,2,nan\n1,1,2,1,2,1,4\n"
    )
    figure = learning_curves(log)
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles == ["loss", "L_x_tilde", "ks"]
    assert [path.suffix for path in save(figure, tmp_path / "history")] == [".png", ".pdf"]
    with pytest.raises(ValueError, match="no terms"):
        learning_curves({"epoch": [0]})


def test_tables_as_text():
    frame = pd.DataFrame({"a_b": [1.0, None], "of": ["m_W", "x"]}, index=["one", "two words"])
    assert (
        markdown(frame)
        == "| | `a_b` | `of` |\n|---|---|---|\n| `one` | 1.00 | m_W |\n| two words | – | x |\n"
    )
    assert r"one & 1.00 & m\_W \\" in latex(frame)
