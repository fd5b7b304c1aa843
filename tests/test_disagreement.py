"""Warnings where they are needed: observables that a model gets wrong, events that no training has seen."""

import json
import warnings

import numpy as np
import pytest

import mizoo
from mizoo import evaluate
from mizoo.datasets import Events, Samples
from mizoo.evaluation import Disagreement, DisagreementWarning, Domain, compare

ZH = mizoo.processes.zh


def partons(count, m_h, seed=0, m_z=91.1879):
    """Z and Higgs bosons of any momentum that decay isotropically; (n, 16)."""
    rng = np.random.default_rng(seed)
    events = []
    for mother, mass in ((m_z, 0.000511), (m_h, 4.8)):
        direction, speed = rng.normal(size=(2, count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        momentum = np.sqrt(np.square(mother) / 4.0 - mass**2) * np.ones(count)
        gamma = np.sqrt(1.0 + np.square(speed).sum(1))
        for sign in (1.0, -1.0):
            vector = sign * momentum[:, None] * direction
            energy = np.sqrt(np.square(vector).sum(1) + mass**2)
            along = (speed * vector).sum(1)
            boosted = vector + speed * (energy + along / (1.0 + gamma))[:, None]
            events += [boosted, (gamma * energy + along)[:, None]]
    return Events(z=np.concatenate(events, 1), process=ZH)


class Shifted:
    """Draws partons that are `shift` GeV off in the mass of the Higgs boson."""

    name = "shifted"
    endpoints = ("encode",)

    def __init__(self, events, shift):
        self.drawn = partons(len(events), 125.0 + shift, seed=1).z

    def encode(self, x):
        return self.drawn[: len(x)]


def with_x(events):
    return Events(events.z, events.z, process=ZH)


def test_a_narrow_peak_counts_by_its_place():
    """KS distances of a mass that is a single number say nothing."""
    events = partons(400, 125.0)
    near, far = (compare(events, partons(400, 125.0 + shift, seed=1)) for shift in (0.05, 0.3))
    assert near.table.loc[("z_tilde", "m_H"), "ks"] > 0.9
    assert near.disagreements() == []
    (found,) = far.disagreements()
    assert (found.stream, found.observable) == ("z_tilde", "m_H")
    assert found.shift == pytest.approx(0.3, abs=0.01)
    assert str(found) == "m_H (median +0.3 GeV off)"


def test_evaluate_names_what_is_far_in_one_line_masses_first():
    events = with_x(partons(400, 125.0))
    with pytest.warns(DisagreementWarning, match=r"shifted is far .* m_H \(median \+5 GeV off\)") as caught:
        evaluate(Shifted(events, 5.0), events)
    (warning,) = caught
    assert "\n" not in str(warning.message)
    assert warning.filename == __file__
    report = compare(partons(400, 125.0, m_z=91.1879), partons(400, 125.0, seed=1, m_z=400.0))
    found = report.disagreements()
    assert found[0].observable in ("m_Z", "m_all")
    components = [one for one in found if not one.observable.startswith("m_")]
    assert components
    assert all(one.excess > 3.0 and one.shift is None for one in components)
    assert [one.excess for one in components] == sorted((one.excess for one in components), reverse=True)
    assert {one.observable for one in report.disagreements(1.0)} >= {one.observable for one in found}


def test_a_model_that_is_right_gives_no_warning():
    events = with_x(partons(400, 125.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(Shifted(events, 0.0), events)


def test_long_lists_are_cut():
    rng = np.random.default_rng(0)
    truth = Samples(x=rng.normal(size=(300, 9)), z=rng.normal(size=(300, 9)))

    class Far:
        name = "far"
        endpoints = ("decode",)

        def decode(self, z):
            return z + 5.0

    with pytest.warns(DisagreementWarning, match=r"x_tilde in x\d \(\d+\.\d ×\), .* and 4 more$"):
        evaluate(Far(), truth)
    assert str(Disagreement("x_tilde", "x0", 4.04)) == "x0 (4.0 ×)"


def test_events_beyond_the_training_are_found_and_named():
    train = partons(500, 125.0 + np.random.default_rng(2).normal(size=500))
    domain = Domain.from_dict(json.loads(json.dumps(Domain.of(train).to_dict())))
    assert domain == Domain.of(train)
    inside = domain.outside(train.z, "z", ZH)
    assert inside.shape == (500, 2 * 4 + 3)
    assert not inside.any()
    other = partons(100, np.where(np.arange(100) < 30, 300.0, 125.0), seed=3)
    outside = domain.outside(other.z, "z", ZH)
    names = list(domain.ranges["z"])
    assert outside[:, names.index("m_H")].tolist() == [True] * 30 + [False] * 70
    low, high = domain.ranges["z"]["m_H"]
    assert 118.0 < low < 125.0 < high < 132.0
    count = np.count_nonzero(outside.any(1))
    line = domain.describe(outside, "z")
    assert line.startswith(
        f"{count} of 100 events lie outside what the training has seen, 30 of them in m_"
    )
    assert domain.describe(inside, "z") == "0 of 500 events lie outside what the training has seen"


def test_a_constant_may_be_rounded():
    """A mass that is one number, read from a file of fewer digits, is not outside."""
    domain = Domain.of(partons(50, 125.0))
    rounded = np.round(partons(50, 125.0, seed=1).z, 3)
    names = list(domain.ranges["z"])
    assert not domain.outside(rounded, "z", ZH)[:, names.index("m_Z")].any()


def test_domains_of_arrays_and_of_weighted_events():
    values = np.arange(12.0).reshape(6, 2)
    domain = Domain.of(Samples(x=values, weights=np.array([1, 1, 1, 1, 1, 0.0])))
    assert domain.ranges == {"x": {"x0": (0.0, 8.0), "x1": (1.0, 9.0)}}
    assert domain.outside(values, "x").any(1).tolist() == [False] * 5 + [True]
    assert Domain.of(Samples(x=np.zeros((3, 4, 4, 1)))).ranges == {}


def test_what_a_domain_does_not_know_is_refused():
    domain = Domain.of(partons(50, 125.0))
    with pytest.raises(ValueError, match="the domain of x is of nothing, not of pt_e-"):
        domain.outside(partons(50, 125.0).z, "x", ZH)
    with pytest.raises(ValueError, match=r"the domain of z is of pt_e-, .* not of z0"):
        domain.outside(np.zeros((3, 16)), "z")
    with pytest.raises(ValueError, match="a domain has least and largest values"):
        Domain.from_dict({"x": {"pt": 3}})
