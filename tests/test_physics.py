import itertools

import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo.physics import (
    BeamSymmetry,
    MassReconstruction,
    Process,
    ReconstructedMasses,
    accepted,
    reconstruct,
)
from mizoo.physics.reconstruction import neutrino_pz
from mizoo.representations import Momenta

TTBAR = mizoo.processes.ttbar
M_W, M_TOP = 80.379, 172.76  # of its peaks


def mass(*momenta):
    total = np.sum(momenta, 0)
    square = total[3] ** 2 - np.square(total[:3]).sum()
    return np.sign(square) * np.sqrt(abs(square))


def by_a_plain_loop(event):
    """The reconstruction of top quarks of the papers, one event at a time, roots by numpy."""
    lepton, missing, *jets = event.reshape(6, 4).astype("float64")
    k = (M_W**2 - mass(lepton) ** 2) / 2 + lepton[0] * missing[0] + lepton[1] * missing[1]
    roots = np.roots([
        lepton[3] ** 2 - lepton[2] ** 2,
        -2 * k * lepton[2],
        lepton[3] ** 2 * (missing[0] ** 2 + missing[1] ** 2) - k**2,
    ])  # fmt: skip
    pz = min(roots, key=abs).real
    neutrino = np.array([*missing[:2], pz, np.sqrt(missing[0] ** 2 + missing[1] ** 2 + pz**2)])
    best = None
    for a, b, c, d in itertools.permutations(jets):
        masses = mass(lepton, neutrino, a), mass(b, c), mass(b, c, d)
        score = sum(
            ((m - t) / w) ** 2 for m, t, w in zip(masses, (M_TOP, M_W, M_TOP), (5, 10, 15), strict=True)
        )
        if best is None or score < best[0]:
            best = score, masses
    t_lep, w_had, t_had = best[1]
    return {
        "m_tt": mass(lepton, neutrino, *jets), "m_w_had": w_had, "m_t_had": t_had,
        "m_w_lep": mass(lepton, neutrino), "m_t_lep": t_lep,
    }  # fmt: skip


def test_reconstruction_agrees_with_a_plain_loop(ttbar):
    events = ttbar.test.x[:500]
    found = reconstruct(events, TTBAR)
    expected = [by_a_plain_loop(event) for event in events]
    assert list(found) == list(TTBAR.systems) == list(expected[0])
    for name, masses in found.items():
        np.testing.assert_allclose(masses, [event[name] for event in expected], rtol=1e-6, atol=2e-3)


def test_reconstruction_is_the_same_in_chunks(ttbar, monkeypatch):
    events = ttbar.test.x[:50]
    whole = reconstruct(events, TTBAR)
    monkeypatch.setattr("mizoo.physics.reconstruction._CHUNK", 12 * 7)
    for name, masses in reconstruct(events, TTBAR).items():
        np.testing.assert_array_equal(masses, whole[name])
    assert all(len(masses) == 0 for masses in reconstruct(events[:0], TTBAR).values())


def test_masses_as_features_are_those_of_the_reconstruction(ttbar):
    events = ttbar.test.x[:500]
    layer = ReconstructedMasses(Momenta(TTBAR.masses("x")), TTBAR)
    coordinates = tf.constant(layer.representation(events))
    with tf.GradientTape() as tape:
        tape.watch(coordinates)
        features = layer(coordinates)
    assert features.shape == layer.compute_output_shape(coordinates.shape)
    expected = np.maximum(np.transpose(list(reconstruct(events, TTBAR).values())), 1.0)
    np.testing.assert_allclose(np.exp(features), expected, rtol=1e-3)
    assert np.isfinite(tape.gradient(features, coordinates)).all()
    again = ReconstructedMasses.from_config(layer.get_config())
    np.testing.assert_array_equal(again(coordinates), features)


def test_reconstruction_of_an_event_made_by_hand():
    """Tops at rest that decay along the axes: every mass is known."""
    w = (M_TOP**2 + M_W**2) / (2 * M_TOP)  # energy of the W
    p = np.sqrt(w**2 - M_W**2)
    half = M_W / 2

    def decay(direction, across):
        """Two massless daughters of a W that flies along `direction`, emitted across it."""
        flight = p * np.array(direction) / 2
        return [np.array([*(flight + s * half * np.array(across)), w / 2]) for s in (1, -1)]

    u, d = decay([0, 1, 0], [1, 0, 0])
    lepton, neutrino = decay([1, 0, 0], [0, 1, 0])
    b_had, b_lep = np.array([0, -p, 0, p]), np.array([-p, 0, 0, p])
    event = np.concatenate([lepton, neutrino, b_lep, d, b_had, u])
    masses = reconstruct(event[None], TTBAR)
    assert masses["m_w_lep"][0] == pytest.approx(M_W, abs=1e-3)
    assert masses["m_w_had"][0] == pytest.approx(M_W, abs=1e-6)
    assert masses["m_t_had"][0] == pytest.approx(M_TOP, abs=1e-6)
    assert masses["m_t_lep"][0] == pytest.approx(M_TOP, abs=1e-2)
    assert masses["m_tt"][0] == pytest.approx(2 * M_TOP, abs=2e-2)


