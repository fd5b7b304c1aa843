"""Rejection of draws, which are then repeated."""

import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo.model.rejection import rejection_sample


def positive(events, drawn):
    return drawn[:, 0] > 0.0


def moved(events, noise):
    return events, events[:, None] + noise


NOISE = np.array(
    [[[-1.0], [-2.0], [3.0]], [[4.0], [5.0], [6.0]], [[-7.0], [8.0], [9.0]], [[-1.0], [-1.0], [-2.0]]]
)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_the_first_draw_that_is_accepted_is_kept_or_else_the_last(wrap):
    events = tf.constant([0.0, 0.25, 0.5, 0.0])
    noise = tf.constant(NOISE, tf.float32)
    found = wrap(lambda events, noise: rejection_sample(positive, moved, events, noise, (1,)))(
        events, noise
    )
    np.testing.assert_array_equal(found[:, 0], [3.0, 4.25, 8.5, -2.0])


def test_no_events_give_no_draws():
    assert rejection_sample(positive, moved, tf.zeros(0), tf.zeros((0, 3, 1)), (1,)).shape == (0, 1)


def test_no_more_is_drawn_than_was_refused():
    sizes = []

    def counting(events, noise):
        sizes.append(len(events))
        return moved(events, noise)

    rejection_sample(positive, counting, tf.zeros(4), tf.constant(NOISE, tf.float32), (1,))
    assert sizes == [4, 3, 2]


@pytest.mark.slow
def test_unfolding_keeps_the_first_partons_that_go_with_the_order_of_the_jets():
    model = mizoo.load("turbosim-ttbar").trainable()
    x, z = model.x_representation, model.z_representation
    events = mizoo.datasets.ttbar().validation.x[100:200]
    noise = np.random.default_rng(0).standard_normal((100, *model.noise_shape("encoder"))).astype("float32")
    found = model.encode(events, noise=noise).numpy()
    missing, refused = np.ones(100, bool), []
    for one in np.moveaxis(noise, 1, 0):
        assigned = x.assign(events, one[:, :1])
        drawn = z.inverse(model.encoder_average(x(assigned), noise=one[:, 1:]))
        fits = missing & x.accept(assigned, drawn).numpy()
        np.testing.assert_allclose(found[fits], drawn.numpy()[fits], rtol=1e-3, atol=0.1)
        missing &= ~fits
        refused.append(missing.sum())
    assert 0 < refused[0] < 50
    assert refused[-1] == 0
