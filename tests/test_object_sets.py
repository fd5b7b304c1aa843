"""Events with any number of objects in models: places, coordinates, tokens, presence and features."""

from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from whole_events import PROCESS, made_up

import mizoo
from mizoo.core.serialisation import clone
from mizoo.mappers import Diffusion, LocationScale, Mixed
from mizoo.mappers.base import Mapper
from mizoo.mappers.conditional import Conditional
from mizoo.networks import linear_and_mlp, mlp, modulated
from mizoo.physics import ObjectSlots
from mizoo.physics.process import Process
from mizoo.representations import ObjectSets, SetTokens

SMALL = Process(
    name="jets",
    partons=[{"name": "b", "pdgid": 5}, {"name": "e-", "pdgid": 11}],
    objects=[
        {"name": "e-", "kind": "electron", "charge": -1, "pt": 10, "eta": 2.5},
        {"name": "jet", "kind": "jet", "count": [1, 3], "pt": 20, "eta": 5.0, "features": ["btag"]},
    ],
)


def packaged(count, seed=0):
    """Packaged events, each with two to four of its jets, and b-tags."""
    events, random = mizoo.datasets.ttbar().train[:count], np.random.default_rng(seed)
    x = np.zeros((count, 58), "f4")
    x[:, :24] = events.x
    x[:, 6], x[:, 7] = 0.0, np.hypot(x[:, 4], x[:, 5])
    jets = np.arange(10) < random.integers(2, 5, (count, 1))
    x[:, 8:48] *= np.repeat(jets, 4, 1)
    x[:, 48:] = random.integers(0, 2, (count, 10)) * jets
    return mizoo.datasets.Events(x, events.z, process=PROCESS)


EVENTS = packaged(200)


@pytest.fixture(scope="module")
def representation():
    sets = ObjectSets(PROCESS)
    sets.adapt(EVENTS.x)
    return sets


def moved(x, seed=0):
    """Events with their jets at other places."""
    order = np.argsort(np.random.default_rng(seed).random((len(x), 10)), 1)
    jets = np.take_along_axis(x[:, 8:48].reshape(-1, 10, 4), order[..., None], 1).reshape(len(x), -1)
    return np.concatenate([x[:, :8], jets, np.take_along_axis(x[:, 48:], order, 1)], 1)


def test_coordinates_return_events_by_falling_pt_whatever_the_places(representation):
    for events in (EVENTS.x, moved(EVENTS.x)):
        coordinates = representation(events)
        assert coordinates.shape[1:] == representation.shape
        np.testing.assert_allclose(representation.inverse(coordinates), EVENTS.x, rtol=2e-4, atol=2e-3)
    kept = representation.four_momenta(representation(moved(EVENTS.x)))
    np.testing.assert_allclose(
        kept[:, 2:], moved(EVENTS.x)[:, 8:48].reshape(-1, 10, 4), rtol=2e-4, atol=2e-3
    )


def test_absent_objects_have_coordinates_of_zero(representation):
    coordinates = np.asarray(representation(EVENTS.x))
    flags = np.concatenate([coordinates[:, -20:], np.ones((200, 1))], 1)
    exists = flags[:, representation.present] > 0.0
    assert 0.2 < exists[:, 5:].mean() < 0.9
    assert (coordinates[:, :-20][~exists] == 0.0).all()
    assert coordinates[:, :-20][exists].std() == pytest.approx(1.0, abs=0.4)


@pytest.mark.ci
def test_tokens_do_not_depend_on_places(representation):
    tokens = SetTokens(representation, representation.process.ordered, dtype="float32")
    first, second = (tokens(representation(x)) for x in (EVENTS.x, moved(EVENTS.x)))
    np.testing.assert_allclose(first, second, atol=1e-4)
    absent = ~PROCESS.present(EVENTS.x)
    assert (np.asarray(first)[absent] == 0.0).all()
    assert (np.asarray(first)[~absent][:, -2] == 1.0).all()