def test_neutrino_roots():
    lepton = tf.constant([[40.0, 0.0, 10.0, np.sqrt(1700.0)]] * 2, tf.float64)
    px, py = tf.constant([[40.0, 0.0], [0.0, 400.0]], tf.float64)
    pz, real = (array.numpy() for array in neutrino_pz(lepton, px, py, M_W))
    assert real.tolist() == [True, False]
    neutrino = np.array([px[0], 0, pz[0], np.hypot(px[0], pz[0])])
    assert mass(lepton[0], neutrino) == pytest.approx(M_W)  # a real root
    k = M_W**2 / 2
    assert pz[1] == pytest.approx(k * 10.0 / 1600.0)  # the real part of complex ones


def electrons(*charges):
    names = {-1: "e-", 1: "e+"}
    return [{"name": f"{names[c]}{i}", "pdgid": -11 * c} for i, c in enumerate(charges)]


WZ = Process(
    name="wz",
    partons=[*electrons(-1, -1, 1), {"name": "nubar", "pdgid": -12}],
    decays=[
        {"name": "W", "pdgid": -24, "daughters": ["e-0", "nubar"]},
        {"name": "Z", "pdgid": 23, "daughters": ["e-1", "e+2"]},
    ],
    objects=[
        {"name": "e-", "kind": "electron", "charge": -1, "count": 2},
        {"name": "e+", "kind": "electron", "charge": 1},
        {"name": "met", "kind": "met"},
    ],
)


def on_shell(*momenta):
    momenta = np.array(momenta, "float64")
    return np.concatenate([momenta, np.linalg.norm(momenta, axis=-1, keepdims=True)], -1)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_neutrino_goes_with_the_lepton_that_is_left(swapped):
    """Of three electrons two make the Z, and the other makes the W with the neutrino."""
    half = 91.1879 / 2
    of_w, of_z, plus = on_shell([30.0, 10.0, 5.0], [half, 0.0, 0.0], [-half, 0.0, 0.0])
    met = np.array([-40.0, 20.0, 0.0, np.hypot(40.0, 20.0)])
    minus = (of_z, of_w) if swapped else (of_w, of_z)
    found = reconstruct(np.concatenate([*minus, plus, met])[None], WZ)
    assert list(found) == ["m_all", "m_W", "m_Z"]
    assert found["m_Z"][0] == pytest.approx(91.1879)
    pz, real = neutrino_pz(*(tf.constant(v[None]) for v in (of_w, met[0], met[1])), WZ.decays[0].gev)
    assert real.numpy().all()
    assert found["m_W"][0] == WZ.decays[0].gev
    neutrino = on_shell([met[0], met[1], pz[0]])[0]
    assert found["m_all"][0] == pytest.approx(mass(of_w, of_z, plus, neutrino))


def test_default_peaks_are_those_of_the_decays():
    """Four jets of two resonances are paired as a plain loop over all pairs pairs them."""
    quarks = [{"name": f"q{i}", "pdgid": [1, 2, 3, 4]} for i in range(2)]
    bottoms = [{"name": f"b{i}", "pdgid": 5} for i in range(2)]
    process = Process(
        name="whh",
        partons=[*quarks, *bottoms],
        decays=[
            {"name": "W", "pdgid": 24, "daughters": ["q0", "q1"]},
            {"name": "H", "pdgid": 25, "daughters": ["b0", "b1"]},
        ],
        objects=[{"name": "jet", "kind": "jet", "count": 5}],
    )
    rng = np.random.default_rng(0)
    events = on_shell(*rng.normal(scale=60.0, size=(20 * 5, 3))).reshape(20, 5, 4)
    assert MassReconstruction(process).count == 30
    assert list(reconstruct(events, process)) == ["m_all", "m_W", "m_H"]
    peaks = [(decay.gev, 0.1 * decay.gev) for decay in process.decays]
    for i, jets in enumerate(events):
        pairs = {}
        for a, b, c, d in itertools.permutations(jets, 4):
            both = mass(a, b), mass(c, d)
            deviation = sum(((m - t) / w) ** 2 for m, (t, w) in zip(both, peaks, strict=True))
            pairs[deviation] = (*both, mass(a, b, c, d))
        w, h, whole = pairs[min(pairs)]
        found = {name: masses[i] for name, masses in reconstruct(events, process).items()}
        assert found == pytest.approx({"m_W": w, "m_H": h, "m_all": whole})


