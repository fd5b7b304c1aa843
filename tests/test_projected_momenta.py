"""Partons in the laboratory, projected onto the mass shells of their resonances."""

import numpy as np
import pytest

import mizoo
from mizoo.core.serialisation import build
from mizoo.physics import kinematics
from mizoo.representations import ProjectedMomenta

NAMES = ["zee", "zh", "ttbar"]


@pytest.fixture(scope="module", params=NAMES)
def partons(request):
    process = getattr(mizoo.processes, request.param)
    events = getattr(mizoo.datasets, request.param)().validation.z[:300]
    coordinates = ProjectedMomenta(process)
    coordinates.adapt(events)
    return coordinates, events


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


def test_configuration_survives(partons):
    coordinates, events = partons
    again = ProjectedMomenta.from_config(coordinates.get_config())
    build(again, (None, *events.shape[1:]))
    again.set_weights(coordinates.get_weights())
    np.testing.assert_array_equal(again(events), coordinates(events))


def test_partons_without_spread_are_told():
    with pytest.raises(ValueError, match="zee: partons have no spread"):
        ProjectedMomenta(mizoo.processes.zee).adapt(np.tile(mizoo.datasets.zee().test.z[:1], (50, 1)))
