"""Descriptions of processes: YAML and Python, derived properties, and errors by line and key."""

import json

import numpy as np
import pytest

import mizoo
from mizoo.physics import accepted, library
from mizoo.physics.process import Process

ZH = """\
name: zh
partons:
  - {name: e-, pdgid: 11}
  - {name: e+, pdgid: -11}
  - {name: b, pdgid: 5, mass: 4.8}
  - {name: bbar, pdgid: -5, mass: 4.8}
decays:
  - {name: Z, pdgid: 23, daughters: [e-, e+]}
  - {name: H, pdgid: 25, daughters: [b, bbar], mass: 125.0}
objects:
  - {name: e-, kind: electron, charge: -1, pt: 10, eta: 2.5}
  - {name: e+, kind: electron, charge: 1, pt: 10, eta: 2.5}
  - {name: jet, kind: jet, count: 2, pt: 20 + abs(eta), eta: 4.5, cone: 0.5}
select: n_electrons == 2 and n_jets == 2
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "zh.yaml"
        path.write_text(text)
        return path

    return write


def test_a_description_says_all_that_a_model_or_reader_needs(written):
    zh = Process.load(written(ZH))
    assert [one.name for one in zh.x] == ["e-", "e+", "jet1", "jet2"]
    assert zh.columns("x")[8:12] == ["px_jet1", "py_jet1", "pz_jet1", "E_jet1"]
    assert zh.masses("x") == (0.0,) * 4
    np.testing.assert_allclose(zh.masses("z"), (0.000511, 0.000511, 4.8, 4.8), rtol=1e-4)
    assert zh.decays[0].gev == pytest.approx(91.19, abs=0.01)
    assert zh.decays[1].gev == 125.0
    assert list(zh.systems) == ["m_all", "m_Z", "m_H"]
    assert zh.ordered == ((2, 3),)
    assert [(m.kind, m.partons, m.objects) for m in zh.matches] == [
        ("electron", (0,), (0,)), ("electron", (1,), (1,)), ("jet", (2, 3), (2, 3)),
    ]  # fmt: skip
    assert zh.x[2].threshold(np, eta=np.array([-2.0, 0.0])).tolist() == [22.0, 20.0]
    assert Process(**json.loads(json.dumps(zh.to_dict()))) == zh


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pdgid: -11}", "pdgid: -11, spin: 1}", "line 4: partons.1.spin: there is no such key"),
        ("mass: 4.8}\n  - {name: bbar", "mass: -4}\n  - {name: bbar", "line 5: partons.2.mass: .*greater"),
        ("pdgid: 5, mass: 4.8", "pdgid: 99999", "line 5: partons.2: pdgid 99999 is of no particle"),
        (
            "[e-, e+]",
            "[e-, mu]",
            "line 7: decays: 'mu', a daughter of 'Z', is neither a parton nor a decay",
        ),
        ("125.0", "9.0", "line 7: decays: 'H' has 9 GeV, its daughters have 9.6"),
        ("kind: jet", "kind: jets", "line 13: objects.2.kind: Input should be 'electron', 'muon'"),
        ("20 + abs(eta)", "20 + pt", "line 13: objects.2: pt is a number or a formula in eta alone"),
        ("electron, charge: 1", "electron", r"line \d+: objects: either all objects of kind electron have"),
        ("count: 2", "count: [3, 2]", r"line 13: objects.2: count must be a number, or two .*\[3, 2\]"),
        ("n_jets == 2", "n_jet == 2", "line 14: select: .*no n_jet; there are n_electrons"),
        ("name: zh", "nam: zh", "line 1: (name: Field required|nam: there is no such key)"),
        ("decays:", "decays", r"line \d+: no YAML"),
    ],
)
def test_mistakes_are_told_by_line_and_key(old, new, message, written):
    assert old in ZH
    with pytest.raises(ValueError, match=rf"zh\.yaml, {message}") as caught:
        Process.load(written(ZH.replace(old, new)))
    assert "\n" not in str(caught.value)


def test_the_library_has_the_processes_of_the_packaged_events_and_whole_events():
    assert library.names() == ["ttbar", "ttbar_events", "zee", "zh"]


@pytest.mark.parametrize("name", ["ttbar", "zee", "zh"])
def test_processes_come_with_the_package(name):
    process = getattr(mizoo.processes, name)
    assert process == library.get(name)
    assert process.name == name
    assert process.has_fixed_counts
    split = getattr(mizoo.datasets, name)()
    assert split.train.process == process
    assert accepted(split.test.x, process).mean() > 0.999


def test_acceptance_is_that_of_a_plain_loop(ttbar):
    process = library.get("ttbar")
    z = ttbar.validation.z[:2000]
    found = accepted(z, process)
    objects = z.reshape(-1, 6, 4).astype("float64")
    pt = np.hypot(objects[..., 0], objects[..., 1])
    eta = np.arcsinh(objects[..., 2] / pt)
    jets = 20.0 * np.sqrt((2.5 - 0.15 * np.abs(eta[:, 2:])) ** 2 / 20.0 + 1.0)
    expected = (pt[:, 0] >= 10) & (np.abs(eta[:, 0]) <= 2.5)
    expected &= (pt[:, 2:] >= jets).all(1) & (np.abs(eta[:, 2:]) <= 5.0).all(1)
    np.testing.assert_array_equal(found, expected)
    assert 0.1 < found.mean() < 0.9
