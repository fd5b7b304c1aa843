"""Partons in the laboratory, with masses of resonances in place of transverse momenta."""

import numpy as np
import pytest
import tensorflow as tf
from test_partons import ZZ

import mizoo
from mizoo.core.serialisation import build
from mizoo.physics import Process, TransverseBoost, kinematics
from mizoo.physics.momenta import BEAM
from mizoo.representations import PartonCoordinates, PartonMomenta, ProjectedMomenta

NAMES = ["zee", "zh", "ttbar"]


def adapted(kind, name, count=1000):
    """Coordinates of a process, and partons to which they are adapted."""
    events = getattr(mizoo.datasets, name)().validation.z[:count]
    coordinates = kind(getattr(mizoo.processes, name))
    coordinates.adapt(events)
    return coordinates, events


@pytest.fixture(scope="module", params=NAMES)
def partons(request):
    return adapted(PartonMomenta, request.param)


def masses(process, events):
    """Masses (n, resonances) of events (n, 4 × partons)."""
    momenta = np.reshape(events, (len(events), -1, 4)).astype("float64")
    sums = [momenta[:, list(process.leaves(decay.name))].sum(1) for decay in process.decays]
    return np.concatenate([kinematics.mass(one) for one in sums], 1)


def test_partons_of_data_come_back(partons):
    coordinates, events = partons
    found = coordinates(events)
    assert found.shape == (1000, 3 * len(coordinates.masses))
    np.testing.assert_allclose(coordinates.inverse(found), events, rtol=1e-4, atol=5e-3)
    np.testing.assert_allclose(np.delete(found, coordinates.angles, 1).std(0), 1.0, atol=1e-3)


def test_any_coordinates_are_balanced_partons_with_the_masses_they_say(partons):
    coordinates, events = partons
    given = np.array(coordinates(events))
    directions = [i for i in range(given.shape[1]) if i % 3]
    given[:, directions] += 0.1 * np.random.default_rng(0).normal(size=(1000, len(directions)))
    drawn = np.asarray(coordinates.inverse(given))
    assert np.isfinite(drawn).all()
    np.testing.assert_allclose(
        masses(coordinates.process, drawn), masses(coordinates.process, events), rtol=2e-3
    )
    scale = np.abs(drawn.reshape(1000, -1, 4)[..., :2]).sum(1)
    assert (np.abs(drawn.reshape(1000, -1, 4)[..., :2].sum(1)) < 1e-5 * scale).all()


def test_boosted_partons_come_back_balanced(partons):
    coordinates, events = partons
    boosted = np.asarray(TransverseBoost(0.05)({"z": events}, training=True)["z"])
    np.testing.assert_allclose(
        masses(coordinates.process, boosted), masses(coordinates.process, events), rtol=1e-4
    )
    left = boosted.reshape(1000, -1, 4)[..., :2].sum(1) / boosted.reshape(1000, -1, 4)[..., 3:].sum(1)
    np.testing.assert_allclose(left.std(0), 0.05, rtol=0.1)
    back = coordinates.inverse(coordinates(boosted))
    np.testing.assert_allclose(back, events, rtol=1e-3, atol=0.05)
    np.testing.assert_array_equal(TransverseBoost()({"z": events})["z"], events)


def test_of_two_momenta_with_a_mass_it_is_the_larger_one():
    system, direction = np.array([[0.0, 0.0, 50.0, 60.0]]), np.array([[0.0, 0.0, 1.0]])
    for own, momentum in ((0.0, 30.0), (5.0, 40.0)):
        particle = np.array([[0.0, 0.0, momentum, np.hypot(momentum, own)]])
        whole = kinematics.mass(system + particle)
        np.testing.assert_allclose(kinematics.with_mass(whole, system, direction, own), particle, rtol=1e-9)


@pytest.mark.parametrize("kind", [PartonMomenta, ProjectedMomenta])
@pytest.mark.parametrize("name", NAMES)
def test_configuration_survives(kind, name):
    coordinates, events = adapted(kind, name, 300)
    again = kind.from_config(coordinates.get_config())
    build(again, (None, *events.shape[1:]))
    again.set_weights(coordinates.get_weights())
    np.testing.assert_array_equal(again(events), coordinates(events))


def test_resonances_without_a_parton_among_their_daughters_are_refused():
    process = ZZ.model_copy(
        update={
            "decays": (*ZZ.decays, ZZ.decays[0].model_copy(update={"name": "H", "daughters": ("Z1", "Z2")}))
        }
    )
    assert PartonMomenta.takes(ZZ)
    assert not PartonMomenta.takes(process)
    with pytest.raises(ValueError, match="zz: PartonMomenta needs a parton in each decay"):
        PartonMomenta(process)


@pytest.mark.parametrize("kind", [PartonCoordinates, PartonMomenta, ProjectedMomenta])
def test_partons_that_should_balance_and_do_not_are_refused(kind):
    events = np.array(mizoo.datasets.zh().validation.z[:300])
    boosted = TransverseBoost(0.05)({"z": events}, training=True)["z"]
    with pytest.raises(
        ValueError, match=r"zh is balanced, but .* sum to .* GeV on average: set balanced: false"
    ):
        kind(mizoo.processes.zh).adapt(np.asarray(boosted))


@pytest.mark.parametrize("kind", [PartonMomenta, ProjectedMomenta])
def test_no_parton_has_more_energy_than_a_beam(kind):
    partons = [{"name": "q", "pdgid": 2, "mass": 0}, {"name": "g", "pdgid": 21}]
    process = Process(name="qg", partons=partons, balanced=False)
    coordinates, random = kind(process), np.random.default_rng(0)
    momenta = random.normal(scale=50.0, size=(300, 2, 3))
    energies = np.linalg.norm(momenta, axis=-1, keepdims=True)
    coordinates.adapt(np.concatenate([momenta, energies], -1).reshape(300, 8).astype("float32"))
    line = random.normal(scale=20.0, size=(300, *coordinates.shape)).astype("float32")
    for inverse in (coordinates.inverse, tf.function(coordinates.inverse)):
        drawn = inverse(line).numpy().reshape(300, 2, 4)[..., 3]
        assert 7_000.0 < drawn.max() < 1.001 * BEAM
