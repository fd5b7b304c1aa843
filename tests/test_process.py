"""Another process, from its declaration to tables and figures: Z → e⁺e⁻, the other benchmark of OTUS."""

import numpy as np
import pytest

import mizoo
from mizoo.datasets import Events, read, write
from mizoo.evaluation import evaluate, observables, responses
from mizoo.evaluation.observables import label
from mizoo.objectives import Acceptance
from mizoo.physics import TTBAR, ZEE, accepted
from mizoo.representations import Momenta


@pytest.fixture(scope="module")
def electrons():
    """Pairs whose detector smears energies by 3 %."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(400, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    mass = 91.2 + 2.5 * np.tan(np.pi * (rng.random(400) - 0.5) * 0.9)
    momenta = 0.5 * mass[:, None, None] * np.stack([direction, -direction], 1)
    smeared = momenta * (1.0 + 0.03 * rng.normal(size=(400, 2, 1)))
    four = [np.concatenate([p, np.linalg.norm(p, axis=-1, keepdims=True)], -1) for p in (smeared, momenta)]
    return Events(*(p.reshape(400, 8) for p in four), process=ZEE)


def test_observables_follow_from_the_process(electrons):
    named = observables(electrons.z, "z", ZEE)
    assert list(named) == [*ZEE.columns("z"), "m_z"]
    assert np.median(named["m_z"]) == pytest.approx(91.2, abs=0.5)
    assert label("m_z", "x", ZEE) == "$m_Z$"
    found = responses(electrons.x, electrons.z, ZEE)
    assert list(found) == ["electron_pt", "electron_eta", "electron_phi"]
    assert found["electron_pt"].shape == (400, 2)
    assert found["electron_pt"].std() == pytest.approx(0.03, abs=0.003)


def test_files_training_tables_and_figures_follow_from_it(electrons, tmp_path):
    write(tmp_path / "zee.parquet", electrons, process=ZEE)
    events = read(tmp_path / "zee.parquet", process=ZEE)
    x, z = (Momenta.of(ZEE, space) for space in "xz")
    model = mizoo.presets.turbosim(x=x, z=z, units=8, couplings=1)
    model.fit(events[:300], batch_size=100, epochs=2, verbose=0)
    report = evaluate(model, events[300:])
    assert len(report.table) == 4 * (8 + 1)
    assert not report.table["paper"].any()
    report.save(tmp_path / "report")
    figures = {path.stem for path in (tmp_path / "report" / "figures").iterdir()}
    assert {"x_e", "x_e_plus", "z_masses", "transport_electron", "response"} <= figures
    with pytest.raises(ValueError, match="paper's cells"):
        _ = report.cells


def test_acceptance_is_that_of_a_plain_loop(ttbar):
    objects = ttbar.validation.z[:2000].reshape(-1, 6, 4)
    pt, eta = (
        np.hypot(objects[..., 0], objects[..., 1]),
        np.arcsinh(objects[..., 2] / np.hypot(objects[..., 0], objects[..., 1])),
    )
    expected = [
        p[0] > 10 and abs(e[0]) < 2.5 and all(p[2:] > 20) and all(abs(e[2:]) < 4.5)
        for p, e in zip(pt, eta, strict=True)
    ]
    found = accepted(ttbar.validation.z[:2000])
    np.testing.assert_array_equal(found, expected)
    assert 0.1 < found.mean() < 0.9
    term = Acceptance.of(TTBAR)
    assert term.pt == [10.0, 0.0, 20.0, 20.0, 20.0, 20.0]
    assert term.eta[0] == 2.5
