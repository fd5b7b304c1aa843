"""The terms of the CRPS and the energy score."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import linear, plain, streams

from mizoo.mappers import NoiseInjected
from mizoo.objectives import CRPS, Streams


def spread_out(width, count=4000, slope=1.0):
    """Streams in which x_tilde given z is normal about slope z with a width, x about z with width 1."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(count, 1)).astype("float32")
    x = z + rng.normal(size=z.shape).astype("float32")
    mappers = {"decoder": NoiseInjected(linear(slope), (1,), stddev=width)}
    return Streams(mappers, {"x": tf.constant(x), "z": tf.constant(z)}, plain(1, 1))


@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_score_by_hand(width):
    far, apart = np.sqrt(2 * (width**2 + 1) / np.pi), np.sqrt(4 * width**2 / np.pi)
    expected = (far - apart / 2) / far  # 1/2 at width 1
    assert float(CRPS("x_tilde").loss(spread_out(width))) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("width", [0.5, 0.9, 1.0, 1.1, 2.0])
def test_score_draws_the_width_to_that_of_the_data(width):
    keras.utils.set_random_seed(0)
    stddev = tf.Variable(width)
    with tf.GradientTape() as tape:
        loss = CRPS("x_tilde").loss(spread_out(stddev, 100_000))
    slope = float(tape.gradient(loss, stddev))
    if width == 1.0:
        assert abs(slope) < 0.005
    else:
        assert slope * (width - 1.0) > 0.005 * abs(width - 1.0)


def test_marginal_score_is_a_mean_over_pairs_of_different_events():
    """By hand: draws of three events are 0, 1, 5, twice, truths 0, 2, 6."""
    drawn = streams([[0.0], [2.0], [6.0]], [[0.0], [1.0], [5.0]], decoder=1.0)
    loss = CRPS("x_tilde", marginal=True).loss(drawn)
    far, apart = (2 + 6 + 1 + 5 + 5 + 3) / 6, (1 + 5 + 4) / 3
    assert float(loss) == pytest.approx((far - apart / 2) / far)


def test_marginal_score_depends_on_marginal_distributions_alone():
    """Draws on the wrong side of z have the right distribution, but not given z."""
    right, wrong = (spread_out(1.0, 4000, slope) for slope in (1.0, -1.0))
    assert float(CRPS("x_tilde", marginal=True).loss(right)) == pytest.approx(0.5, abs=0.02)
    assert float(CRPS("x_tilde", marginal=True).loss(wrong)) == pytest.approx(0.5, abs=0.02)
    assert float(CRPS("x_tilde").loss(wrong)) > 0.6


def test_score_looks_through_its_view_at_a_share_of_the_events():
    seen = []

    class View(keras.layers.Layer):
        def call(self, coordinates):
            seen.append(coordinates.shape)
            return coordinates

    CRPS("x_tilde", view=View(), fraction=0.25).loss(spread_out(1.0, 100))
    assert seen == [(50, 1)] * 2
