"""Showers follow the formulas of Grindhammer and Peters (hep-ex/0001020), and models take them."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

import mizoo
from mizoo import datasets, presets
from mizoo.datasets.showers import CELL, RESOLUTION, cell_energies
from mizoo.physics.showers import (
    PBWO4,
    Longitudinal,
    Radial,
    average_longitudinal,
    draw_longitudinal,
    radial,
    relative_depth,
    typical_longitudinal,
)
from mizoo.representations import CellEnergies

pytestmark = pytest.mark.usefixtures("eagerly")
COUNT = 400
LOG_Y = {energy: np.log(energy / 9.64e-3) for energy in (10.0, 30.0, 100.0)}


@pytest.fixture(scope="module", params=LOG_Y)
def made(request):
    """An energy in GeV, and showers (n, 10, 10, 30) of it."""
    cells = cell_energies(np.full(COUNT, request.param), seed=1)
    return request.param, cells[..., 0].astype("float64")


# ------------------------------------------------------------------ the parametrisation


def test_gamma_distribution_has_its_maximum_and_centre():
    shower = Longitudinal(np.array(6.0), np.array(4.0))
    depths = np.linspace(0.0, 40.0, 4001)
    density = np.diff(shower.upto(depths))
    assert abs(depths[density.argmax()] - 6.0) < 0.02
    np.testing.assert_allclose(shower.centre, gamma(4.0, scale=2.0).mean())
    np.testing.assert_allclose(shower.upto(depths), gamma(4.0, scale=2.0).cdf(depths), atol=1e-12)


@pytest.mark.parametrize("energy", LOG_Y)
def test_parameters_of_single_showers_are_log_normal_and_correlated(energy):
    log_y = LOG_Y[energy]
    drawn = draw_longitudinal(np.full(40_000, energy), PBWO4, np.random.default_rng(0))
    logs = np.log(np.stack([drawn.maximum, drawn.alpha]))
    expected = [log_y - 0.812, 0.81 + (0.458 + 2.26 / 68.4) * log_y]
    np.testing.assert_allclose(logs.mean(1), np.log(expected), atol=0.004)
    np.testing.assert_allclose(
        logs.std(1), [1.0 / (-1.4 + 1.26 * log_y), 1.0 / (-0.58 + 0.86 * log_y)], rtol=0.02
    )
    assert abs(np.corrcoef(logs)[0, 1] - (0.705 - 0.023 * log_y)) < 0.02
    assert (drawn.alpha > 1.0).all()


def test_cells_hold_the_integral_of_the_radial_density():
    profile = Radial(np.array(0.2), np.array(1.1), np.array(0.7))
    whole = 4.0 * profile.quarter(np.array([1.0, 300.0]))
    np.testing.assert_allclose(whole.sum(), 1.0, atol=1e-4)

    def across(x):  # the density of a component, integrated over y from 0 to 1
        def component(scale):
            h = x**2 + scale**2
            return scale**2 / np.pi * (1 / (2 * h * (1 + h)) + np.arctan(1 / h**0.5) / (2 * h**1.5))

        return 0.7 * component(0.2) + 0.3 * component(1.1)

    np.testing.assert_allclose(profile.quarter(np.array([1.0]))[0, 0], quad(across, 0.0, 1.0)[0])
    np.testing.assert_allclose(profile.within(np.array(1.1)), 0.7 * 1.21 / 1.25 + 0.3 * 0.5)


def test_a_typical_shower_has_its_depth_in_units_of_its_maximum():
    energies = np.array([50.0])
    typical = typical_longitudinal(energies, PBWO4)
    np.testing.assert_allclose(
        relative_depth(np.array(3.0), typical, energies, PBWO4), 3.0 / typical.maximum
    )


# ------------------------------------------------------------------ showers in cells


def test_mean_profile_in_depth_is_the_gamma_function_of_the_paper(made):
    energy, cells = made
    log_y = LOG_Y[energy]
    alpha, maximum = 0.21 + (0.492 + 2.38 / 68.4) * log_y, log_y - 0.858
    expected = np.diff(gamma(alpha, scale=maximum / (alpha - 1.0)).cdf(np.arange(31.0)))
    profile = cells.sum((1, 2)).mean(0)
    np.testing.assert_allclose(
        profile / profile.sum(), expected / expected.sum(), atol=0.06 * expected.max()
    )
    middle = np.arange(30) + 0.5
    peak = profile.argmax() + np.arange(-2, 3)
    a, b, _ = np.polyfit(middle[peak], profile[peak], 2)
    assert abs(-b / (2.0 * a) - (log_y - 0.858)) < 0.5


def test_visible_energy_is_the_contained_one_with_the_resolution_of_light(made):
    energy, cells = made
    visible = cells.sum((1, 2, 3)) / energy
    average, middle = average_longitudinal(np.array(energy), PBWO4), np.arange(30) + 0.5
    layers = np.diff(average.upto(np.arange(31.0)))
    profile = radial(np.array(energy), middle / average.maximum, PBWO4)
    contained = 4.0 * profile.quarter(CELL * np.arange(1, 6)).sum((1, 2)) @ layers
    assert abs(visible.mean() - contained) < 0.005
    assert 0.96 < contained < 0.98
    light = RESOLUTION / np.sqrt(energy)
    assert 0.9 * light < visible.std() < 2.0 * light  # leakage and spots add to it


def test_nine_tenths_of_the_energy_are_within_a_moliere_radius(made):
    energy, cells = made
    across = cells.sum((0, 3))
    places = CELL * (np.arange(10) - 4.5)
    radius = np.hypot(places[:, None], places).ravel()
    order = np.argsort(radius, kind="stable")
    inside = np.cumsum(across.ravel()[order]) / (energy * COUNT)
    assert 0.8 < radius[order][np.searchsorted(inside, 0.9)] < 1.5
    average = average_longitudinal(np.array(energy), PBWO4)
    middle, layers = np.arange(30) + 0.5, np.diff(average.upto(np.arange(31.0)))
    within = radial(np.array(energy), middle / average.maximum, PBWO4).within(np.array(1.0)) @ layers
    assert abs(within - 0.9) < 0.03


def test_showers_are_symmetric_about_their_axis(made):
    across = made[1].sum((0, 3))
    for other in (across[::-1], across[:, ::-1], across.T):
        inner = np.s_[3:7, 3:7]
        np.testing.assert_allclose(across[inner], other[inner], rtol=0.06)


def test_the_data_set_is_made_from_its_seed():
    split, again, other = datasets.showers(50), datasets.showers(50), datasets.showers(50, seed=1)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [40, 5, 5]
    assert split.train.x.shape == (40, 10, 10, 30, 1)
    assert split.train.c.shape == (40, 1)
    assert split.train.x.dtype == "float32"
    np.testing.assert_array_equal(split.test.x, again.test.x)
    assert not np.array_equal(split.test.x, other.test.x)
    energies = np.concatenate([split.train.c, split.test.c])
    assert 10.0 <= energies.min() < 20.0
    assert 90.0 < energies.max() <= 100.0
    np.testing.assert_allclose(split.train.x.sum((1, 2, 3)), split.train.c, rtol=0.1)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: datasets.showers(9), "events must be 10 or more, got 9"),
        (lambda: cell_energies([[10.0]]), r"energies must have shape \(n,\), got \(1, 1\)"),
        (lambda: cell_energies([10.0, 0.5]), "energies must be 1 GeV or more"),
        (lambda: cell_energies([np.nan]), "energies must be 1 GeV or more"),
    ],
)
def test_showers_that_cannot_be_made_are_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()


# ------------------------------------------------------------------ energies of cells as coordinates


@pytest.fixture(scope="module")
def few():
    return datasets.showers(30)


@pytest.mark.parametrize("scale", [None, 0.02])
def test_energies_of_cells_return_from_coordinates(few, scale):
    energies = few.train.x
    cells = CellEnergies(energies.shape[1:], scale)
    cells.adapt(energies)
    coordinates = cells(energies).numpy()
    assert coordinates.min() == -1.0
    np.testing.assert_allclose(coordinates.max(), 1.0, atol=1e-6)
    np.testing.assert_allclose(cells.inverse(coordinates), energies, rtol=1e-4, atol=1e-7)
    # Half of the hit cells are below the logarithm's scale: the range is spread over the decades.
    assert np.std(coordinates[energies > 0.0]) > 0.2
    outside = cells.inverse(np.array([-1.5, 1.5], "float32")).numpy()
    np.testing.assert_allclose(outside, [0.0, energies.max()], rtol=1e-5)


def test_log_det_of_energies_of_cells_is_that_of_their_slopes():
    energies = np.array([[0.0, 0.3], [2.0, 5.0]], "float32")
    cells = CellEnergies((2,), 0.5)
    cells.adapt(energies)
    step = 1e-2
    slopes = (cells(energies + step) - cells(energies)).numpy() / step
    np.testing.assert_allclose(cells.log_det(energies + step / 2), np.log(slopes).sum(1), atol=1e-3)


def test_energies_of_cells_must_be_possible():
    with pytest.raises(ValueError, match="0 or more, and some of them positive: got values from -1"):
        CellEnergies((2,)).adapt(np.array([[-1.0, 2.0]]))
    with pytest.raises(ValueError, match="some of them positive"):
        CellEnergies((2,)).adapt(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="scale must be positive"):
        CellEnergies((2,), 0.0)


# ------------------------------------------------------------------ models


@pytest.mark.ci
@pytest.mark.parametrize("post_processed", [True, False])
def test_bibae_desy_of_showers_is_conditional_in_every_file(few, post_processed, tmp_path):
    model = presets.bibae_desy(
        x=(10, 10, 30, 1), condition=(1,), units=4, latent=2, post_processed=post_processed
    )
    logs = model.fit(few.train, batch_size=12, epochs=2, validation_data=few.validation, verbose=0).history
    assert np.isfinite(logs["D_x_hat"]).all()
    assert isinstance(model.x_representation, CellEnergies)
    x, c = few.test.x, few.test.c
    drawn = [model.sample(3, condition=np.full((3, 1), energy), seed=1).numpy() for energy in (10.0, 90.0)]
    assert drawn[0].shape == (3, 10, 10, 30, 1)
    assert drawn[0].min() >= 0.0
    assert not np.allclose(*drawn)
    assert model.reconstruct(x, condition=c, seed=1).shape == x.shape
    model.save(tmp_path / "model.keras")
    again = mizoo.load(tmp_path)
    np.testing.assert_array_equal(
        again.sample(3, condition=c, seed=2), model.sample(3, condition=c, seed=2)
    )
    model.export(tmp_path, verbose=False)
    saved = mizoo.load(tmp_path)
    assert set(saved.endpoints) == {"encode", "decode", "sample", "reconstruct"}
    for endpoint, given in (("encode", x), ("sample", 3), ("reconstruct", x)):
        expected = getattr(model, endpoint)(given, condition=c, seed=1)
        found = getattr(saved, endpoint)(given, condition=c, seed=1)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_parts_of_a_trained_model_draw_without_its_post_processor(few):
    model = presets.bibae_desy(x=(10, 10, 30, 1), condition=(1,), units=4, latent=2)
    model.adapt(few.train)
    plain = presets.bibae_desy(
        x=model.x_representation, condition=model.condition, units=4, latent=2,
        encoder=model.encoder, decoder=model.decoder.mapper, post_processed=False,
    )  # fmt: skip
    z, c = np.zeros((3, 2), "float32"), few.test.c
    with_correction = model.decode(z, condition=c).numpy()
    assert not np.allclose(plain.decode(z, condition=c), with_correction, atol=1e-4)
    for weight in model.decoder.network.trainable_weights:
        weight.assign(0.0 * weight)
    np.testing.assert_allclose(plain.decode(z, condition=c), model.decode(z, condition=c), rtol=1e-5)