def test_masses_that_nothing_determines_are_left_out(ttbar):
    """The mass of an electron and the b quark needs to know the b jet; that of all does not."""
    content = mizoo.processes.zh.to_dict()
    content["observables"] = [{"name": "m_eb", "of": ["e-", "b"]}]
    process = Process(**content)
    assert MassReconstruction(process).names == ("m_all", "m_Z", "m_H")
    lost = Process(**{**content, "objects": content["objects"][:2]})
    assert MassReconstruction(lost).names == ("m_Z",)
    with pytest.raises(ValueError, match="process empty has no mass"):
        ReconstructedMasses(None, Process(name="empty", partons=electrons(-1)))


def test_what_cannot_be_reconstructed_is_refused():
    many = Process(
        name="many",
        partons=[{"name": f"q{i}", "pdgid": 1} for i in range(8)],
        decays=[
            {"name": f"R{i}", "pdgid": 23, "daughters": [f"q{2 * i}", f"q{2 * i + 1}"]} for i in range(4)
        ],
        objects=[{"name": "jet", "kind": "jet", "count": 10}],
    )
    with pytest.raises(ValueError, match=r"process many: its objects .* in 113400 ways, .* 5000"):
        reconstruct(np.ones((1, 40)), many)
    content = mizoo.processes.zh.to_dict()
    unseen = {
        **content,
        "objects": content["objects"][:2],
        "reconstruction": {"peaks": [{"decay": "H", "mass": 125, "resolution": 10}]},
    }
    with pytest.raises(ValueError, match=r"process zh: the peak of H .* its parton b has no object"):
        MassReconstruction(Process(**unseen))
    with pytest.raises(ValueError, match=r"process zh: reconstruction.neutrino .* there is none"):
        MassReconstruction(Process(**{**content, "reconstruction": {"neutrino": {"mass": 80.4}}}))


def test_acceptance_is_that_of_a_plain_loop(ttbar):
    objects = ttbar.validation.z[:2000].reshape(-1, 6, 4)
    pt = np.hypot(objects[..., 0], objects[..., 1])
    eta = np.arcsinh(objects[..., 2] / pt)
    edge = 20 * np.sqrt((2.5 - 0.15 * abs(eta)) ** 2 / 20 + 1)
    expected = [
        p[0] > 10 and abs(e[0]) < 2.5 and all(p[2:] > t[2:]) and all(abs(e[2:]) < 5.0)
        for p, e, t in zip(pt, eta, edge, strict=True)
    ]
    found = accepted(ttbar.validation.z[:2000], TTBAR)
    np.testing.assert_array_equal(found, expected)
    assert 0.1 < found.mean() < 0.9


def test_symmetry_keeps_pairs_and_invariants(few):
    batch = {"x": few.train.x, "z": few.train.z}
    image = {space: array.numpy() for space, array in BeamSymmetry()(batch, training=True).items()}
    assert not np.allclose(image["x"], batch["x"])
    for space, events in image.items():
        before, after = batch[space].reshape(-1, 6, 4), events.reshape(-1, 6, 4)
        for observable in (
            lambda p: p[..., 3],
            lambda p: np.hypot(p[..., 0], p[..., 1]),
            lambda p: np.abs(p[..., 2]),
            lambda p: np.einsum("nik,njk->nij", p[..., :3], p[..., :3]) / 1e3,
        ):
            np.testing.assert_allclose(observable(after), observable(before), rtol=1e-4, atol=1e-3)
    cross = np.einsum(
        "nik,njk->nij", batch["x"].reshape(-1, 6, 4)[..., :3], batch["z"].reshape(-1, 6, 4)[..., :3]
    )
    again = np.einsum(
        "nik,njk->nij", image["x"].reshape(-1, 6, 4)[..., :3], image["z"].reshape(-1, 6, 4)[..., :3]
    )
    np.testing.assert_allclose(again / 1e3, cross / 1e3, rtol=1e-4, atol=1e-2)


def test_symmetry_makes_all_images(few):
    signs = set()
    for _ in range(3):
        image = BeamSymmetry()({"z": few.train.z}, training=True)["z"].numpy()
        before, after = few.train.z.reshape(-1, 6, 4), image.reshape(-1, 6, 4)
        z_sign = np.sign(after[:, 0, 2] * before[:, 0, 2])
        handed = np.sign(np.linalg.det(before[:, :3, :3]) * np.linalg.det(after[:, :3, :3]))
        signs |= set(zip(z_sign, handed, strict=True))
    assert signs == {(1, 1), (1, -1), (-1, 1), (-1, -1)}
