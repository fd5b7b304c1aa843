import keras
import numpy as np
import pytest
import tensorflow as tf
from former import coordinates, views, views_of_draws, views_of_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mizoo.evaluation.observables import polar
from mizoo.physics import planar
from mizoo.physics.library import ttbar as TTBAR
from mizoo.representations import (
    DetectorEvent,
    Identity,
    Imbalance,
    Latent,
    Momenta,
    Pixels,
    Standardise,
)
from mizoo.representations.detector import cms_jet_threshold

X, Z = coordinates()
FITTED = coordinates(fitted=True)
COORDINATES = {"x": X, "z": Z, "x in any order": FITTED[0], "z by a fit": FITTED[1]}


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
    partons = Z.inverse(line).numpy().astype("float64").reshape(-1, 6, 4)
    energy = np.sqrt(np.square(partons[..., :3]).sum(-1) + np.square(TTBAR.masses("z")))
    np.testing.assert_allclose(partons[..., 3], energy, rtol=1e-5)
    scale = np.abs(partons[..., :2]).max()
    np.testing.assert_allclose(partons[..., :2].sum(1), 0.0, atol=1e-5 * max(scale, 1.0))


@settings(max_examples=25, deadline=None)
@given(drawn(18))
def test_detector_objects_respect_thresholds_and_order(line):
    objects = X.inverse(line).numpy().astype("float64").reshape(-1, 6, 4)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    eta = np.arcsinh(objects[..., 2] / pt)
    np.testing.assert_allclose(objects[..., 3], np.sqrt(np.square(objects[..., :3]).sum(-1)), rtol=1e-5)
    assert (pt[:, 0] > 10.0 * (1 - 1e-6)).all()
    assert (np.abs(eta[:, 0]) < 2.5 + 1e-5).all()
    assert (pt[:, 2:] > cms_jet_threshold(eta[:, 2:]).numpy() * (1 - 1e-5)).all()
    assert (np.diff(pt[:, 2:]) <= 1e-4 * pt[:, 2:-1]).all()


def distances(objects):
    """√(Δη² + Δφ²) of lepton and jets from each other."""
    _, eta, phi = (a[:, [0, 2, 3, 4, 5]] for a in polar(objects))
    of_phi = np.mod(phi[:, :, None] - phi[:, None] + np.pi, 2 * np.pi) - np.pi
    return np.hypot(eta[:, :, None] - eta[:, None], of_phi)


def test_detector_events_are_apart():
    apart, free = FITTED[0], DetectorEvent(radius=0.0)
    line = np.random.default_rng(0).normal(size=(5000, 18)).astype("float32")
    line[:, [7, 10, 13, 16]] *= 0.3  # jets to one side
    before, after = (r.inverse(line).numpy().astype("float64") for r in (free, apart))
    near = (distances(before) + 9.0 * np.eye(5)).min((1, 2)) < apart.radius
    assert 0.3 < near.mean() < 0.9
    np.testing.assert_array_equal(after[~near], before[~near])
    assert ((distances(after) + 9.0 * np.eye(5)).min((1, 2)) > apart.radius - 1e-5).mean() > 0.999
    pt, eta, _ = polar(after)
    assert (pt[:, 2:] > cms_jet_threshold(eta[:, 2:]).numpy() * (1 - 1e-5)).all()


def test_view_of_draws_has_distances_and_what_constraints_ask_for(ttbar):
    events = ttbar.validation.x[:500]
    (view, _), representation = views_of_draws(), FITTED[0]
    line = representation(events)
    seen = view(line, tf.ones_like(line)).numpy().astype("float64")
    assert seen.shape == view.compute_output_shape((500, 18))
    found, expected = np.expm1(seen[:, -28:-18]), distances(events)[:, *np.triu_indices(5, 1)]
    close = expected < 0.8
    assert close.sum() > 50
    np.testing.assert_allclose(found[close], expected[close], rtol=0.05)
    move = representation.closing(line, tf.ones_like(line)).numpy()
    np.testing.assert_allclose(seen[:, -18:], 4.0 * np.tanh(move / 4.0), atol=1e-4)


def test_view_of_scores_has_sums_of_momenta(ttbar):
    events, (x, _) = ttbar.validation.x[:500], FITTED
    line, (view, _) = x(events), views_of_scores(*FITTED)
    seen = view(line).numpy()
    assert seen.shape == view.compute_output_shape((500, 18))
    objects = events.reshape(-1, 6, 4)
    sums = np.stack([objects[:, subset].sum(1) for subset in view.sums], 1)
    pt, energy = np.hypot(sums[..., 0], sums[..., 1]), sums[..., 3]
    found = seen[:, -12:].reshape(-1, 3, 4)
    np.testing.assert_allclose(
        20 * np.expm1(np.hypot(found[..., 0], found[..., 1])), pt, rtol=1e-2, atol=0.1
    )
    np.testing.assert_allclose(np.exp(found[..., 3] + 4.5) - 1, energy, rtol=1e-3)
    np.testing.assert_allclose(20 * Imbalance(x)(line), objects[..., :2].sum(1), rtol=1e-3, atol=0.1)


