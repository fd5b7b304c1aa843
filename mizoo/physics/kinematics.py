"""Kinematics of four-momenta (…, px py pz E) as tensors, for the representations of events.

Scalars keep a last axis of 1.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from mizoo.core.types import Tensor
from mizoo.physics import planar
from mizoo.physics.momenta import BEAM
from mizoo.physics.particles import DetectorObject

_TINY = 1e-12
FEATURE_SCALE = 0.1  # of Laplace densities of `network_features`, the same for all
_LARGEST, _STEEPEST = 6.0, 4.0  # bounds of log(1 + pT/20 GeV) and of half the pseudorapidity


def mass_to_line(mass: Tensor, lowest: Tensor | float, peak: float, width: float) -> Tensor:
    """Mass above `lowest` to a line on which a Breit-Wigner in m² is logistic."""
    scale, off, least = peak * width, tf.square(mass) - peak**2, tf.square(lowest) - peak**2
    phase = planar.atan2(scale * tf.ones_like(mass), off)  # π … 0
    # The phase at the lowest mass minus this one, without cancellation.
    above = tf.square(mass) - tf.square(lowest)
    rest = planar.atan2(scale * tf.maximum(above, 0.0), least * off + scale**2)
    return tf.math.log(tf.maximum(rest, _TINY) / tf.maximum(phase, _TINY))


def line_to_mass(line: Tensor, lowest: Tensor | float, peak: float, width: float) -> Tensor:
    """Inverse of `mass_to_line`."""
    scale, least = peak * width, tf.square(lowest) - peak**2
    edge = planar.atan2(scale * tf.ones_like(line), least)
    phase, rest = edge * tf.sigmoid(-line), edge * tf.sigmoid(line)
    above = tf.sin(rest) / tf.maximum(tf.sin(phase), _TINY) * tf.sqrt(tf.square(least) + scale**2)
    return tf.sqrt(tf.square(lowest) + tf.maximum(above, 0.0))


def boost(momentum: Tensor, frame: Tensor, sign: float) -> Tensor:
    """Boost four-vectors (…, px py pz E) into (`sign` -1) or out of (+1) the rest frame of `frame`."""
    rest = tf.sqrt(tf.maximum(frame[..., 3:] ** 2 - square(frame[..., :3]), 1e-9))
    along = sign * frame[..., :3] / rest
    gamma = frame[..., 3:] / rest
    product = tf.reduce_sum(along * momentum[..., :3], -1, keepdims=True)
    energy = momentum[..., 3:]
    vector = momentum[..., :3] + along * (energy + product / (1.0 + gamma))
    return tf.concat([vector, gamma * energy + product], -1)


def balanced(momenta: Tensor) -> Tensor:
    """Four-momenta (n, objects, 4), boosted across the beam until their transverse momenta sum to zero."""
    frame = tf.reduce_sum(momenta, 1, keepdims=True) * (1.0, 1.0, 0.0, 1.0)
    return boost(momenta, frame, -1.0)


def with_mass(whole: Tensor, system: Tensor, direction: Tensor, own: float) -> Tensor:
    """Four-momentum (n, 4) of a particle that has a mass with a system of others: the larger of two.

    Args:
        whole: mass (n, 1) of particle and system.
        system: four-momentum (n, 4) of the others.
        direction: direction (n, 3) of the particle, of any length.
        own: mass of the particle.
    """
    towards, energy = unit(direction), system[:, 3:]
    along = tf.reduce_sum(towards * system[:, :3], -1, keepdims=True)
    squared = tf.maximum(square(system[:, 3:]) - square(system[:, :3]), 0.0)
    half = (tf.square(whole) - squared - own**2) / 2.0
    transverse = tf.maximum(tf.square(energy) - tf.square(along), 1e-9 * tf.square(energy))
    root = tf.sqrt(tf.maximum(tf.square(half) - own**2 * transverse, 0.0))
    momentum = (half * along + energy * root) / transverse * towards
    return tf.concat([momentum, tf.sqrt(square(momentum) + own**2)], -1)


def on_shell(
    momenta: Tensor, masses: Tensor | Sequence[float] | float, dtype: tf.DType = tf.float64
) -> Tensor:
    """Four-momenta (…, objects, 4) in `dtype` from momenta (…, objects, 3) and masses in GeV.

    Masses are one per object, or one for all. Energies are those of the momenta as rounded to `dtype`, so
    that objects are on their mass shells to the last bit of the energy, as in data.
    """
    rounded = tf.cast(tf.cast(momenta, dtype), tf.float64)
    energies = tf.sqrt(square(rounded) + tf.square(tf.cast(masses, tf.float64))[..., None])
    return tf.cast(tf.concat([rounded, energies], -1), dtype)


def network_features(momenta: Tensor) -> Tensor:
    """Features (…, 4) of four-momenta for networks.

    They are the transverse direction times log(1 + pT/20 GeV), half the pseudorapidity, and the energy as
    log(1 + E/GeV) - 4.5.
    """
    modulus = tf.sqrt(square(momenta[..., :2]) + 1e-6)
    transverse = momenta[..., :2] / modulus * tf.math.log(1.0 + modulus / 20.0)
    along = planar.asinh(momenta[..., 2:3] / modulus) / 2.0
    return tf.concat([transverse, along, tf.math.log(1.0 + momenta[..., 3:]) - 4.5], -1)


def from_network_features(features: Tensor) -> Tensor:
    """Momenta (…, 3) in GeV from the first three of `network_features`, with a pT of 8 TeV at most."""
    modulus = tf.sqrt(square(features[..., :2]) + 1e-12)
    size = 20.0 * (tf.exp(tf.minimum(modulus, _LARGEST)) - 1.0)
    along = planar.sinh(2.0 * tf.clip_by_value(features[..., 2:3], -_STEEPEST, _STEEPEST))
    return size * tf.concat([features[..., :2] / modulus, along], -1)


def by_falling_pt(momenta: Tensor, groups: Sequence[Sequence[int]]) -> Tensor:
    """Momenta (n, objects, k) with those at each group of places sorted by falling pT."""
    found = tf.unstack(momenta, axis=1)
    for places in groups:
        own = tf.gather(momenta, places, axis=1)
        ranks = tf.argsort(pt(own)[..., 0], direction="DESCENDING", stable=True)
        ordered = tf.unstack(tf.gather(own, ranks, batch_dims=1), axis=1)
        for place, one in zip(places, ordered, strict=True):
            found[place] = one
    return tf.stack(found, 1)


@tf.autograph.experimental.do_not_convert  # it knows no `match` statements
def threshold(particle: DetectorObject, eta: Tensor) -> Tensor:
    """Minimum pT in GeV of detector objects at pseudorapidities `eta`, of the shape of these."""
    return particle.threshold(keras.ops, eta=eta) + tf.zeros_like(eta)


def within_beam(pt: Tensor, eta: Tensor) -> Tensor:
    """pT in GeV, at most that of a particle at this pseudorapidity with the energy of a beam."""
    return tf.minimum(pt, BEAM / planar.cosh(eta))


def at_most_beam(momenta: Tensor) -> Tensor:
    """Momenta (n, objects, 3), scaled down in events where one exceeds the energy of a beam."""
    largest = tf.sqrt(tf.reduce_max(square(momenta), 1, keepdims=True))
    return momenta * tf.minimum(BEAM / tf.maximum(largest, 1.0), 1.0)


def pt(momentum: Tensor) -> Tensor:
    """Transverse momentum."""
    return tf.sqrt(square(momentum[..., :2]))


def eta(momentum: Tensor) -> Tensor:
    """Pseudorapidity, which is finite along the beam, too."""
    return planar.asinh(momentum[..., 2:3] / tf.maximum(pt(momentum), 1e-6))


def rapidity(momentum: Tensor) -> Tensor:
    """Rapidity along the beam."""
    transverse = tf.sqrt(mass(momentum) ** 2 + square(momentum[..., :2]))
    return planar.asinh(momentum[..., 2:3] / transverse)


def square(vector: Tensor) -> Tensor:
    """Squared length."""
    return tf.reduce_sum(tf.square(vector), -1, keepdims=True)


def mass(momentum: Tensor) -> Tensor:
    """Invariant mass; 1e-9 GeV for space-like momenta, as the square root has no gradient at 0."""
    return tf.sqrt(tf.maximum(momentum[..., 3:] ** 2 - square(momentum[..., :3]), 1e-18))


def unit(vector: Tensor) -> Tensor:
    """Unit vector."""
    return vector / tf.sqrt(square(vector) + 1e-18)


def turn(vector: Tensor, direction: Tensor, back: bool = False) -> Tensor:
    """Apply the smallest rotation that takes the first axis to `direction` (or back) to `vector`."""
    c, a, b = tf.unstack(direction, axis=-1)
    if back:
        a, b = -a, -b
    x, y, z = tf.unstack(vector, axis=-1)
    k = 1.0 / (1.0 + tf.maximum(c, -1.0 + 1e-9))
    across = a * y + b * z
    return tf.stack([c * x - across, a * x + y - k * a * across, b * x + z - k * b * across], -1)
