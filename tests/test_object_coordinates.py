"""Coordinates of detector objects: acceptance, order and masses by construction."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import mizoo
from mizoo.datasets import read
from mizoo.physics import Process, accepted
from mizoo.physics.momenta import BEAM
from mizoo.physics.visible_pairs import visible_pairs
from mizoo.representations import ObjectCoordinates

DATA = Path(__file__).parent / "data"

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


def massive_zh():
    """ZH events with massive jets, as in Delphes."""
    content = mizoo.processes.zh.model_dump(exclude_defaults=True)
    content["objects"] = [
        {**one, "massive": True} if one["kind"] == "jet" else one for one in content["objects"]
    ]
    process = Process(**content)
    return read(DATA / "zh_reco.root", DATA / "zh_reco.lhe.gz", process=process)


def test_jets_keep_their_masses():
    events = massive_zh()
    masses = [mass(events.x, [place]) for place in range(4)]
    assert max(masses[0].max(), masses[1].max()) < 0.1
    assert np.median(masses[2]) > 5.0
    assert np.median(masses[3]) > 3.0
    coordinates = ObjectCoordinates(events.process)
    assert coordinates.shape == (4 * 3 + 2,)
    coordinates.adapt(events.x)
    again = coordinates.inverse(coordinates(events.x)).numpy()
    np.testing.assert_allclose(mass(again, [2]), masses[2], rtol=0.02, atol=0.2)
    drawn = coordinates.inverse(np.random.default_rng(0).normal(size=(500, 14)).astype("float32"))
    assert accepted(drawn, events.process).all()
    assert np.median(mass(drawn, [3])) > 1.0


@pytest.mark.slow
def test_models_of_massive_jets_draw_them(tmp_path):
    events = massive_zh()
    small = {"latent": 8, "width": 8, "units": 16, "blocks": 1, "evaluations": 2}
    model = mizoo.presets.gandalf(events.process, **small)
    model.fit(events, batch_size=len(events) // 2, verbose=0)
    made = model.decode(events.z, seed=0)
    assert np.median(mass(made, [2])) > 0.3 > 10.0 * np.median(mass(made, [0]))
    model.save(tmp_path / "massive.keras")
    again = keras.saving.load_model(tmp_path / "massive.keras").decode(events.z, seed=0)
    np.testing.assert_allclose(again, made, rtol=1e-4, atol=1e-3)
    with pytest.raises(ValueError, match="zh: jet1 is massive, and standardised momenta have no masses"):
        mizoo.presets.pix2pix(events.process)


def test_massive_objects_need_a_column_of_masses():
    one = {"kind": "electron", "name": "e", "massive": True}
    process = Process(name="one", partons=[{"name": "e", "pdgid": 11}], objects=[one])
    frame = pd.DataFrame({"pt": [30.0, 40.0], "eta": [0.0, 1.0], "phi": [0.0, 1.0], "m": [0.5, 1.5]})
    columns = {"x": {"electron": {"pt": "pt", "eta": "eta", "phi": "phi"}}}
    with pytest.raises(ValueError, match="e is massive, but no column has its mass"):
        read(frame, process=process, columns=columns)
    columns["x"]["electron"]["mass"] = "m"
    events = read(frame, process=process, columns=columns)
    np.testing.assert_allclose(mass(events.x, [0]), [0.5, 1.5], rtol=1e-4)


@pytest.mark.ci
@pytest.mark.parametrize("name", ["ttbar", "zee", "zh"])
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


@pytest.mark.parametrize("name", ["zee", "zh"])
def test_no_object_has_more_energy_than_a_beam(name):
    coordinates = ObjectCoordinates(mizoo.physics.library.get(name))
    coordinates.adapt(getattr(mizoo.datasets, name)().validation.x[:300])
    line = np.random.default_rng(0).normal(scale=20.0, size=(300, *coordinates.shape)).astype("float32")
    energies = coordinates.inverse(line).numpy().reshape(300, -1, 4)[..., 3]
    assert 7_000.0 < energies.max() < 1.001 * BEAM


def test_no_jet_has_more_mass_than_a_beam_has_energy():
    events = massive_zh()
    coordinates = ObjectCoordinates(events.process)
    coordinates.adapt(events.x)
    line = np.zeros((1, *coordinates.shape), "float32")
    line[:, [i for i, (_, what) in enumerate(coordinates._columns) if what == "own mass"]] = 1e3
    drawn = coordinates.inverse(line).numpy()
    for jet in (2, 3):
        assert mass(drawn, [jet]) == pytest.approx(BEAM, rel=1e-3)


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
