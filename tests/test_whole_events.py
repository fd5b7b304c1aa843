"""Events with any number of jets, with masses and b-tags: description, arrays and their checks."""

import json

import numpy as np
import pytest
import tensorflow as tf
from whole_events import COUNT, PROCESS, made_up

from mizoo.datasets import Events
from mizoo.objectives import Acceptance
from mizoo.physics import BeamSymmetry, JetMatching, accepted
from mizoo.physics.process import Process
from mizoo.representations import AcceptedMomenta, ObjectCoordinates


def process(**jet):
    objects = [{"name": "jet", "kind": "jet", "count": [2, 4], "features": ["btag"], **jet}]
    return Process(name="jets", partons=[{"name": "b", "pdgid": 5}], objects=objects)


def test_columns_are_momenta_and_then_features():
    jets = process()
    assert [one.name for one in jets.x] == ["jet1", "jet2", "jet3", "jet4"]
    assert jets.optional == (2, 3)
    assert jets.features == ((0, "btag"), (1, "btag"), (2, "btag"), (3, "btag"))
    assert jets.columns("x")[12:] == [
        "px_jet4", "py_jet4", "pz_jet4", "E_jet4", "btag_jet1", "btag_jet2", "btag_jet3", "btag_jet4",
    ]  # fmt: skip
    assert jets.columns("z") == ["px_b", "py_b", "pz_b", "E_b"]
    assert Process(**json.loads(json.dumps(jets.to_dict()))) == jets
    assert process(count=2).features == ((0, "btag"), (1, "btag"))
    assert process(count=2).optional == ()
    assert PROCESS.places == {"e-": (0,), "met": (1,), "jet": tuple(range(2, 12))}


@pytest.mark.parametrize(
    ("jet", "message"),
    [
        ({"features": ["mass"]}, r"objects.0.features.0: Input should be 'btag' or 'charge'"),
        ({"features": ["charge"]}, "charge is a feature of electron and muon and tau, not of kind jet"),
        ({"features": ["btag", "btag"]}, "the feature btag is listed twice"),
        ({"kind": "muon", "features": ["charge"], "charge": 1}, "it is no feature"),
        ({"count": [2, 2]}, "two in ascending order"),
    ],
)
def test_descriptions_that_cannot_be(jet, message):
    with pytest.raises(ValueError, match=message) as caught:
        process(**jet)
    assert "\n" not in str(caught.value)


def test_a_variable_number_comes_last_of_its_kind():
    first, second = ({"name": name, "kind": "jet", "count": [0, 2]} for name in ("jet", "soft"))
    partons = [{"name": "b", "pdgid": 5}]
    with pytest.raises(
        ValueError, match="the number of 'jet' is variable, so that 'soft', of the same kind"
    ):
        Process(name="jets", partons=partons, objects=[first, second])
    fixed = Process(name="jets", partons=partons, objects=[{**first, "count": 1}, second])
    assert fixed.optional == (1, 2)
    with pytest.raises(ValueError, match="objects need names of their own: 'soft1'"):
        Process(name="jets", partons=partons, objects=[{**first, "name": "soft1", "count": 1}, second])


def test_objects_are_present_or_zeros():
    counts = [2, 10, 5]
    events = made_up(counts)
    there = PROCESS.present(events.x)
    assert there.shape == (3, 12)
    np.testing.assert_array_equal(there.sum(1), np.array(counts) + 2)
    np.testing.assert_array_equal(PROCESS.present(events.x[:, : 4 * COUNT]), there)
    assert PROCESS.present(np.zeros((1, 58)))[0].tolist() == [True] * 4 + [False] * 8
    assert PROCESS.present(np.zeros((0, 58))).shape == (0, 12)


def test_absent_objects_are_in_the_acceptance():
    events = made_up([2, 10, 5, 3])
    assert accepted(events.x, PROCESS).all()
    soft = events.x.copy()
    soft[1, 4 * 11 : 4 * 11 + 4] *= 1e-3
    assert accepted(soft, PROCESS).tolist() == [True, False, True, True]


JET4, BTAG = 4 * 5, 4 * COUNT  # columns of the fourth jet and of the first b-tag


def changes():
    def zeroed(jet):
        def change(x):
            x[3, 4 * (jet + 1) : 4 * (jet + 2)] = 0.0
            x[3, BTAG + jet - 1] = 0.0

        return change

    def swapped(x):
        x[3, 8:16] = x[3, [*range(12, 16), *range(8, 12)]]

    def put(column, value):
        def change(x):
            x[3, column] = value

        return change

    return [
        (zeroed(1), "E_jet1 is 0, and 2 to 10 of jet are expected"),
        (zeroed(3), r"E_jet3 is 0, but E_jet4 is \d+.*: objects that an event lacks come last"),
        (swapped, "px_jet2 is not ordered by falling pT"),
        (put(BTAG + 4, 1.0), "btag_jet5 is 1.0, and there is no jet5"),
        (put(BTAG, 0.5), "btag_jet1 is 0.5, 0 or 1 expected"),
        (put(BTAG, np.nan), r"btag_jet1 is nan \(not finite\)"),
        (put(JET4 + 4, 1.0), "E_jet5 is 0, less than the momentum"),
        (put(JET4, np.inf), r"px_jet4 is inf \(not finite\)"),
    ]


@pytest.mark.parametrize(("change", "message"), changes())
def test_faults_name_event_and_column(change, message):
    events = made_up([2, 10, 5, 4])
    x = events.x.copy()
    change(x)
    with pytest.raises(
        ValueError, match=rf"^x has 1 bad events; the first is event 3: {message}"
    ) as caught:
        Events(x, events.z, process=PROCESS)
    assert "\n" not in str(caught.value)


def test_the_shape_says_what_is_expected():
    with pytest.raises(ValueError, match=r"\(n, 58\), px py pz E of each object, then btag, got \(3, 48\)"):
        Events(made_up([2, 3, 4]).x[:, :48], process=PROCESS)


def test_features_of_a_fixed_number_are_checked_as_well():
    two = process(count=2)
    x = np.array([[30.0, 0, 0, 40, 0, 30, 0, 30, 1, 0]])
    assert Events(x, process=two).x.shape == (1, 10)
    x[0, 9] = 2.0
    with pytest.raises(ValueError, match=r"event 0: btag_jet2 is 2\.0, 0 or 1 expected"):
        Events(x, process=two)


@pytest.mark.parametrize(
    "use",
    [
        lambda: JetMatching.of(PROCESS),
        lambda: Acceptance.of(PROCESS),
    ],
)
def test_padded_arrays_are_not_taken_for_momenta(use):
    with pytest.raises(ValueError, match="needs a fixed number of objects, and ttbar_events has") as caught:
        use()
    assert "\n" not in str(caught.value)


def test_symmetries_take_momenta_alone():
    with pytest.raises(ValueError, match=r"BeamSymmetry takes x \(n, 4 × objects\), not \(n, 58\)"):
        BeamSymmetry()({"x": tf.constant(made_up([2, 3]).x)}, training=True)


@pytest.mark.parametrize("coordinates", [AcceptedMomenta, ObjectCoordinates])
def test_models_of_a_fixed_number_refuse_it(coordinates):
    name = coordinates.__name__
    for one, message in (
        (PROCESS, f"{name} needs a fixed number of objects, and ttbar_events has 2 to 10 of jet"),
        (process(count=2), f"{name} takes momenta alone, and jet of jets has the feature btag"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            coordinates(one)
        assert "\n" not in str(caught.value)
