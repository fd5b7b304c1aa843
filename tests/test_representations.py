import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mizoo.physics import accepted, planar
from mizoo.physics.library import ttbar as TTBAR
from mizoo.presets.physics import masses
from mizoo.representations import (
    EventView,
    Identity,
    Latent,
    Momenta,
    ObjectCoordinates,
    PartonCoordinates,
    PartonMomenta,
    Pixels,
    Standardise,
)

COORDINATES = {
    "x": ObjectCoordinates(TTBAR),
    "x in any order": ObjectCoordinates(TTBAR, ordered=False),
    "z": PartonCoordinates(TTBAR),
    "z by momenta": PartonMomenta(TTBAR),
}


@pytest.fixture(scope="module", autouse=True)
def _adapted(ttbar):
    for name, representation in COORDINATES.items():
        representation.adapt(ttbar.train[name[0]])


def drawn(size):
    return hnp.arrays("float32", (4, size), elements=st.floats(-3, 3, width=32))


@pytest.mark.parametrize("name", COORDINATES)
def test_round_trip_of_events(name, ttbar):
    events = ttbar.validation[name[0]]
    representation = COORDINATES[name]
    again = representation.inverse(representation(events)).numpy()
    momentum = np.abs(events.reshape(len(events), 6, 4)).max(-1, keepdims=True)
    error = np.abs(again - events).reshape(len(events), 6, 4) / momentum
    assert error.max() < 5e-5  # z balances in pT only to 3e-5 GeV


@pytest.mark.parametrize("name", [*COORDINATES, "momenta"])
def test_four_momenta_are_those_of_events_with_all_digits(name, ttbar):
    space = name[0] if name in COORDINATES else "x"
    representation = COORDINATES.get(name) or Momenta(TTBAR.masses("x"))
    if name not in COORDINATES:
        representation.adapt(ttbar.train.x)
    line = representation(ttbar.validation[space][:500])
    momenta = representation.four_momenta(line).numpy()
    assert momenta.dtype == "float64"
    objects = representation.inverse(line).numpy().reshape(-1, 6, 4)
    np.testing.assert_allclose(momenta, objects, rtol=1e-6, atol=1e-4)
    if name in COORDINATES:
        squares = momenta[..., 3] ** 2 - np.square(momenta[..., :3]).sum(-1)
        masses = np.broadcast_to(TTBAR.masses(space), squares.shape)
        np.testing.assert_allclose(squares, masses**2, atol=1e-9 * np.square(momenta).max())


def test_angles_are_wrapped():
    angles = tf.constant([-7.0, -np.pi, -1.0, 0.0, 3.0, np.pi, 9.0], tf.float64)
    expected = [-7.0 + 2 * np.pi, -np.pi, -1.0, 0.0, 3.0, -np.pi, 9.0 - 2 * np.pi]
    np.testing.assert_allclose(planar.wrap(angles), expected, atol=1e-12)
    np.testing.assert_allclose(planar.wrap(tf.constant([-7.0, 6.0, 19.0]), 6.0), [5.0, -6.0, -5.0])


@pytest.mark.ci
@settings(max_examples=25, deadline=None)
@given(drawn(16))
def test_partons_are_on_their_mass_shell_and_balanced(line):
    partons = COORDINATES["z"].inverse(line).numpy().astype("float64").reshape(-1, 6, 4)
    energy = np.sqrt(np.square(partons[..., :3]).sum(-1) + np.square(TTBAR.masses("z")))
    np.testing.assert_allclose(partons[..., 3], energy, rtol=1e-5)
    scale = np.abs(partons[..., :2]).max()
    np.testing.assert_allclose(partons[..., :2].sum(1), 0.0, atol=1e-5 * max(scale, 1.0))


@pytest.mark.parametrize("name", ["x", "x in any order"])
@settings(max_examples=25, deadline=None)
@given(line=drawn(18))
def test_any_coordinates_are_detector_objects_that_are_accepted(name, line):
    objects = COORDINATES[name].inverse(line).numpy()
    assert accepted(objects, TTBAR).all()
    pt = np.hypot(*objects.reshape(-1, 6, 4)[:, 2:, :2].transpose(2, 0, 1))
    if name == "x":
        assert (np.diff(pt) <= 1e-4 * pt[:, :-1]).all()


