"""The efficiency of a selection, where the true probability is known."""

import keras
import numpy as np
import pytest

import mizoo
from mizoo.evaluation import figures, reliability

ZEE, TTBAR = mizoo.processes.zee, mizoo.processes.ttbar


@pytest.fixture(scope="module")
def partons():
    return mizoo.datasets.zee().train.z[:12_000]


def true_probability(z):
    """A threshold of the first lepton's pT, at 35 GeV."""
    return 1.0 / (1.0 + np.exp((35.0 - np.hypot(z[:, 0], z[:, 1])) / 4.0))


@pytest.fixture(scope="module")
def passed(partons):
    return np.random.default_rng(0).uniform(size=len(partons)) < true_probability(partons)


def chi2(efficiency, z, label):
    table = reliability(efficiency.probability(z), label)
    return np.sum(np.square((table.observed - table.predicted) / table.error))


@pytest.mark.slow
def test_it_learns_the_probability_and_is_reliable(partons, passed):
    keras.utils.set_random_seed(0)
    efficiency = mizoo.Efficiency(ZEE, hidden=(32, 32), learning_rate=0.005)
    efficiency.fit(partons[:8000], passed[:8000], epochs=6, batch_size=200, verbose=0)
    efficiency.calibrate(partons[8000:9500], passed[8000:9500])
    found = efficiency.probability(partons[9500:])
    assert np.abs(found - true_probability(partons[9500:])).mean() < 0.04
    assert chi2(efficiency, partons[9500:], passed[9500:]) < 29.6  # p = 0.001 of 10 bins
    # Too large weights make it too certain, which calibration mends.
    last = efficiency.network.layers[-1]
    last.set_weights([3.0 * values for values in last.get_weights()])
    assert chi2(efficiency, partons[9500:], passed[9500:]) > 100.0
    efficiency.calibrate(partons[8000:9500], passed[8000:9500])
    np.testing.assert_allclose(efficiency.probability(partons[9500:]), found, atol=1e-3)


def test_it_does_not_depend_on_the_azimuth_of_the_event(partons):
    efficiency = mizoo.Efficiency(ZEE, hidden=(4,))
    momenta = partons[:100].reshape(-1, 2, 4).copy()
    momenta[..., [0, 1]] = momenta[..., [1, 0]] * [1.0, -1.0]
    turned = efficiency.probability(momenta.reshape(-1, 8))
    np.testing.assert_allclose(turned, efficiency.probability(partons[:100]), atol=1e-5)
    assert np.ptp(turned) > 1e-3


@pytest.mark.ci
def test_it_is_saved_with_its_calibration(partons, passed, tmp_path):
    efficiency = mizoo.Efficiency(ZEE, hidden=(4,))
    efficiency.calibrate(partons[:1000], passed[:1000])
    efficiency.save(tmp_path / "efficiency.keras")
    loaded = keras.saving.load_model(tmp_path / "efficiency.keras")
    assert loaded.process == ZEE
    np.testing.assert_array_equal(loaded.probability(partons[:100]), efficiency.probability(partons[:100]))
    loaded.fit(partons[:200], passed[:200], verbose=0)


@pytest.mark.ci
def test_a_model_answers_once_it_is_attached(partons):
    model, efficiency = mizoo.presets.flow(ZEE, units=4, couplings=2), mizoo.Efficiency(ZEE, hidden=(4,))
    with pytest.raises(ValueError, match=r"flow has no efficiency: train a mizoo\.Efficiency"):
        model.efficiency(partons[:5])
    weights = len(model.weights)
    model.attach(efficiency)
    np.testing.assert_allclose(model.efficiency(partons[:5]), efficiency.probability(partons[:5]))
    assert model.efficiency(partons[:5]).shape == (5,)
    assert len(model.weights) == weights
    with pytest.raises(ValueError, match=r"z, event 0: .*of 5 events 5 cannot exist"):
        model.efficiency(partons[:5] * np.where(np.arange(8) % 4 == 3, 0.5, 1.0))


@pytest.mark.ci
def test_a_model_of_other_partons_refuses_it():
    model = mizoo.presets.flow(ZEE, units=4, couplings=2)
    with pytest.raises(ValueError, match="flow takes no efficiency of ttbar: it has zee, with other"):
        model.attach(mizoo.Efficiency(TTBAR, hidden=(4,)))


def test_wrong_arrays_are_refused(partons):
    efficiency = mizoo.Efficiency(ZEE, hidden=(4,))
    with pytest.raises(ValueError, match=r"z must be partons of zee, \(n, 8\), got \(5, 7\)"):
        efficiency.probability(partons[:5, :7])
    with pytest.raises(ValueError, match="passed must be a flag for each of 5 events"):
        efficiency.calibrate(partons[:5], [True, False])
    with pytest.raises(ValueError, match="of either value"):
        efficiency.calibrate(partons[:5], [True] * 5)
    assert efficiency.probability(partons[:0]).shape == (0,)


def test_the_reliability_table_counts_what_passes():
    table = reliability([0.1] * 50 + [0.8] * 50, [1] * 5 + [0] * 45 + [1] * 20 + [0] * 30, bins=2)
    np.testing.assert_allclose(table.predicted, [0.1, 0.8])
    np.testing.assert_allclose(table.observed, [0.1, 0.4])
    np.testing.assert_allclose(table.error, np.sqrt([0.09 / 50, 0.16 / 50]))
    assert list(table.events) == [50, 50]


@pytest.mark.parametrize(
    ("probability", "passed", "bins", "message"),
    [
        ([0.5, 0.5], [1], 1, r"\(n,\) each, got \(2,\) and \(1,\)"),
        ([0.5, 1.5], [1, 0], 1, "between 0 and 1"),
        ([0.5, np.nan], [1, 0], 1, "between 0 and 1"),
        ([0.5, 0.5], [1, 0], 3, "bins must be 1 to the number of events, 2, got 3"),
    ],
)
def test_no_reliability_of_anything_else(probability, passed, bins, message):
    with pytest.raises(ValueError, match=message):
        reliability(probability, passed, bins)


def test_the_reliability_curve_shows_all_bins():
    generator = np.random.default_rng(0)
    predicted = generator.uniform(size=500)
    figure = figures.reliability_curve(predicted, generator.uniform(size=500) < predicted, bins=5)
    assert [len(axis.lines[1].get_xdata()) for axis in figure.axes] == [5, 5]
