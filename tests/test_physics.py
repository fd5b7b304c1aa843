import itertools

import numpy as np
import pytest
import tensorflow as tf

from mizoo.physics import TTBAR, BeamSymmetry, ReconstructedTops, reconstruct_tops
from mizoo.physics.reconstruction import M_TOP, M_W, neutrino_pz
from mizoo.representations import Momenta


def mass(*momenta):
    total = np.sum(momenta, 0)
    square = total[3] ** 2 - np.square(total[:3]).sum()
    return np.sign(square) * np.sqrt(abs(square))


def by_a_plain_loop(event):
    """The same reconstruction, one event at a time, roots by numpy."""
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
    return mass(lepton, neutrino, *jets), w_had, mass(lepton, neutrino), t_lep, t_had


def test_reconstruction_agrees_with_a_plain_loop(ttbar):
    events = ttbar.test.x[:500]
    np.testing.assert_allclose(
        np.transpose(reconstruct_tops(events)),
        [by_a_plain_loop(event) for event in events],
        rtol=1e-6,
        atol=2e-3,
    )


def test_masses_as_features_are_those_of_the_reconstruction(ttbar):
    events = ttbar.test.x[:500]
    layer = ReconstructedTops(Momenta(TTBAR.masses("x")))
    coordinates = tf.constant(layer.representation(events))
    with tf.GradientTape() as tape:
        tape.watch(coordinates)
        features = layer(coordinates)
    assert features.shape == layer.compute_output_shape(coordinates.shape)
    expected = np.maximum(np.transpose(reconstruct_tops(events)), 1.0)
    np.testing.assert_allclose(np.exp(features), expected, rtol=1e-3)
    assert np.isfinite(tape.gradient(features, coordinates)).all()


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
    masses = reconstruct_tops(event[None])
    assert masses.m_w_lep[0] == pytest.approx(M_W, abs=1e-3)
    assert masses.m_w_had[0] == pytest.approx(M_W, abs=1e-6)
    assert masses.m_t_had[0] == pytest.approx(M_TOP, abs=1e-6)
    assert masses.m_t_lep[0] == pytest.approx(M_TOP, abs=1e-2)
    assert masses.m_tt[0] == pytest.approx(2 * M_TOP, abs=2e-2)


def test_neutrino_roots():
    lepton = tf.constant([[40.0, 0.0, 10.0, np.sqrt(1700.0)]] * 2, tf.float64)
    px, py = tf.constant([[40.0, 0.0], [0.0, 400.0]], tf.float64)
    pz, real = (array.numpy() for array in neutrino_pz(lepton, px, py))
    assert real.tolist() == [True, False]
    neutrino = np.array([px[0], 0, pz[0], np.hypot(px[0], pz[0])])
    assert mass(lepton[0], neutrino) == pytest.approx(M_W)  # a real root
    k = M_W**2 / 2
    assert pz[1] == pytest.approx(k * 10.0 / 1600.0)  # the real part of complex ones


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
