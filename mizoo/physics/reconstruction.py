"""Top quarks out of a lepton, missing momentum and four jets (arXiv 2101.08944, 2112.10629)."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.physics import kinematics
from mizoo.representations.view import View

M_W = 80.379
M_TOP = 172.76
# Means and widths of the three terms that choose the assignment of jets: m_t^lep, m_W^had, m_t^had, in GeV.
PEAKS = (M_TOP, M_W, M_TOP)
RESOLUTIONS = (5.0, 10.0, 15.0)
# One jet with the leptonic top; two of the three others, which make the hadronic one, from its W.
_ASSIGNMENTS = [
    (jet, *pair) for jet in range(4) for pair in combinations([j for j in range(4) if j != jet], 2)
]
_CHUNK = 100_000  # events at a time


class TopMasses(NamedTuple):
    """Reconstructed masses in GeV, one per event; m_W^lep is M_W where the neutrino's root is real."""

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
    objects = np.asarray(events).reshape(-1, 6, 4)
    chunks = (objects[i : i + _CHUNK] for i in range(0, max(len(objects), 1), _CHUNK))
    parts = [_masses(tf.cast(chunk, tf.float64)).numpy() for chunk in chunks]
    return TopMasses(*np.concatenate(parts).T)


def neutrino_pz(lepton, px, py):
    """p_z (n,) in GeV that gives lepton (n, 4) and neutrino the mass of the W, and whether there is one.

    The root of smallest modulus; the real part where roots are complex.
    """
    k = (M_W**2 - _mass(lepton) ** 2) / 2.0 + lepton[:, 0] * px + lepton[:, 1] * py
    a = lepton[:, 3] ** 2 - lepton[:, 2] ** 2
    half_b = -k * lepton[:, 2]
    c = lepton[:, 3] ** 2 * (px**2 + py**2) - k**2
    discriminant = half_b**2 - a * c
    real = discriminant > 0.0
    root = tf.sqrt(tf.where(real, discriminant, 1.0))
    # The smaller root as c over the larger one: the difference of near numbers would lose digits.
    larger = -half_b - tf.where(half_b < 0.0, -root, root)
    return tf.where(real, c / larger, -half_b / a), real


@serialisable
class ReconstructedTops(View):
    """Coordinates of tt̄ detector events as log(m/GeV), (n, 5), of the masses of `reconstruct_tops`, which
    count as 1 GeV if they are less.
    """

    def call(self, coordinates):
        masses = _masses(self.representation.four_momenta(coordinates))
        return tf.cast(tf.math.log(tf.maximum(masses, 1.0)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(TopMasses._fields))


def _masses(objects):
    """What `TopMasses` has, (n, 5), of events (n, 6, 4), in double precision."""
    lepton, missing, jets = objects[:, 0], objects[:, 1], objects[:, 2:]
    px, py = missing[:, 0], missing[:, 1]
    pz, real = neutrino_pz(lepton, px, py)
    neutrino = tf.stack([px, py, pz, tf.sqrt(px**2 + py**2 + pz**2)], -1)
    w_lep = lepton + neutrino
    # Without the rounding errors, by which a classifier could tell how the events were computed.
    m_w_lep = tf.where(real, tf.constant(M_W, tf.float64), _mass(w_lep))

    jet, first, second = np.transpose(_ASSIGNMENTS)
    leptonic, hadronic = _mass(w_lep[:, None] + jets), _mass(tf.reduce_sum(jets, 1, True) - jets)
    pairs = _mass(tf.gather(jets, first, axis=1) + tf.gather(jets, second, axis=1))
    masses = tf.stack([tf.gather(leptonic, jet, axis=1), pairs, tf.gather(hadronic, jet, axis=1)], -1)
    misses = tf.reduce_sum(tf.square((masses - np.array(PEAKS)) / np.array(RESOLUTIONS)), -1)
    m_t_lep, m_w_had, m_t_had = tf.unstack(tf.gather(masses, tf.argmin(misses, 1), batch_dims=1), axis=1)
    return tf.stack([_mass(w_lep + tf.reduce_sum(jets, 1)), m_w_had, m_w_lep, m_t_lep, m_t_had], 1)


def _mass(four):
    squares = tf.squeeze(four[..., 3:] ** 2 - kinematics.square(four[..., :3]), -1)
    return tf.sign(squares) * tf.sqrt(tf.maximum(tf.abs(squares), 1e-12))  # the root has no slope at 0
