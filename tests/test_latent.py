"""The common latent: all information that a decoder has on an event."""

import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo.mappers.assigned_momenta import AssignedDistribution
from mizoo.physics import JetMatching, accepted, kinematics
from mizoo.physics.assignment import orders
from mizoo.physics.visible_pairs import visible_pairs
from mizoo.representations import FallingPt, ObjectCoordinates

pytestmark = pytest.mark.usefixtures("eagerly")

SIZES = {"latent": 10, "width": 8, "units": 16, "blocks": 1, "evaluations": 2}


@pytest.fixture(scope="module")
def model(eagerly):
    data = mizoo.datasets.zh()
    made = mizoo.presets.gandalf("zh", **SIZES)
    made.fit(data.train[:400], batch_size=100, epochs=1, verbose=0)
    return made


@pytest.fixture(scope="module")
def events():
    return mizoo.datasets.zh().validation[:50]


@pytest.mark.ci
@pytest.mark.parametrize(("source", "to"), [("x", "z"), ("z", "x"), ("x", "x"), ("z", "z")])
def test_transcoding_and_reconstruction_are_an_encoder_and_a_decoder(model, events, source, to):
    latent = model.latents({source: events[source]})[source]
    assert latent.shape == (50, 10)
    drawn = model.decode_latent(latent, to=to, source=source, seed=1)
    if source == to:
        whole = model.reconstruct(**{source: events[source]}, seed=1)
    else:
        whole = (model.encode if to == "z" else model.decode)(events[source], seed=1)
    np.testing.assert_array_equal(drawn, whole)


@pytest.mark.ci
def test_draws_turn_with_the_frame_that_the_latent_carries(model, events):
    latent = np.array(model.latents({"z": events.z})["z"])
    np.testing.assert_allclose(np.hypot(latent[:, 0], latent[:, 1]), 1.0, rtol=1e-5)
    turned = latent.copy()
    turned[:, 0], turned[:, 1] = -latent[:, 1], latent[:, 0]  # by a quarter
    before, after = (
        np.asarray(model.decode_latent(given, to="x", source="z", seed=1)).reshape(50, -1, 4)
        for given in (latent, turned)
    )
    np.testing.assert_allclose(after[..., 0], -before[..., 1], rtol=2e-4, atol=2e-3)
    np.testing.assert_allclose(after[..., 2:], before[..., 2:], rtol=2e-4, atol=2e-3)


@pytest.mark.ci
def test_latents_of_turned_events_differ_in_the_frame_alone(model, events):
    objects = events.x.reshape(50, -1, 4)
    turned = np.stack([-objects[..., 1], objects[..., 0], objects[..., 2], objects[..., 3]], -1)
    before = np.asarray(model.latents({"x": events.x})["x"])
    after = np.asarray(model.latents({"x": turned.reshape(50, -1)})["x"])
    np.testing.assert_allclose(after[:, 2:], before[:, 2:], atol=2e-4)
    np.testing.assert_allclose(after[:, 0], -before[:, 1], atol=1e-5)


@pytest.mark.ci
def test_what_is_no_latent_is_refused(model):
    with pytest.raises(ValueError, match="space must be 'x' or 'z', not 'y'"):
        model.decode_latent(np.zeros((2, 10)), to="y")
    with pytest.raises(ValueError, match="flow needs more than a latent to draw x"):
        mizoo.presets.flow("zee", units=4, couplings=2).decode_latent(np.zeros((2, 10)), to="x")


@pytest.mark.ci
@pytest.mark.parametrize("space", ["x", "z"])
def test_momenta_that_are_told_are_the_location(model, events, space):
    mapper = model.decoder if space == "x" else model.encoder
    standardised = mapper.decoder.mapper.mapper
    representation, data = model.representations[space], events[space]
    coordinates = representation(data)
    seen = kinematics.network_features(representation.four_momenta(coordinates))[..., :3]
    location = standardised._coordinates(representation, np.reshape(seen, (50, -1)))
    inside = np.abs(coordinates) < 4.0
    assert inside.mean() > 0.95
    assert np.abs(location - coordinates)[inside].max() < 0.02