@pytest.mark.ci
@pytest.mark.parametrize("name", COORDINATES)
def test_nothing_is_further_off_its_mass_shell_than_data(name, ttbar):
    """A classifier would detect single precision."""
    representation = COORDINATES[name]
    events = ttbar.validation[name[0]]
    for objects in (events, representation.inverse(representation(events) + 0.1).numpy()):
        objects = objects.reshape(-1, 6, 4)
        squares = np.square(objects[..., :3], dtype="float64").sum(-1) + np.square(TTBAR.masses(name[0]))
        np.testing.assert_array_equal(objects[..., 3], np.sqrt(squares).astype("float32"))


@pytest.mark.parametrize("name", COORDINATES)
def test_rotation_adds_to_the_angles_and_nothing_else(name, ttbar):
    events = ttbar.validation[name[0]][:50].reshape(-1, 6, 4).astype("float64")
    turn = 0.7
    px, py = events[..., 0].copy(), events[..., 1].copy()
    turned = events.copy()
    turned[..., 0] = np.cos(turn) * px - np.sin(turn) * py
    turned[..., 1] = np.sin(turn) * px + np.cos(turn) * py
    representation = COORDINATES[name]
    change = representation(turned.reshape(-1, 24)) - representation(events.reshape(-1, 24))
    change = change.numpy()
    angles = list(representation.angles)
    wrapped = np.mod(change[:, angles] - turn + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_allclose(wrapped, 0.0, atol=1e-5)
    np.testing.assert_allclose(np.delete(change, angles, axis=1), 0.0, atol=2e-3)


@pytest.mark.parametrize("name", COORDINATES)
def test_coordinates_are_of_order_one(name, ttbar):
    line = COORDINATES[name](ttbar.train[name[0]][:5000]).numpy()
    plain = np.delete(line, COORDINATES[name].angles, axis=1)
    assert np.all((plain.std(0) > 0.5) & (plain.std(0) < 2.0))


def test_view_has_momenta_masses_and_sums(ttbar):
    partons, coordinates = ttbar.validation.z[:3], COORDINATES["z"]
    subsets = masses(TTBAR, "z")
    view = EventView(coordinates, subsets, sums=[range(6), (2, 3)])
    seen = view(coordinates(partons)).numpy()
    plain = coordinates.shape[0] - len(coordinates.angles)
    assert seen.shape == view.compute_output_shape((3, 16)) == (3, plain + 24 + len(subsets) + 8)
    objects = partons.reshape(3, 6, 4).astype("float64")
    pair = objects[:, 2] + objects[:, 3]
    mass = np.sqrt(pair[:, 3] ** 2 - np.square(pair[:, :3]).sum(-1))
    place = plain + 24 + subsets.index((2, 3))
    np.testing.assert_allclose(seen[:, place], np.log(1 + mass) - 5, rtol=1e-4, atol=1e-4)
    found = seen[:, -4:]
    size = 20 * np.expm1(np.hypot(found[:, 0], found[:, 1]))
    np.testing.assert_allclose(size, np.hypot(pair[:, 0], pair[:, 1]), rtol=1e-2)
    np.testing.assert_allclose(np.exp(found[:, 3] + 4.5) - 1, pair[:, 3], rtol=1e-3)


@pytest.mark.parametrize("scalar", [True, False])
def test_standardise(scalar):
    data = np.random.default_rng(0).normal([1.0, 5.0], [2.0, 7.0], (1000, 2)).astype("float32")
    layer = Standardise((2,), scalar=scalar)
    assert not layer.is_adapted
    layer.adapt(data)
    assert layer.is_adapted
    scaled = layer(data).numpy()
    axis = None if scalar else 0
    np.testing.assert_allclose(scaled.mean(axis), 0.0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis), 1.0, atol=1e-5)
    np.testing.assert_allclose(layer.inverse(scaled), data, rtol=1e-5, atol=1e-5)


def test_standardise_refuses_constant_columns():
    with pytest.raises(ValueError, match="constant"):
        Standardise((2,)).adapt(np.ones((10, 2)))


@pytest.mark.ci
@pytest.mark.parametrize("layer", [*COORDINATES.values(), Identity((3,)), Standardise((3,))])
def test_configuration_survives_json(layer):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    again.set_weights(layer.get_weights())
    events = np.random.default_rng(0).normal(size=(5, *layer.shape)).astype("float32")
    np.testing.assert_array_equal(layer.inverse(events), again.inverse(events))


