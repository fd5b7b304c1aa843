"""Jets in the order of their partons: matched where both are known, drawn where they are not."""

from itertools import permutations

import keras
import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo.evaluation.observables import polar
from mizoo.physics import BeamSymmetry, JetMatching
from mizoo.representations import JetAssignment, ObjectCoordinates

ORDERS = np.array(list(permutations(range(4))))


class Preference(keras.layers.Layer):
    """Logits that favour one order."""

    def __init__(self, favourite, strength=50.0):
        super().__init__()
        self.chosen = tf.one_hot(favourite, 24) * strength

    def call(self, tokens):
        return tf.repeat(self.chosen[None], tf.shape(tokens)[0], 0)


def objects():
    """Coordinates of the objects of tt̄ events, jets in any order."""
    found = ObjectCoordinates(mizoo.processes.ttbar, ordered=False)
    found.adapt(mizoo.datasets.ttbar().train.x)
    return found


def assignment(favourite=0, strength=50.0):
    layer = JetAssignment(objects(), Preference(favourite, strength))
    layer.build((None, 24))
    return layer


def jets(events):
    return np.asarray(events).reshape(-1, 6, 4)[:, 2:]


@pytest.fixture(scope="module")
def pairs():
    events = mizoo.datasets.ttbar().validation[:200]
    return {"x": events.x, "z": events.z}


def test_matching_undoes_any_shuffle(pairs):
    z = pairs["z"].reshape(-1, 6, 4)
    order = np.random.default_rng(0).permuted(np.tile(np.arange(4), (200, 1)), axis=1)
    shuffled = np.concatenate([z[:, :2], np.take_along_axis(jets(z), order[..., None], 1)], 1)
    matched = JetMatching()({"x": shuffled.reshape(-1, 24), "z": pairs["z"]})["x"]
    np.testing.assert_array_equal(matched, pairs["z"])


def test_matching_takes_the_least_sum_of_distances(pairs):
    def cost(x):
        both = zip(polar(x), polar(pairs["z"]), strict=True)
        pt, eta, phi = ((a[:, 2:], b[:, 2:]) for a, b in both)
        wrapped = (phi[0] - phi[1] + np.pi) % (2 * np.pi) - np.pi
        squares = 0.1 * np.log(pt[0] / pt[1]) ** 2 + (eta[0] - eta[1]) ** 2 + wrapped**2
        return np.sqrt(squares).sum(1)

    found = cost(JetMatching()(pairs)["x"])
    objects = pairs["x"].reshape(-1, 6, 4)
    every = [np.concatenate([objects[:, :2], jets(objects)[:, order]], 1) for order in ORDERS]
    np.testing.assert_allclose(found, np.min([cost(x) for x in every], 0), rtol=1e-4)


def test_matching_commutes_with_symmetries_and_leaves_the_unpaired(pairs):
    keras.utils.set_random_seed(3)
    first = JetMatching()(BeamSymmetry()(pairs, training=True))["x"]
    keras.utils.set_random_seed(3)
    second = BeamSymmetry()(JetMatching()(pairs), training=True)["x"]
    np.testing.assert_allclose(first, second, atol=1e-3)
    np.testing.assert_array_equal(JetMatching()({"x": pairs["x"]})["x"], pairs["x"])


@pytest.mark.ci
@pytest.mark.parametrize("favourite", [0, 7, 23])
def test_the_order_drawn_is_the_likely_one_and_the_way_back_forgets_it(favourite, pairs):
    layer = assignment(favourite)
    assigned = layer.assign(pairs["x"])
    # Place ORDERS[favourite][rank] holds the jet of that rank.
    np.testing.assert_allclose(jets(assigned)[:, ORDERS[favourite]], jets(pairs["x"]))
    np.testing.assert_allclose(layer.log_prob(layer(assigned)), 0.0, atol=1e-4)
    np.testing.assert_allclose(layer.inverse(layer(assigned)), pairs["x"], rtol=1e-4, atol=1e-2)


@pytest.mark.slow
def test_probabilities_of_all_orders_sum_to_one(pairs):
    layer = JetAssignment(objects(), mizoo.networks.attention(6, 10, 24, 8))
    layer.build((None, 24))
    events = pairs["x"][:20].reshape(-1, 6, 4)
    every = [np.concatenate([events[:, :2], jets(events)[:, order]], 1) for order in ORDERS]
    chances = [np.exp(layer.log_prob(layer(x.reshape(-1, 24)))) for x in every]
    np.testing.assert_allclose(np.sum(chances, 0), 1.0, rtol=1e-5)
    assert np.std(chances) > 1e-4


def test_draws_come_as_often_as_they_are_likely(pairs):
    layer = assignment(5, strength=np.log(23.0))  # one half, and 1/46 for every other order
    drawn = layer.assign(np.tile(pairs["x"][:1], (4000, 1)))
    share = np.mean(np.all(np.isclose(jets(drawn)[:, ORDERS[5]], jets(pairs["x"])[:1]), (1, 2)))
    assert share == pytest.approx(0.5, abs=0.03)


def test_pairs_agree_in_the_order_in_which_they_match_and_in_no_other(pairs):
    layer = JetAssignment(objects(), Preference(0), matching=JetMatching())
    matched, z = JetMatching()(pairs)["x"], pairs["z"]
    assert layer.accept(matched, z).numpy().all()
    exchanged = np.asarray(matched).reshape(-1, 6, 4)[:, [0, 1, 3, 2, 4, 5]].reshape(-1, 24)
    assert not layer.accept(exchanged, z).numpy().any()


@pytest.mark.ci
def test_orders_do_not_depend_on_the_azimuth_of_the_event(pairs):
    layer = JetAssignment(objects(), mizoo.networks.attention(6, 10, 24, 8))
    layer.build((None, 24))
    turned = layer(pairs["x"]).numpy()
    turned[:, 1::3] = (turned[:, 1::3] + 1.0 + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(layer.log_prob(turned), layer.log_prob(layer(pairs["x"])), atol=0.02)
