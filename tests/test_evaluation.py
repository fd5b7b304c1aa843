import json
import math

import numpy as np
import pytest
import scipy.stats

from mizoo import evaluate
from mizoo.evaluation.distances import ks, ks_floor, wasserstein
from mizoo.evaluation.observables import label, observables, parton_masses
from mizoo.evaluation.published import CELLS, PUBLISHED


class Oracle:
    """Knows the truth: the other member of each pair, in the order asked."""

    name = "oracle"

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
    assert (table["floor"] == 1.36 * math.sqrt(2 / 200)).all()
    paper = [(row["space"], name) for (_, name), row in table[table["paper"]].iterrows()]
    assert sorted(paper) == sorted(CELLS)


def test_doing_nothing_gives_the_known_row(ttbar):
    """Figures of the events' makers, from other code and other events of the same law."""
    from mizoo.evaluation.report import Report

    truth = ttbar.test
    report = Report("m", None, truth, {"z_tilde": truth.z, "x_tilde": truth.x})
    known = [13.3, 5.6, 23.3, 13.3, 5.6, 23.3, 17.2, 33.8, 23.4, 47.1]
    np.testing.assert_allclose(report.cells.loc["doing nothing"], known, atol=1.0)
    assert tuple(report.cells.loc["OTUS (paper)"]) == PUBLISHED["OTUS (paper)"]
    assert report.cells.loc["95 % floor"].iloc[0] == pytest.approx(1.404, abs=1e-3)


def test_distances_by_definition():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=500), rng.normal(0.3, 1.2, 400)
    grid = np.concatenate([a, b])
    gap = np.abs([np.mean(a <= v) - np.mean(b <= v) for v in grid]).max()
    assert ks(a, b) == pytest.approx(gap)
    assert wasserstein(a, a + 2.5) == pytest.approx(2.5)


def test_floor_is_exceeded_in_five_percent_of_cases():
    rng = np.random.default_rng(0)
    floor = ks_floor(300, 300)
    above = np.mean([ks(rng.normal(size=300), rng.normal(size=300)) > floor for _ in range(1000)])
    assert 0.02 < above < 0.07
    assert scipy.stats.kstwobign.isf(0.05) == pytest.approx(1.36, abs=0.005)


def test_parton_masses(ttbar):
    masses = parton_masses(ttbar.test.z)
    assert np.median(masses.m_w_had) == pytest.approx(80.4, abs=0.3)
    assert np.median(masses.m_t_lep) == pytest.approx(173.0, abs=0.3)
    assert masses.m_tt.min() > 250


def test_observables_are_named_and_labelled(few):
    named = observables(few.test.x, "x")
    np.testing.assert_array_equal(named["pz_jet2"], few.test.x[:, 14])
    assert label("pz_jet2", "x") == r"$p_z^{\mathrm{jet}\,2}$"
    assert label("E_b", "z") == "$E^{b}$"
    assert label("m_tt", "x") == r"$m_{t\bar t}$"


def test_values_not_finite_are_refused(few):
    class Broken:
        def encode(self, events):
            return events.copy()

        def decode(self, events):
            drawn = events.copy()
            drawn[3, 8] = np.nan
            return drawn

    with pytest.raises(ValueError, match=r"simulate: .* not finite in event 3, column 8"):
        evaluate(Broken(), few.test)


def test_report_saves_table_metrics_and_figures(few, tmp_path):
    report = evaluate(Oracle(few.test), few.test)
    report.save(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["events"] == 200
    assert metrics["cells"]["oracle"]["m_tt"] == 0.0
    assert len(metrics["table"]) == 116
    figures = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert len(figures) == 14
    assert {"x_masses.png", "z_masses.png", "z_b.png", "x_jet1.png"} <= set(figures)
    assert (
        (tmp_path / "table.csv")
        .read_text()
        .startswith("stream,observable,space,ks,wasserstein,floor,paper")
    )
