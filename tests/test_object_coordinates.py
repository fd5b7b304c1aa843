"""Coordinates of detector objects: acceptance, order and masses by construction."""

import numpy as np
import pytest

import mizoo
from mizoo.physics import Process, accepted
from mizoo.physics.visible_pairs import visible_pairs
from mizoo.representations import ObjectCoordinates

FOUR_MUONS = Process(
    name="higgs",
    partons=[{"name": n, "pdgid": c} for n, c in (("m1", 13), ("a1", -13), ("m2", 13), ("a2", -13))],
    decays=[
        {"name": "Z1", "pdgid": 23, "daughters": ["m1", "a1"]},
        {"name": "Z2", "pdgid": 23, "daughters": ["m2", "a2"], "mass": 30},
        {"name": "H", "pdgid": 25, "daughters": ["Z1", "Z2"]},
    ],
    objects=[
        {"name": "mu-", "kind": "muon", "charge": -1, "count": 2, "pt": 5, "eta": 2.4},
        {"name": "mu+", "kind": "muon", "charge": 1, "count": 2, "pt": 5, "eta": 2.4},
    ],
)


def mass(events, places):
    total = np.asarray(events, "float64").reshape(len(events), -1, 4)[:, places].sum(1)
    return np.sqrt(np.maximum(total[:, 3] ** 2 - np.square(total[:, :3]).sum(1), 0.0))


@pytest.mark.parametrize("name", mizoo.physics.library.names())
def test_round_trip_of_data(name):
    events = getattr(mizoo.datasets, name)().validation.x[:1000]
    coordinates = ObjectCoordinates(mizoo.physics.library.get(name))
    coordinates.adapt(events)
    again = coordinates.inverse(coordinates(events)).numpy()
    energies = events.reshape(len(events), -1, 4)[..., 3:]
    assert (np.abs(again - events).reshape(len(events), -1, 4) / energies).max() < 2e-5


def test_pairs_of_objects_that_are_known_have_masses():
    assert visible_pairs(mizoo.processes.zee, ordered=True) == [(0, 1)]
    assert visible_pairs(mizoo.processes.zh, ordered=True) == [(0, 1), (2, 3)]
    # Which jet comes from which parton is not known, nor which muon from which boson.
    assert visible_pairs(mizoo.processes.ttbar, ordered=True) == []
    assert visible_pairs(FOUR_MUONS, ordered=True) == []
    # In the order of their partons they are.
    assert visible_pairs(mizoo.processes.ttbar, ordered=False) == [(4, 5)]
    assert visible_pairs(FOUR_MUONS, ordered=False) == [(0, 2), (1, 3)]


@pytest.mark.parametrize("process", [mizoo.processes.zee, mizoo.processes.zh], ids=["zee", "zh"])
def test_a_mass_is_its_coordinate_whatever_the_others_are(process):
    coordinates, random = ObjectCoordinates(process), np.random.default_rng(0)
    coordinates.build((None, *coordinates.physical_shape))
    coordinates.peaks.assign(np.full(len(process.x), 91.0))
    coordinates.scales.assign(np.full(len(process.x), 3.0))
    line = random.normal(size=(200, *coordinates.shape)).astype("float32")
    line[:, coordinates._columns.index((0, "mass"))] = 0.0  # in the middle, if thresholds are far below
    line[:, [i for i, (_, what) in enumerate(coordinates._columns) if what != "phi"]] *= 0.3
    events = coordinates.inverse(line).numpy()
    assert accepted(events, process).all()
    found = mass(events, [0, 1])
    assert found.min() > 90.0
    assert np.percentile(found, 90) < 92.0


def test_a_mass_below_all_that_the_thresholds_allow_is_raised_to_them():
    coordinates = ObjectCoordinates(mizoo.processes.zee)
    coordinates.adapt(mizoo.datasets.zee().validation.x)
    lowest = np.zeros((1, 6), "float32")
    lowest[0, coordinates._columns.index((0, "mass"))] = -30.0
    (event,) = coordinates.inverse(lowest).numpy()
    assert min(np.hypot(*event[:2]), np.hypot(*event[4:6])) == pytest.approx(10.0, rel=1e-4)


def test_masses_of_collinear_leptons_keep_their_digits():
    coordinates = ObjectCoordinates(mizoo.processes.zee)
    coordinates.adapt(mizoo.datasets.zee().validation.x)
    momenta = np.array([[15.614, 18.196, 76.898], [7.328, 8.585, 36.251]])
    events = np.append(momenta, np.linalg.norm(momenta, axis=1)[:, None], 1).reshape(1, 8)
    np.testing.assert_allclose(coordinates.inverse(coordinates(events)), events, rtol=2e-4)
