"""Partons in the laboratory, projected onto the mass shells of their resonances."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_parton_momenta import NAMES, adapted, masses

import mizoo
from mizoo.core.serialisation import build
from mizoo.mappers import Diffusion, Gaussian, LocationScale
from mizoo.networks import linear_and_mlp, modulated
from mizoo.physics import Process, kinematics
from mizoo.representations import EventView, ObjectCoordinates, PartonView, ProjectedMomenta

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module", params=NAMES)
def partons(request):
    return adapted(ProjectedMomenta, request.param, 300)


def test_partons_of_data_come_back(partons):
    coordinates, events = partons
    found = coordinates(events)
    assert found.shape[1] == 3 * len(coordinates.masses) + len(coordinates.process.decays)
    np.testing.assert_allclose(coordinates.inverse(found), events, rtol=1e-4, atol=2e-3)
    np.testing.assert_allclose(
        np.delete(found, coordinates.angles, 1).std(0), 1.0, atol=1e-3, err_msg="of all but azimuths"
    )


def test_masses_are_those_of_their_coordinates_whatever_the_momenta_are(partons):
    coordinates, events = partons
    count = 3 * len(coordinates.masses)
    moved = np.array(coordinates(events))
    moved[:, :count] += 0.2 * np.random.default_rng(0).normal(size=(300, count))
    drawn = np.reshape(coordinates.inverse(moved), (300, -1, 4)).astype("float64")
    true = np.reshape(events, drawn.shape)
    for decay in coordinates.process.decays:
        leaves = list(coordinates.process.leaves(decay.name))
        masses = [kinematics.mass(np.float64(one[:, leaves].sum(1))) for one in (drawn, true)]
        np.testing.assert_allclose(masses[0], masses[1], rtol=2e-3)
    assert np.abs(drawn[..., :2].sum(1)).max() < 1e-2  # GeV, as the processes are balanced
    directions = [np.arctan2(one[..., 1], one[..., 0]) for one in (drawn, true)]
    gap = np.abs((directions[0] - directions[1] + np.pi) % (2 * np.pi) - np.pi)
    assert np.median(gap) < 0.4


def test_networks_see_what_the_projection_mends(partons):
    coordinates, events = partons
    view, process = PartonView(coordinates), coordinates.process
    build(view, (None, *coordinates.shape))
    given = np.array(coordinates(events))
    count = 3 * len(process.z)
    seen = np.asarray(view(given))
    assert seen.shape == view.compute_output_shape((300, given.shape[1]))
    true = np.reshape(kinematics.network_features(events.reshape(-1, 4))[:, :3], (300, count))
    np.testing.assert_allclose(seen[:, :count], true, atol=2e-3)
    seen = seen[:, count:]
    assert seen.shape[1] == 2 + len(process.decays)
    np.testing.assert_allclose(seen[:, :2], 0.0, atol=1e-4)
    harder = given.copy()
    harder[:, 0] += 0.1  # pT of the first parton
    momenta = [np.reshape(coordinates.partons(one), (300, -1, 4))[:, 0, :2] for one in (harder, given)]
    imbalance = np.sinh(view(harder)[:, count : count + 2]) * 20.0
    np.testing.assert_allclose(imbalance, momenta[0] - momenta[1], atol=0.02)
    np.testing.assert_allclose(
        np.sinh(seen[:, 2:]),
        20.0 * np.log(masses(process, events) / [d.gev for d in process.decays]),
        atol=0.05,
    )


def test_features_of_noise_are_finite(partons):
    """Values on the paths of diffusion may be anywhere. A feature of NaN would end a training."""
    coordinates, events = partons
    noise = np.random.default_rng(0).normal(size=(len(events), coordinates.shape[0]))
    view, objects = PartonView(coordinates), ObjectCoordinates(coordinates.process)
    objects.adapt(getattr(mizoo.datasets, coordinates.process.name)().test.x)
    of_x = np.random.default_rng(0).normal(size=(2000, objects.shape[0]))
    for scale in (1.0, 30.0, 1e4):
        assert np.isfinite(view(np.float32(scale * noise))).all()
        assert np.isfinite(EventView(objects)(np.float32(scale * of_x))).all()


def test_partons_without_spread_are_told():
    with pytest.raises(ValueError, match="zee: partons have no spread"):
        ProjectedMomenta(mizoo.processes.zee).adapt(np.tile(mizoo.datasets.zee().test.z[:1], (50, 1)))


def test_denoisers_take_what_is_seen_of_the_values_they_draw():
    class Doubled(keras.layers.Layer):
        def call(self, coordinates, training=None):
            given.append(np.array(coordinates))
            return 2.0 * coordinates

    given = []
    diffusion = Diffusion(modulated(9, 2, 3, 8, 1), (3,), evaluations=2)
    mapper = LocationScale(diffusion, linear_and_mlp(2, [8], 6), view=Doubled())
    mapper.build((None, 2))
    distribution = mapper.distribution(tf.zeros((4, 2)), noise=tf.zeros((4, 3)))
    drawn = distribution.sample()  # without noise, from the location and, as the output is zero, to it
    for one in (*given, drawn):
        np.testing.assert_allclose(one, distribution._location, atol=1e-6)
    with pytest.raises(ValueError, match="view needs networks that take features, and Gaussian"):
        LocationScale(Gaussian(linear_and_mlp(2, [8], 6), (3,)), linear_and_mlp(2, [8], 6), view=Doubled())


def test_partons_without_resonances_and_balance_cannot_contradict_one_another():
    process = Process(
        name="qg", partons=[{"name": "q", "pdgid": 2}, {"name": "g", "pdgid": 21}], balanced=False
    )
    coordinates = ProjectedMomenta(process)
    line = np.random.default_rng(0).normal(size=(10, 6)).astype("float32")
    np.testing.assert_allclose(coordinates(coordinates.inverse(line)), line, atol=1e-4)
    assert PartonView(coordinates)(line).shape == (10, 6)