@pytest.mark.parametrize(("space", "noise", "constraints"), [("x", 0.1, 0.8), ("z", 0.03, 6.0)])
def test_closing_moves_take_back_as_much_noise_as_shows(space, noise, constraints, ttbar):
    """Of standard normal noise each constraint shows one component; those of x, as far as it is more than
    the imbalance of data. A conditional mean m of e has E[m e] = E[m²].
    """
    representation = views_of_draws()["xz".index(space)].representation
    line = representation(ttbar.train[space][:4000]).numpy().astype("float32")
    noises = np.random.default_rng(0).normal(size=line.shape).astype("float32")
    move = representation.closing(line + noise * noises, np.full_like(line, noise)).numpy()
    shown = np.square(move).sum(1).mean()
    assert shown == pytest.approx(constraints, rel=0.15)
    assert -(noises * move).sum(1).mean() == pytest.approx(shown, rel=0.1)


def test_closing_moves_lead_to_masses_and_balance(ttbar):
    free, fit = views_of_draws()[1].representation, FITTED[1]
    line = free(ttbar.train.z[:1000]).numpy().astype("float32")
    far = line + 0.02 * np.random.default_rng(0).normal(size=line.shape).astype("float32")
    near = far + free.closing(far, np.ones_like(line)).numpy()
    off = [np.abs(free.inverse(c) - fit.inverse(c)).max(1).mean() for c in (line, far, near)]
    assert off[0] < 1e-3
    assert off[2] < 0.05 * off[1]


def test_closing_moves_are_short_where_gaps_are_far_from_linear(ttbar):
    """Events far from closure do not depend on the last bits of their inputs."""
    representation = views_of_draws()[1].representation
    line = representation(ttbar.train.z[:1000]).numpy().astype("float32")
    far = line + np.random.default_rng(0).normal(size=line.shape).astype("float32")
    move = representation.closing(far, np.full_like(line, 0.01)).numpy()
    lengths = np.sqrt(np.square(move).sum(1))
    assert 1.0 < np.median(lengths) < lengths.max() < 6.0**0.5 / (2.0 * 0.05)


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


def test_threshold_is_that_of_the_data(ttbar):
    objects = ttbar.train.x.reshape(-1, 6, 4).astype("float64")
    pt = np.hypot(objects[:, 2:, 0], objects[:, 2:, 1])
    eta = np.arcsinh(objects[:, 2:, 2] / pt)
    ratio = pt / cms_jet_threshold(eta).numpy()
    assert 1.0 <= ratio.min() < 1.0001
    assert cms_jet_threshold(0.0).numpy() == pytest.approx(22.913, abs=1e-3)


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


def test_view_has_momenta_masses_and_order(ttbar):
    view = views(X, Z)[1]
    partons = ttbar.validation.z[:3]
    seen = view(Z(partons)).numpy()
    assert seen.shape == (3, view.compute_output_shape((3, 16))[1])
    objects = partons.reshape(3, 6, 4).astype("float64")
    pair = objects[:, 2] + objects[:, 3]  # the first subset
    mass = np.sqrt(pair[:, 3] ** 2 - np.square(pair[:, :3]).sum(-1))
    np.testing.assert_allclose(seen[:, 15 + 24], np.log(1 + mass) - 5, rtol=1e-4, atol=1e-4)
    ranked = seen[:, 15 + 24 + 7 :].reshape(3, 4, 8)
    order = np.argsort(-np.hypot(objects[:, 2:, 0], objects[:, 2:, 1]), axis=1)
    np.testing.assert_array_equal(ranked[..., 4:].argmax(-1), order)


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
@pytest.mark.parametrize(
    "layer", [*COORDINATES.values(), *views(X, Z), Imbalance(X), Identity((3,)), Standardise((3,))]
)
def test_configuration_survives_json(layer):
    import json

    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    events = np.random.default_rng(0).normal(size=(5, *getattr(layer, "shape", (18,)))).astype("float32")
    if layer in views(X, Z) or not hasattr(layer, "inverse"):
        events = events[:, : layer.representation.shape[0]]
        np.testing.assert_array_equal(layer(events), again(events))
    else:
        np.testing.assert_array_equal(layer.inverse(events), again.inverse(events))


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
