"""Coordinates of a top pair in which the charged lepton, best measured of all, stands by itself."""

import tensorflow as tf

from mizoo.representations import kinematics, planar
from mizoo.representations.decay_chain import DecayChain
from mizoo.serialisation import serialisable


@serialisable
class LeptonFirst(DecayChain):
    """Partons of a pair of decaying particles, the second of which decays to lepton, neutrino and quark.

    Coordinates of an event: transverse momentum, azimuth and pseudorapidity of the lepton (3); of the
    neutrino the differences of pseudorapidity and azimuth to the lepton (2), and the mass of the resonance
    they come from (1), from which its modulus follows; pseudorapidity and azimuth relative to the lepton of
    the second root's quark (2) and the root's mass (1), from which again follows the modulus; the rapidity
    of the first root (1), whose transverse momentum balances all these; then, as in `DecayChain`, its mass
    and the decays, in axes along the lepton's azimuth and the beam.

    Every value of the coordinates is an event with all masses where they should be; and the lepton
    depends on its three coordinates alone, so that it can be known as well as a detector knows it.

    Args:
        roots, masses: see `DecayChain`. The daughters of the second root are a `Resonance` of massless
            lepton and massless neutrino, and a final object.
    """

    derived = ("pt_scale", "pt_tail")
    circles = (1, 4, 7)

    _LEPTON = (60.0, 1.6)  # scale (GeV) and tail of the law of its pT: see `planar.modulus_to_line`
    _NEUTRINO_ETA, _ETA = 1.2, 1.2  # standard deviations, rounded
    _TOUCHING = 1e-4  # least ΔR²/2 of lepton and neutrino: at 0 no momentum has a mass
    _LIGHT = (
        1.0  # GeV²; least squared mass of the two as the quark's momentum sees it: at 0 that is infinite
    )

    def __init__(self, roots, masses, **kwargs):
        super().__init__(roots, masses, **kwargs)
        self._boson, self._quark = self.roots[1].daughters
        self._lepton, self._neutrino = self._boson.daughters
        self.shape = (10 + self.roots[0].size,)

    def call(self, physical):
        events = self._on_shell(physical)
        lepton, neutrino, quark = (events[:, i] for i in (self._lepton, self._neutrino, self._quark))
        phi, eta = planar.azimuth(lepton[:, :2]), kinematics.eta(lepton)
        boson, first = lepton + neutrino, self._sum(events, self.roots[0])
        e1, rapidity = planar.direction(phi), kinematics.rapidity(first)
        frame = self._to_axes(first, e1, rapidity)
        local = {
            leaf: kinematics.boost(self._to_axes(events[:, leaf], e1, rapidity), frame, -1.0)
            for leaf in self.roots[0].leaves
        }
        coordinates = [
            planar.modulus_to_line(kinematics.pt(lepton), *self._LEPTON),
            phi,
            eta / self._ETA,
            (kinematics.eta(neutrino) - eta) / self._NEUTRINO_ETA,
            planar.wrap(planar.azimuth(neutrino[:, :2]) - phi),
            self._mass_line(boson, self._boson, 0.0),
            kinematics.eta(quark) / self._ETA,
            planar.wrap(planar.azimuth(quark[:, :2]) - phi),
            self._mass_line(
                boson + quark, self.roots[1], kinematics.mass(boson) + self.masses[self._quark]
            ),
            rapidity,
            *self._decay(self.roots[0], local),
        ]
        return tf.cast(tf.concat(coordinates, -1), self.compute_dtype)

    def inverse(self, coordinates):
        c = tf.split(tf.cast(coordinates, tf.float64), [1] * 10 + [self.roots[0].size], -1)
        pt, phi, eta = planar.line_to_modulus(c[0], *self._LEPTON), c[1], c[2] * self._ETA
        lepton = _massless(pt, phi, eta)
        eta_gap = c[3] * self._NEUTRINO_ETA
        mass = self._line_mass(c[5], self._boson, 0.0)
        gap = tf.maximum(planar.cosh(eta_gap) - tf.cos(c[4]), self._TOUCHING)
        neutrino = _massless(tf.square(mass) / (2.0 * pt * gap), phi + c[4], eta + eta_gap)
        quark = self._quark_of(lepton + neutrino, c[6] * self._ETA, phi + c[7], c[8])
        momenta = {self._lepton: lepton, self._neutrino: neutrino, self._quark: quark}
        e1, balance = planar.direction(phi), -(lepton + neutrino + quark)
        mass, local = self._undecay(self.roots[0], c[10])
        along = self._to_axes(balance, e1, tf.zeros_like(phi))[:, :2]
        energy = tf.sqrt(tf.square(mass) + kinematics.square(along))
        frame = tf.concat([along, tf.zeros_like(mass), energy], -1)
        for leaf, momentum in local.items():
            momenta[leaf] = self._from_axes(kinematics.boost(momentum, frame, 1.0), e1, c[9])
        return self._joined(momenta)

    def _quark_of(self, boson, eta, phi, line):
        """Momentum of the quark of this direction that with the boson has the mass at `line`."""
        own = self.masses[self._quark]
        light = kinematics.mass(boson)
        heavy = self._line_mass(line, self.roots[1], light + own)
        direction = kinematics.unit(_massless(tf.ones_like(eta), phi, eta)[:, :3])
        # E E_W - p p_W·n = half of what the masses leave, a quadratic equation for p.
        half = (tf.square(heavy) - tf.square(light) - own**2) / 2.0
        energy, along = boson[:, 3:], tf.reduce_sum(boson[:, :3] * direction, -1, keepdims=True)
        across = tf.maximum(tf.square(energy) - tf.square(along), self._LIGHT)
        root = tf.sqrt(tf.maximum(tf.square(half) - own**2 * across, 0.0))
        modulus = (half * along + energy * root) / across
        return tf.concat([modulus * direction, tf.sqrt(tf.square(modulus) + own**2)], -1)

    @staticmethod
    def _mass_line(momentum, resonance, lowest):
        mass = kinematics.mass(momentum)
        lowest = lowest * tf.ones_like(mass)
        return kinematics.mass_to_line(mass, lowest, resonance.mass, resonance.width) / planar.LOGISTIC

    @staticmethod
    def _line_mass(line, resonance, lowest):
        lowest = lowest * tf.ones_like(line)
        return kinematics.line_to_mass(line * planar.LOGISTIC, lowest, resonance.mass, resonance.width)


def _massless(pt, phi, eta):
    return tf.concat([pt * planar.direction(phi), pt * planar.sinh(eta), pt * planar.cosh(eta)], -1)
