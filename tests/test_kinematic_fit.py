"""Partons as measured by a detector, and the fit that constrains their masses."""

import numpy as np
import pytest
import tensorflow as tf
from former import PARTON_RESIDUALS, coordinates
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mizoo.evaluation.observables import observables
from mizoo.physics.library import ttbar as TTBAR

_, Z = coordinates(fitted=True)


def off_balance(partons):
    return np.abs(np.reshape(partons, (-1, 6, 4)).astype("float64")[..., :2].sum(1)).max(1)


@pytest.mark.ci
@pytest.mark.parametrize("size", [0.3, 1.0])
def test_what_is_as_far_off_as_a_detector_is_fitted(size, ttbar):
    """Masses are those asked for, the event balances, and its tails stay where they are."""
    events = ttbar.validation.z
    line = Z(events).numpy()
    blurred = line + size * np.random.default_rng(0).normal(size=line.shape) * PARTON_RESIDUALS
    fitted = Z.inverse(blurred).numpy()
    before, after = observables(events, "z", TTBAR), observables(fitted, "z", TTBAR)
    for name in ("m_w_had", "m_w_lep", "m_t_had", "m_t_lep"):
        assert np.mean(np.abs(after[name] - before[name]) > 0.02) < 0.005
    for name in ("m_tt", "E_nubar", "E_bbar"):
        tails = [np.percentile(values[name], 99) for values in (before, after)]
        assert abs(tails[1] / tails[0] - 1.0) < 0.05 + 0.05 * size


def test_the_fit_moves_least_what_is_known_best(ttbar):
    line = Z(ttbar.validation.z[:500]).numpy()
    blurred = line.copy()
    blurred[:, [6, 9, 12, 15]] += 0.2  # all quarks too energetic
    moved = np.abs(Z(Z.inverse(blurred)) - blurred)
    pt, eta = moved[:, [6, 9, 12, 15]], moved[:, [8, 11, 14, 17]]
    assert np.median(moved[:, 0]) < 0.1 * np.median(pt)
    assert np.median(eta) < 0.2 * np.median(pt)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(hnp.arrays("float32", (4, 22), elements=st.floats(-2.5, 2.5, width=32)))
def test_all_coordinates_are_events_on_shell_and_balanced(line):
    partons = Z.inverse(line).numpy().astype("float64").reshape(-1, 6, 4)
    energy = np.sqrt(np.square(partons[..., :3]).sum(-1) + np.square(TTBAR.masses("z")))
    np.testing.assert_allclose(partons[..., 3], energy, rtol=1e-5)
    assert off_balance(partons).max() < 1e-6 * np.abs(partons).max() + 1e-4


@pytest.mark.ci
def test_objects_on_top_of_each_other_are_finite_events():
    parallel = tf.fill((2, 24), 0.5)
    assert np.isfinite(Z.inverse(Z(parallel))).all()
    assert np.isfinite(Z.inverse(tf.zeros((2, 22)))).all()