@pytest.mark.ci
def test_momenta_are_assigned_to_the_partons_that_they_are_nearest_to(model, events):
    assigned, representation = model.encoder.decoder.mapper, model.z_representation
    coordinates = representation(events.z)
    seen = kinematics.network_features(representation.four_momenta(coordinates))[..., :3].numpy()
    np.testing.assert_array_equal(assigned._orders, [[0, 1, 2, 3], [0, 1, 3, 2]])
    for order, given in enumerate((seen, seen[:, [0, 1, 3, 2]])):
        found, distance = assigned._nearest(given, coordinates)
        np.testing.assert_array_equal(found, np.full(50, order))
        np.testing.assert_allclose(distance, 0.0, atol=1e-4)


@pytest.mark.ci
@pytest.mark.parametrize("space", ["x", "z"])
def test_what_a_latent_says_of_momenta_is_learnt_from_the_event(model, events, space):
    transcoder = model.encoder if space == "x" else model.decoder
    encoder, coordinates = transcoder.encoder, model.representations[space](events[space])
    latent, true = encoder.encode(coordinates)
    objects = np.reshape(events[space], (50, -1, 4))
    azimuth = np.arctan2(*objects[:, encoder.place, 1::-1].T)[:, None]
    at = [*objects.T, azimuth.T]
    turned = [at[0] * np.cos(at[4]) + at[1] * np.sin(at[4]), at[1] * np.cos(at[4]) - at[0] * np.sin(at[4])]
    features = kinematics.network_features(tf.constant(np.stack([*turned, *at[2:4]]).T))
    np.testing.assert_allclose(true, np.reshape(features[..., :3], (50, -1)), atol=2e-3)
    found = transcoder.distribution(coordinates)
    np.testing.assert_allclose(found._reading, -10 * np.abs(encoder.read(latent) - true).sum(-1), rtol=1e-4)


@pytest.mark.ci
def test_momenta_start_from_those_of_the_corresponding_objects(model, events, monkeypatch):
    assigned, told = model.encoder.decoder.mapper, []
    monkeypatch.setattr(assigned, "network", lambda given, training: tf.zeros((len(given), 12 + 2)))
    monkeypatch.setattr(assigned.mapper, "distribution", lambda given, **_: told.append(given))
    given = np.random.default_rng(0).normal(size=(50, 8 + 1 + 12)).astype("float32")
    assigned.distribution(tf.constant(given))._in_order(tf.constant([0, 1] * 25))
    seen = told[0][:, -12:].numpy().reshape(50, 4, 3)
    momenta = given[:, 9:].reshape(50, 4, 3)
    np.testing.assert_allclose(seen[::2], momenta[::2])
    np.testing.assert_allclose(seen[1::2], momenta[1::2, [0, 1, 3, 2]])  # the jets are the quarks in turn


@pytest.mark.ci
def test_latents_of_x_do_not_depend_on_the_order_of_jets(model, events):
    x = model.x_representation
    swapped = np.reshape(events.x, (50, 4, 4))[:, [0, 1, 3, 2]].reshape(50, -1)
    latents = [model.encoder.distribution(x(given)).latent for given in (events.x, swapped)]
    np.testing.assert_allclose(*latents, atol=1e-5)


@pytest.mark.ci
def test_latents_of_x_reconstruct_it_in_order_of_falling_pt(model, events):
    class Told:
        def log_prob(self, target):
            return target

    x, z = model.x_representation, model.z_representation
    swapped = x(np.reshape(events.x, (50, 4, 4))[:, [0, 1, 3, 2]].reshape(50, -1))
    own = model.decoder.decode_latent(model.encoder.distribution(x(events.x)))
    crossing = model.decoder.distribution(z(events.z))
    own._decoded, crossing._decoded, crossing._reading = Told(), Told(), 0.0
    np.testing.assert_allclose(own.log_prob(swapped), x(events.x), atol=1e-3)
    np.testing.assert_array_equal(crossing.log_prob(swapped), swapped)


