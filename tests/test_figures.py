"""Figures: bins of round widths, errors, names, and what is no histogram."""

import io
import logging

import numpy as np
import pytest
from matplotlib import pyplot as plt

from mizoo.evaluation import figures
from mizoo.evaluation.figures.panel import Panel, spike, with_ratios
from mizoo.evaluation.figures.style import round_edges, truth_of
from mizoo.physics import library

rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def panel(values, made, unit="GeV"):
    return Panel("$m$", unit, (values, None), {"simulated": ("red", (made, None))})


def test_widths_of_bins_are_round_numbers():
    for scale in (1.0, 7.3, 4e3):
        widths = np.diff(round_edges(scale * rng.normal(size=1000), [1, 99], 40))
        assert np.allclose(widths, widths[0])
        assert any(np.isclose(widths[0] / 10 ** np.floor(np.log10(widths[0])), (1, 2, 2.5, 5)))
        assert 20 <= len(widths) <= 42


def test_axes_say_what_a_bin_counts_and_every_band_has_a_name():
    values = rng.normal(100, 20, 2000)
    figure = with_ratios([panel(values, rng.normal(100, 20, 2000))], "Delphes")
    upper, lower = figure.axes
    assert upper.get_ylabel() == "Events / 2.5 GeV"
    assert lower.get_xlabel() == "$m$ [GeV]"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == ["Delphes", "statistical error", "simulated"]
    numbers = with_ratios([panel(rng.integers(2, 9, 500).astype(float), np.full(500, 4.0), "")], "Delphes")
    assert numbers.axes[0].get_ylabel() == "Events"


def test_ratios_beyond_the_axis_are_marked():
    values = rng.uniform(0, 1, 20_000)
    made = np.concatenate([values, np.full(5000, 0.505)])  # ten times as many in one bin
    lower = with_ratios([panel(values, made)], "Delphes").axes[1]
    assert lower.get_ylim()[1] - 1.0 < 0.6
    up = [line for line in lower.lines if line.get_marker() == "^"]
    assert sum(len(line.get_xdata()) for line in up) == 1


def test_an_assumed_mass_is_no_part_of_the_histogram():
    values = np.where(rng.uniform(size=1000) < 0.7, 80.379, rng.uniform(81, 200, 1000))
    assert spike(values) == pytest.approx(80.379)
    assert spike(rng.normal(size=1000)) is None
    assert spike(np.repeat([2.0, 3.0], 500)) is None  # numbers of jets
    upper, _ = with_ratios([panel(values, values)], "Delphes").axes
    (words,) = upper.texts
    assert words.get_text().startswith("not shown: 80.38 GeV")
    assert f"simulated: {np.mean(values < 81):.0%}" in words.get_text()


def test_names_of_the_truth():
    ttbar = library.get("ttbar")
    assert truth_of("x", ttbar) == "Delphes"
    assert truth_of("x", ttbar.model_copy(update={"name": "mine"})) == "detector"
    assert truth_of("z", ttbar) == "partons"


def test_fonts_are_those_of_the_style_when_a_figure_is_drawn_later(caplog):
    figure = with_ratios([panel(rng.normal(size=500), rng.normal(size=500))], "Delphes")
    with caplog.at_level(logging.WARNING, "matplotlib.font_manager"):
        figure.savefig(io.BytesIO(), dpi=20)
    assert not caplog.records


def test_few_epochs_are_points():
    one = figures.learning_curves({"loss": [1.0], "L_x_hat": [2.0]})
    assert {line.get_marker() for ax in one.axes for line in ax.lines} == {"o"}
    many = figures.learning_curves({"loss": np.arange(50.0)})
    assert many.axes[0].lines[0].get_marker() == "None"


def test_resolutions_have_errors():
    z = np.zeros((600, 8))
    z[:, [0, 4]], z[:, 1] = rng.uniform(20, 100, (2, 600)).T[:, ::-1], rng.normal(0, 20, 600)
    z[:, [3, 7]] = np.hypot(z[:, [0, 4]], z[:, [1, 5]])
    x = z * np.repeat(rng.normal(1.0, 0.1, (600, 2)), 4, 1)
    ax = figures.resolution(x, z, x[::-1], library.get("zee")).axes[0]
    assert len(ax.containers) == 4
    for container in ax.containers:
        segments = container[2][0].get_segments()
        assert all(segment[1, 1] > segment[0, 1] for segment in segments)