def test_objects_move_to_their_partons():
    """Five jets, of which the second and the fourth come from the last and the first quark."""

    def jet(pt, eta, phi):
        return pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)

    x, z = np.zeros((1, 58), "f4"), np.zeros((1, 24), "f4")
    x[0, :8] = *jet(50, 0, 0), *jet(30, 0, 1)
    quarks = [jet(60, 1.0, 1.0), jet(60, -1.0, 2.0), jet(60, 0.0, -2.0), jet(60, 2.0, 0.0)]
    z[0, 8:] = np.concatenate(quarks)
    jets = [jet(90, -3, 0), jet(80, 2.1, 0.1), jet(70, -3, 2), jet(60, 0.9, 1.1), jet(50, -3, -2)]
    x[0, 8:28], x[0, 48:53] = np.concatenate(jets), [0, 1, 0, 0, 1]
    placed = np.asarray(ObjectSlots(PROCESS)({"x": x, "z": z})["x"])
    pt = np.hypot(placed[0, 8:48:4], placed[0, 9:48:4])
    np.testing.assert_allclose(pt, [60, 0, 0, 80, 90, 70, 50, 0, 0, 0], atol=1e-4)
    np.testing.assert_array_equal(placed[0, 48:], [0, 0, 0, 1, 0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(placed[0, :8], x[0, :8])
    np.testing.assert_array_equal(ObjectSlots(PROCESS)({"x": x})["x"], x)


def test_no_object_is_lost_for_want_of_a_place():
    events = made_up([10] * 50)
    placed = np.asarray(ObjectSlots(PROCESS)({"x": events.x, "z": events.z})["x"])
    np.testing.assert_array_equal(np.sort(placed, 1), np.sort(events.x, 1))


def test_data_keep_to_the_bounds_of_presence_and_features(representation):
    events = made_up([2, 3, 4, 7, 10] * 40)
    placed = ObjectSlots(PROCESS)({"x": tf.constant(events.x), "z": tf.constant(events.z)})["x"]
    binary = tf.unstack(representation(placed)[:, -20:], axis=1)
    for place, value in enumerate(binary):
        least, most = representation.bounds(binary[:place])
        assert bool(tf.reduce_all((least <= value) & (value <= most)))


class Nothing(Mapper):
    """A mapper of continuous components without density, which tells its condition."""

    def noise_shape(self, condition_shape):
        return None

    def build(self, condition_shape):
        self.built = True

    def distribution(self, condition, noise=None, training=None):
        return NoDensity(condition, self.shape[0])


class NoDensity(Conditional):
    def __init__(self, condition, count):
        self.condition, self.count = condition, count

    def sample(self):
        return tf.zeros((len(self.condition), self.count))

    def log_prob(self, target):
        return tf.zeros(len(target))


def test_chances_of_presence_and_features_sum_to_one_and_are_drawn():
    keras.utils.set_random_seed(0)
    sets = ObjectSets(SMALL)
    count, continuous = sets.binaries, sets.objects.shape[0]
    mapper = Mixed(Nothing((continuous,)), mlp([8], count), sets)
    mapper.build((None, 2))
    mapper.kernel.assign(np.random.default_rng(0).normal(size=(count, count)))
    patterns = np.array(list(product([0.0, 1.0], repeat=count)), "f4")
    allowed = []
    for pattern in patterns:
        binary = [tf.constant([value]) for value in pattern]
        bounds = [sets.bounds(binary[:i]) for i in range(count)]
        allowed.append(all(lo <= v <= hi for v, (lo, hi) in zip(pattern, bounds, strict=True)))
    patterns = patterns[allowed]
    # One to three jets, of which the first may come from the parton, each with a b-tag or without.
    numbers = patterns[:, :3].sum(1)
    assert len(patterns) == sum(2**jets * ways for jets, ways in ((1, 2), (2, 2), (3, 1)))
    assert {*numbers} == {1.0, 2.0, 3.0}
    condition = np.tile([[0.5, -1.0]], (len(patterns), 1)).astype("f4")
    target = np.concatenate([np.zeros((len(patterns), continuous), "f4"), patterns], 1)
    chances = np.exp(mapper.distribution(condition).log_prob(target))
    assert chances.sum() == pytest.approx(1.0, abs=1e-5)
    draws = mapper.distribution(np.repeat(condition[:1], 20_000, 0)).sample().numpy()[:, continuous:]
    found = [(draws == pattern).all(1).mean() for pattern in patterns]
    assert sum(found) == pytest.approx(1.0)
    np.testing.assert_allclose(found, chances, atol=5 * np.sqrt(chances.max() / 20_000))


def test_components_that_do_not_exist_are_masked():
    """Neither the loss nor the draws depend on what the networks say of them."""
    keras.utils.set_random_seed(0)
    diffusion = Diffusion(modulated(3, 4, 3, 8, 1), (3,), present=[-1, 2, 3])
    mapper = LocationScale(diffusion, linear_and_mlp(4, [8], 6), present=[-1, 2, 3])
    mapper.build((None, 4))
    for weight in mapper.trainable_weights:
        weight.assign(np.random.default_rng(0).normal(size=weight.shape))
    condition = tf.constant([[0.3, 0.1, 1.0, 0.0]] * 5)
    drawn = mapper.distribution(condition).sample().numpy()
    assert (drawn[:, 2] == 0.0).all()
    assert (drawn[:, :2] != 0.0).all()
    with tf.GradientTape() as tape:
        log_prob = mapper.distribution(condition).log_prob(drawn)
    kernels = [w for w in mapper.trainable_weights if w.path.endswith("kernel") and w.shape[-1] in (3, 6)]
    gradients = tape.gradient(log_prob, [w.value for w in kernels])
    assert len(kernels) == 3
    for gradient in gradients:
        columns = np.abs(gradient).sum(0).reshape(-1, 3).sum(0)
        assert columns[2] == 0.0 < columns[:2].min()
    twin = clone(mapper)
    assert twin.present == mapper.present == twin.mapper.present


@pytest.mark.slow
def test_gandalf_takes_any_number_of_jets(tmp_path):
    keras.utils.set_random_seed(0)
    model = mizoo.presets.gandalf(PROCESS, width=8, units=8, blocks=1, evaluations=2)
    model.run_eagerly = True
    model.fit(EVENTS, batch_size=200, epochs=1, verbose=0)
    # Latents do not depend on places: neither does anything that is made of them.
    latents = [model.latents({"x": x})["x"] for x in (EVENTS.x, moved(EVENTS.x))]
    np.testing.assert_allclose(*latents, atol=2e-3)
    drawn = np.asarray(model.decode(EVENTS.z, seed=0))
    present = PROCESS.present(drawn)[:, 2:]
    assert (np.diff(present.astype(int), axis=1) <= 0).all()
    assert present[:, 1].all()
    assert 2 < present.sum(1).mean() < 10
    pt = np.hypot(drawn[:, 8:48:4], drawn[:, 9:48:4])
    assert (np.diff(pt, axis=1) <= 0.0).all()
    assert pt[present].min() > 20.0
    assert {*drawn[:, 48:].ravel()} == {0.0, 1.0}
    assert (drawn[:, 48:] <= present).all()
    assert np.asarray(model.encode(EVENTS.x, seed=0)).shape == (200, 24)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.decode(EVENTS.z, seed=0), drawn, rtol=1e-5, atol=1e-4)


def test_objects_of_partons_are_at_least_as_many_as_in_the_process():
    """Two jets at least, where all places are those of partons."""
    content = SMALL.to_dict()
    content["partons"] = [{"name": name, "pdgid": 5} for name in ("b1", "b2", "b3")]
    content["objects"][1] = {**content["objects"][1], "count": [2, 3], "features": []}
    sets = ObjectSets(Process(**content))
    allowed = []
    for pattern in product([0.0, 1.0], repeat=3):
        binary = [tf.constant([value]) for value in pattern]
        bounds = [sets.bounds(binary[:i]) for i in range(3)]
        if all(low <= value <= high for value, (low, high) in zip(pattern, bounds, strict=True)):
            allowed.append(pattern)
    assert allowed == [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0)]


def test_a_kind_that_no_event_has_cannot_be_adapted():
    objects = [*SMALL.objects[:1], SMALL.objects[1].model_copy(update={"count": (0, 3)})]
    rare = Process(**{**SMALL.to_dict(), "objects": [one.model_dump() for one in objects]})
    x = np.zeros((20, len(rare.columns("x"))), "f4")
    x[:, :4] = EVENTS.x[:20, :4]
    with pytest.raises(ValueError, match="no event of x has any jet"):
        ObjectSets(rare).adapt(x)
