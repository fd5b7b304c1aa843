"""Kinematics of four-momenta (…, px py pz E) as tensors, for the representations of events.

Numbers have a last axis of 1.
"""

import numpy as np
import tensorflow as tf

from mizoo.physics import planar


def mass_to_line(mass, lowest, peak, width):
    """Mass above `lowest` to a line on which a Breit-Wigner in m² is logistic."""
    phase = planar.atan2(peak * width * tf.ones_like(mass), tf.square(mass) - peak**2)  # pi … 0
    edge = planar.atan2(peak * width * tf.ones_like(mass), tf.square(lowest) - peak**2)
    above = tf.maximum(phase, 1e-7)
    return tf.math.log(tf.maximum(edge - phase, 1e-7) / above)


def line_to_mass(line, lowest, peak, width):
    """Inverse of `mass_to_line`."""
    edge = planar.atan2(peak * width * tf.ones_like(line), tf.square(lowest) - peak**2)
    phase = edge * tf.sigmoid(-line)
    squared = peak**2 + peak * width * tf.cos(phase) / tf.maximum(tf.sin(phase), 1e-7)
    return tf.sqrt(tf.maximum(squared, tf.square(lowest)))


def mass_slope(mass, line, peak, width):
    """Derivative of the mass `line_to_mass` gives, by its line."""
    off, on = tf.square(mass) - peak**2, peak * width
    phase = planar.atan2(on * tf.ones_like(off), off)
    return (tf.square(off) + on**2) / on * phase * tf.sigmoid(line) / (2.0 * mass)


def boost(momentum, frame, sign):
    """Boost four-vectors (…, px py pz E) into (`sign` -1) or out of (+1) the rest frame of `frame`."""
    rest = tf.sqrt(tf.maximum(frame[..., 3:] ** 2 - square(frame[..., :3]), 1e-9))
    along = sign * frame[..., :3] / rest
    gamma = frame[..., 3:] / rest
    product = tf.reduce_sum(along * momentum[..., :3], -1, keepdims=True)
    energy = momentum[..., 3:]
    vector = momentum[..., :3] + along * (energy + product / (1.0 + gamma))
    return tf.concat([vector, gamma * energy + product], -1)


def on_shell(momenta, masses, dtype=tf.float64):
    """Four-momenta, in `dtype`, of momenta (…, objects, 3) and the masses of the objects, or one of all.

    Energies are those of the momenta as `dtype` rounds them: nothing is off its mass shell by more than
    the last bit of its energy, as in data.
    """
    rounded = tf.cast(tf.cast(momenta, dtype), tf.float64)
    energies = tf.sqrt(square(rounded) + np.square(masses)[..., None])
    return tf.cast(tf.concat([rounded, energies], -1), dtype)


def network_features(momenta):
    """For networks to see: transverse directions times log(1 + pT/20 GeV), half the pseudorapidity,
    log(1 + E/GeV) - 4.5.
    """
    modulus = tf.sqrt(square(momenta[..., :2]) + 1e-6)
    transverse = momenta[..., :2] / modulus * tf.math.log(1.0 + modulus / 20.0)
    along = planar.asinh(momenta[..., 2:3] / modulus) / 2.0
    return tf.concat([transverse, along, tf.math.log(1.0 + momenta[..., 3:]) - 4.5], -1)


def pt(momentum):
    """Transverse momentum."""
    return tf.sqrt(square(momentum[..., :2]))


def eta(momentum):
    """Pseudorapidity; finite along the beam, too."""
    return planar.asinh(momentum[..., 2:3] / tf.maximum(pt(momentum), 1e-6))


def rapidity(momentum):
    """Rapidity along the beam."""
    transverse = tf.sqrt(mass(momentum) ** 2 + square(momentum[..., :2]))
    return planar.asinh(momentum[..., 2:3] / transverse)


def square(vector):
    """Squared length."""
    return tf.reduce_sum(tf.square(vector), -1, keepdims=True)


def mass(momentum):
    """Invariant mass; 0 for space-like momenta."""
    return tf.sqrt(tf.maximum(momentum[..., 3:] ** 2 - square(momentum[..., :3]), 0.0))


def unit(vector):
    """Unit vector."""
    return vector / tf.sqrt(square(vector) + 1e-18)


def turn(vector, direction, back=False):
    """Least rotation that takes the first axis to `direction` (or back), applied to `vector`."""
    c, a, b = tf.unstack(direction, axis=-1)
    if back:
        a, b = -a, -b
    x, y, z = tf.unstack(vector, axis=-1)
    k = 1.0 / (1.0 + tf.maximum(c, -1.0 + 1e-9))
    across = a * y + b * z
    return tf.stack([c * x - across, a * x + y - k * a * across, b * x + z - k * b * across], -1)