@pytest.mark.ci
def test_configuration_of_a_view_survives_json(ttbar):
    coordinates = COORDINATES["x in any order"]
    view = EventView(coordinates, masses(TTBAR, "x"), sums=[range(6)])
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(view)))
    again = keras.saving.deserialize_keras_object(config)
    again.representation.set_weights(coordinates.get_weights())
    line = coordinates(ttbar.validation.x[:5])
    np.testing.assert_array_equal(view(line), again(line))


def test_pixels_map_the_range_of_the_data_and_stay_in_it():
    layer = Pixels((2, 2, 1))
    images = np.random.default_rng(0).integers(0, 256, size=(50, 2, 2, 1)).astype("uint8")
    assert not layer.is_adapted
    layer.adapt(images)
    assert layer.is_adapted
    coordinates = layer(images).numpy()
    assert (coordinates.min(), coordinates.max()) == (-1.0, 1.0)
    np.testing.assert_allclose(layer.inverse(coordinates), images, atol=1e-3)
    beyond = layer.inverse(np.full((1, 2, 2, 1), 3.0)).numpy()
    np.testing.assert_allclose(beyond, images.max())
    with pytest.raises(ValueError, match=r"from 7\.0 to 7\.0"):
        layer.adapt(np.full((3, 2, 2, 1), 7.0))


@pytest.mark.parametrize("space", ["x", "z"])
def test_momenta_have_energies_on_the_mass_shell(space, ttbar):
    events = ttbar.train[:1000][space]
    layer = Momenta(TTBAR.masses(space))
    layer.adapt(events)
    coordinates = layer(events).numpy()
    assert coordinates.shape == (1000, 18)
    np.testing.assert_allclose(coordinates.std(0), 1.0, rtol=1e-4)
    np.testing.assert_allclose(layer.inverse(coordinates), events, rtol=1e-4, atol=1e-2)
    objects = layer.inverse(np.random.default_rng(0).normal(size=(100, 18))).numpy().reshape(100, 6, 4)
    square = objects[..., 3].astype("float64") ** 2 - (objects[..., :3].astype("float64") ** 2).sum(-1)
    scale = objects[..., 3] ** 2
    assert np.abs((square - np.square(TTBAR.masses(space))) / scale).max() < 1e-6


def test_latent_draws_follow_the_prior():
    latent = Latent(normal=2, uniform=1, categories=(2, 4))
    draws = latent.sample(20_000).numpy()
    assert draws.shape == (20_000, 9) == (20_000, *latent.shape)
    np.testing.assert_allclose(draws[:, :2].std(0), 1.0, rtol=0.03)
    assert -1.0 <= draws[:, 2].min() < -0.99
    assert 0.99 < draws[:, 2].max() <= 1.0
    np.testing.assert_allclose(draws[:, 3:5].mean(0), 0.5, atol=0.02)
    np.testing.assert_allclose(draws[:, 5:].mean(0), 0.25, atol=0.02)
    assert set(np.unique(draws[:, 3:])) == {0.0, 1.0}


def test_latent_density_and_entropy():
    latent = Latent(normal=2, uniform=1, categories=(2, 4))
    expected = -np.log(2.0 * np.pi) - np.log(2.0) - np.log(8.0)
    draws = latent.sample(50_000)
    peak = np.concatenate([np.zeros((1, 3)), draws[:1, 3:]], 1).astype("float32")
    assert float(latent.log_prob(peak)[0]) == pytest.approx(expected, rel=1e-5)
    assert -np.mean(latent.log_prob(draws)) == pytest.approx(latent.entropy, abs=0.02)
    assert Latent(3).is_normal
    assert not latent.is_normal


def test_learnt_prior_has_no_known_density():
    latent = Latent(2, mapping=keras.layers.Dense(2))
    latent.build((None, 2))
    assert latent.sample(5).shape == (5, 2)
    assert len(latent.trainable_variables) == 2
    assert not latent.is_normal
    for ask in (lambda: latent.entropy, lambda: latent.log_prob(np.zeros((1, 2)))):
        with pytest.raises(ValueError, match="learnt prior"):
            ask()