def test_assignments_are_drawn_with_their_probabilities():
    chances = np.log(np.tile([[0.2, 0.8]], (4000, 1))).astype("float32")

    class Known:
        def __init__(self, order):
            self.order = order

        def sample(self):
            return self.order

        def log_prob(self, target):
            return -5.0 * tf.cast(self.order + 1, tf.float32)

    noise = tf.random.normal((4000, 1), seed=1)
    distribution = AssignedDistribution(Known, chances, lambda target: (target, 0.3), lambda: noise)
    drawn = distribution.sample().numpy()
    assert set(drawn) == {0, 1}
    assert abs(drawn.mean() - 0.8) < 0.03
    found = distribution.log_prob(tf.tile([0, 1], [2000])).numpy()
    np.testing.assert_allclose(found[:2], [np.log(0.2) - 8.0, np.log(0.8) - 13.0], rtol=1e-5)


def test_orders_interchange_the_places_of_each_group():
    assert orders(3, []) == [[0, 1, 2]]
    assert orders(4, [(1, 2)]) == [[0, 1, 2, 3], [0, 2, 1, 3]]
    assert len(orders(6, [(0, 1), (2, 3, 4)])) == 12


def test_objects_come_by_falling_pt_whatever_the_coordinates_say():
    x = FallingPt(ObjectCoordinates(mizoo.processes.zh, ordered=False))
    data = mizoo.datasets.zh().validation.x[:500]
    x.adapt(data)
    np.testing.assert_allclose(x.inverse(x(data)), data, rtol=1e-3, atol=2e-2)
    drawn = x.inverse(np.random.default_rng(0).normal(size=(500, *x.shape)).astype("float32"))
    assert accepted(drawn, mizoo.processes.zh).all()
    pts = np.hypot(*np.asarray(drawn).reshape(500, 4, 4)[:, 2:, :2].transpose(2, 0, 1))
    assert (pts[:, 0] >= pts[:, 1]).all()


@pytest.mark.ci
@pytest.mark.parametrize("preset", ["flow", "gandalf"])
@pytest.mark.parametrize("name", ["zh", "ttbar"])
def test_statistics_are_those_of_objects_in_the_order_of_their_partons(preset, name):
    process, pairs = getattr(mizoo.processes, name), getattr(mizoo.datasets, name)().train[:1000]
    sizes = {"units": 8, "couplings": 2} if preset == "flow" else {"latent": 8, "width": 8, "units": 8}
    model = getattr(mizoo.presets, preset)(process, **sizes)
    model.adapt(pairs)
    coordinates = model.x_representation.representation
    assert isinstance(coordinates, ObjectCoordinates)
    assert coordinates.is_adapted
    matched = JetMatching.of(process)({"x": pairs.x, "z": pairs.z})["x"]
    first, second = next(pair for pair in visible_pairs(process, ordered=False) if pair[0] > 1)  # of jets
    momenta = np.reshape(matched, (1000, -1, 4))
    masses = kinematics.mass(momenta[:, first] + momenta[:, second])
    np.testing.assert_allclose(coordinates.peaks[first], np.median(masses), rtol=1e-5)


def test_a_model_with_all_statistics_takes_none_anew(monkeypatch):
    pairs = mizoo.datasets.zee().train[:100]
    model = mizoo.presets.flow("zee", units=4, couplings=2)
    model.adapt(pairs)
    monkeypatch.setattr(model, "_augmented", lambda batch: pytest.fail("not needed"))
    before = [np.array(weight) for weight in model.x_representation.weights]
    model.adapt(pairs[:50])
    for former, weight in zip(before, model.x_representation.weights, strict=True):
        np.testing.assert_array_equal(weight, former)


@pytest.mark.ci
def test_statistics_that_nobody_sets_are_told():
    class Forgetful(FallingPt):
        def adapt(self, data):
            self.adapted.assign(1.0)

    model = mizoo.presets.flow("zee", units=4, couplings=2)
    model.x_representation = Forgetful(model.x_representation)
    with pytest.raises(RuntimeError, match=r"object_coordinates.* has no statistics"):
        model.adapt(mizoo.datasets.zee().train[:100])
