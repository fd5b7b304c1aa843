"""Coordinates of a top pair in which the charged lepton, best measured of all, stands by itself."""

import tensorflow as tf

from mizoo.representations import kinematics, planar
from mizoo.representations.decay_chain import DecayChain
from mizoo.serialisation import serialisable


@serialisable
class LeptonFirst(DecayChain):
    """Partons of a pair of decaying particles, the second of which decays to lepton, neutrino and quark.

    Coordinates of an event: transverse momentum, azimuth and pseudorapidity of the lepton (3); the
    pseudorapidity of the second root's quark, its azimuth relative to the lepton and its momentum as a
    share of the largest that the masses allow (3); the masses of the resonance of lepton and neutrino and
    of the second root (2), which leave the neutrino an angle: its azimuth about the lepton, in the rest
    frame of lepton and quark (1; the ellipse of arXiv 1305.1878); the rapidity of the first root (1), whose
    transverse momentum balances all these; then, as in `DecayChain`, its mass and the decays, in axes along
    the lepton's azimuth and the beam.

    Lepton and quark depend on few coordinates, so that they can be known as well as a detector knows them;
    all masses are coordinates of their own.

    Args:
        roots, masses: see `DecayChain`. The daughters of the second root are a `Resonance` of massless
            lepton and massless neutrino, and a final object.
    """

    derived = ("pt_scale", "pt_tail")
    circles = (1, 4, 8)

    _LEPTON = (60.0, 1.6)  # scale (GeV) and tail of the law of its pT: see `planar.modulus_to_line`
    _ETA = 1.2  # standard deviation of pseudorapidities, rounded
    _TOUCHING = 1e-6  # least squared sine between lepton and quark: at 0 no momentum has a mass

    def __init__(self, roots, masses, **kwargs):
        super().__init__(roots, masses, **kwargs)
        self._boson, self._quark = self.roots[1].daughters
        self._lepton, self._neutrino = self._boson.daughters
        self.shape = (10 + self.roots[0].size,)

    def call(self, physical):
        return self._read(physical, known=True)

    def guess(self, physical):
        """With the resonances of lepton, neutrino and quark at their poles: objects hardly say more."""
        return self._read(physical, known=False)

    def _read(self, physical, known):
        events = self._on_shell(physical)
        lepton, neutrino, quark = (events[:, i] for i in (self._lepton, self._neutrino, self._quark))
        phi, eta = planar.azimuth(lepton[:, :2]), kinematics.eta(lepton)
        boson, first = lepton + neutrino, self._sum(events, self.roots[0])
        light, heavy = kinematics.mass(boson), kinematics.mass(boson + quark)
        if not known:
            light = self._boson.mass * tf.ones_like(light)
            heavy = self.roots[1].mass * tf.ones_like(heavy)
        e1, rapidity = planar.direction(phi), kinematics.rapidity(first)
        frame = self._to_axes(first, e1, rapidity)
        local = {
            leaf: kinematics.boost(self._to_axes(events[:, leaf], e1, rapidity), frame, -1.0)
            for leaf in self.roots[0].leaves
        }
        modulus = tf.sqrt(kinematics.square(quark[:, :3]))
        largest = self._largest(lepton, quark[:, :3] / modulus, light, heavy)
        coordinates = [
            planar.modulus_to_line(kinematics.pt(lepton), *self._LEPTON),
            phi,
            eta / self._ETA,
            kinematics.eta(quark) / self._ETA,
            planar.wrap(planar.azimuth(quark[:, :2]) - phi),
            planar.interval_to_line(2.0 * modulus / largest - 1.0, 1.0),
            self._mass_line(light, self._boson, 0.0),
            self._mass_line(heavy, self.roots[1], light + self.masses[self._quark]),
            self._turn_of(neutrino, lepton, quark),
            rapidity,
            *self._decay(self.roots[0], local),
        ]
        return tf.cast(tf.concat(coordinates, -1), self.compute_dtype)

    def inverse(self, coordinates):
        c = tf.split(tf.cast(coordinates, tf.float64), [1] * 10 + [self.roots[0].size], -1)
        phi, own = c[1], self.masses[self._quark]
        lepton = _massless(planar.line_to_modulus(c[0], *self._LEPTON), phi, c[2] * self._ETA)
        light = self._line_mass(c[6], self._boson, 0.0)
        heavy = self._line_mass(c[7], self.roots[1], light + own)
        direction = kinematics.unit(_massless(tf.ones_like(phi), phi + c[4], c[3] * self._ETA)[:, :3])
        share = (1.0 + planar.line_to_interval(c[5], 1.0)) / 2.0
        modulus = share * self._largest(lepton, direction, light, heavy)
        quark = tf.concat([modulus * direction, tf.sqrt(tf.square(modulus) + own**2)], -1)
        neutrino = self._neutrino_of(lepton, quark, light, heavy, c[8])
        momenta = {self._lepton: lepton, self._neutrino: neutrino, self._quark: quark}
        e1, balance = planar.direction(phi), -(lepton + neutrino + quark)
        mass, local = self._undecay(self.roots[0], c[10])
        along = self._to_axes(balance, e1, tf.zeros_like(phi))[:, :2]
        energy = tf.sqrt(tf.square(mass) + kinematics.square(along))
        frame = tf.concat([along, tf.zeros_like(mass), energy], -1)
        for leaf, momentum in local.items():
            momenta[leaf] = self._from_axes(kinematics.boost(momentum, frame, 1.0), e1, c[9])
        return self._joined(momenta)

    def _largest(self, lepton, direction, light, heavy):
        """Largest momentum of a quark of this direction, the neutrino being opposite to the lepton."""
        own = self.masses[self._quark] ** 2
        room = (tf.square(heavy) + own - tf.square(light)) / 2.0
        square = room + tf.sqrt(tf.maximum(tf.square(room) - own * tf.square(heavy), 0.0))
        # E E_l - p p_l·n = half of what the masses leave, a quadratic equation for p.
        half = (square - own) / 2.0
        energy, along = lepton[:, 3:], tf.reduce_sum(lepton[:, :3] * direction, -1, keepdims=True)
        across = tf.maximum(1.0 - tf.square(along / energy), self._TOUCHING) * tf.square(energy)
        root = tf.sqrt(tf.maximum(tf.square(half) - own * across, 0.0))
        return (half * along + energy * root) / across

    def _neutrino_of(self, lepton, quark, light, heavy, turn):
        """Neutrino that gives both masses, at an azimuth about the lepton."""
        pair = lepton + quark
        square = tf.maximum(tf.square(kinematics.mass(pair)), 1e-6)
        mass = tf.sqrt(square)
        energy = tf.maximum(tf.square(heavy) - square, 1e-6) / (2.0 * mass)
        of_lepton = tf.maximum(square - self.masses[self._quark] ** 2, 1e-6) / (2.0 * mass)
        cosine = tf.maximum(1.0 - tf.square(light) / (2.0 * energy * of_lepton), -1.0)
        sine = tf.sqrt(tf.maximum(1.0 - tf.square(cosine), 0.0))
        axis, up, aside = _axes(lepton, pair)
        direction = cosine * axis + sine * (tf.cos(turn) * up + tf.sin(turn) * aside)
        return kinematics.boost(energy * tf.concat([direction, tf.ones_like(energy)], -1), pair, 1.0)

    @staticmethod
    def _turn_of(neutrino, lepton, quark):
        pair = lepton + quark
        _, up, aside = _axes(lepton, pair)
        momentum = kinematics.boost(neutrino, pair, -1.0)[:, :3]
        y, x = (tf.reduce_sum(momentum * axis, -1, keepdims=True) for axis in (aside, up))
        return planar.atan2(y, x)

    @staticmethod
    def _mass_line(mass, resonance, lowest):
        lowest = lowest * tf.ones_like(mass)
        return kinematics.mass_to_line(mass, lowest, resonance.mass, resonance.width) / planar.LOGISTIC

    @staticmethod
    def _line_mass(line, resonance, lowest):
        lowest = lowest * tf.ones_like(line)
        return kinematics.line_to_mass(line * planar.LOGISTIC, lowest, resonance.mass, resonance.width)


def _massless(pt, phi, eta):
    return tf.concat([pt * planar.direction(phi), pt * planar.sinh(eta), pt * planar.cosh(eta)], -1)


def _axes(lepton, pair):
    """Unit vectors in the rest frame of a pair: along the lepton, towards the laboratory's, and across."""
    axis = kinematics.unit(kinematics.boost(lepton, pair, -1.0)[:, :3])
    laboratory = -pair[:, :3]
    up = kinematics.unit(laboratory - tf.reduce_sum(laboratory * axis, -1, keepdims=True) * axis)
    return axis, up, kinematics.cross(axis, up)
