"""Top quarks out of a lepton, missing momentum and four jets (arXiv 2101.08944, 2112.10629)."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import vector

M_W = 80.379
M_TOP = 172.76
# Widths of the three terms that choose the assignment of jets: m_t^lep, m_W^had, m_t^had, in GeV.
RESOLUTIONS = (5.0, 10.0, 15.0)


class TopMasses(NamedTuple):
    """Reconstructed masses in GeV, one an event; m_W^lep is M_W where the neutrino's root is real."""

    m_tt: np.ndarray
    m_w_had: np.ndarray
    m_w_lep: np.ndarray
    m_t_lep: np.ndarray
    m_t_had: np.ndarray


def reconstruct_tops(events) -> TopMasses:
    """Masses of the tops and Ws of events (n, 24): lepton, missing momentum, four jets, in GeV.

    The neutrino has the missing transverse momentum, and the p_z of `neutrino_pz`. Of the twelve
    assignments of jets the one of least Σ ((m - m_true)/resolution)² is taken, over m_t^lep, m_W^had
    and m_t^had. Masses of space-like sums are negative: -√(-m²).
    """
    objects = np.asarray(events, dtype="float64").reshape(len(events), 6, 4)
    lepton, missing, jets = objects[:, 0], objects[:, 1], objects[:, 2:]
    px, py = missing[:, 0], missing[:, 1]
    pz, real = neutrino_pz(lepton, px, py)
    neutrino = np.stack([px, py, pz, np.sqrt(px**2 + py**2 + pz**2)], -1)
    w_lep = lepton + neutrino
    # Without the rounding errors, by which a classifier could tell how the events were computed.
    m_w_lep = np.where(real, M_W, _mass(w_lep))

    pairs = {pair: _mass(jets[:, pair[0]] + jets[:, pair[1]]) for pair in combinations(range(4), 2)}
    triples = [_mass(jets.sum(1) - jets[:, left]) for left in range(4)]
    leptonic = [_mass(w_lep + jets[:, jet]) for jet in range(4)]
    best = np.full(len(objects), np.inf)
    m_w_had, m_t_lep, m_t_had = (np.empty(len(objects)) for _ in range(3))
    for jet in range(4):  # with the leptonic top; the three others make the hadronic one
        for pair in (pair for pair in pairs if jet not in pair):
            masses = (leptonic[jet], pairs[pair], triples[jet])
            score = sum(
                ((mass - peak) / width) ** 2
                for mass, peak, width in zip(masses, (M_TOP, M_W, M_TOP), RESOLUTIONS, strict=True)
            )
            better = score < best
            best = np.where(better, score, best)
            for kept, mass in zip((m_t_lep, m_w_had, m_t_had), masses, strict=True):
                np.copyto(kept, mass, where=better)
    return TopMasses(_mass(w_lep + jets.sum(1)), m_w_had, m_w_lep, m_t_lep, m_t_had)


def neutrino_pz(lepton, px, py):
    """p_z in GeV that gives lepton (n, 4) and neutrino the mass of the W, and whether there is one.

    The root of smallest modulus; the real part where roots are complex.
    """
    k = (M_W**2 - _mass(lepton) ** 2) / 2.0 + lepton[:, 0] * px + lepton[:, 1] * py
    a = lepton[:, 3] ** 2 - lepton[:, 2] ** 2
    half_b = -k * lepton[:, 2]
    c = lepton[:, 3] ** 2 * (px**2 + py**2) - k**2
    discriminant = half_b**2 - a * c
    # The smaller root as c over the larger one: the difference of near numbers would lose digits.
    larger = -half_b - np.copysign(np.sqrt(np.maximum(discriminant, 0.0)), half_b)
    safe = np.where(larger == 0.0, 1.0, larger)
    real = discriminant > 0.0
    return np.where(real, c / safe, -half_b / a), real


def _mass(four):
    x, y, z, t = np.moveaxis(four, -1, 0)
    return vector.VectorNumpy4D({"x": x, "y": y, "z": z, "t": t}).tau
