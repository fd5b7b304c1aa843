"""Mappers that say how far the target departs from the condition."""

import numpy as np
import tensorflow as tf

from mizoo.graphs import shared
from mizoo.mappers.base import Wrapped
from mizoo.representations import planar
from mizoo.serialisation import serialisable

_SPREAD = 1.5  # of asinh(departure / its median): laws with a narrow peak and wide tails
_GUESS = 3.0  # where a guess on a line ends: beyond are momenta that the target's coordinates do not reach


class _Departed:
    """The inner mapper's distribution, moved to the guess."""

    def __init__(self, departure, inner, guess):
        self._departure = departure
        self._inner = inner
        self._guess = guess
        self.latent = getattr(inner, "latent", None)

    def sample(self):
        return self._departure.arrive(self._inner.sample(), self._guess)

    def log_prob(self, target):
        departure, log_slope = self._departure.depart(target, self._guess)
        log_prob = self._inner.log_prob(departure)
        return log_prob + log_slope if self._departure.in_nats else log_prob


@serialisable
class Departure(Wrapped):
    """Another mapper, of how far the target departs from the condition: nothing, if they are the same
    event.

    Both spaces have the same objects, so that a condition in the coordinates of the target is a first guess
    of it (the residual networks of OTUS, arXiv 2101.08944). Departures Δ from it have narrow peaks and
    wide tails; the inner mapper sees v with Δ = scale sinh(1.5 v), and straight on from where the slope
    is 1, so that small errors stay small in the tails. For azimuths it is 2 tan(Δ/2) in place of Δ, without
    a straight part. In a cycle, where the target is the condition, there is no guess: the inner mapper
    draws the target itself.

    Args:
        mapper: from condition to departure.
        source, target: representations of condition and target, with four-momenta of the same objects as
            physical units.
        scales: of the departures, one a component, such as their median modulus; 0 for components of which
            the condition gives no guess.
        view: layer of the target's coordinates, and of their errors by the noise that they have, if the
            inner mapper's network is to see more of what it draws than how it departs; the mapper is a
            `Diffusion`, or has one.

    Raises:
        ValueError: if there is not one scale of 0 or more for each component.
    """

    def __init__(self, mapper, source, target, scales, view=None, **kwargs):
        super().__init__(mapper, **kwargs)
        self.source = source
        self.target = target
        self.scales = tuple(scales)
        if len(self.scales) != self.shape[0] or min(self.scales) < 0.0:
            raise ValueError(f"scales must be {self.shape[0]} numbers of 0 or more, not {list(scales)}")
        self.view = view
        self._scale = np.array([scale or 1.0 for scale in scales], "float32")
        self._guessed = np.array(scales) > 0.0
        self._circular = np.isin(np.arange(len(scales)), target.circles)
        # Where the slope is 1, in units of the scale: there the straight part begins.
        steepest = np.maximum(1.0 / (_SPREAD * self._scale), 1.0)
        self._edge = np.where(self._circular, np.inf, np.sqrt(steepest**2 - 1.0)).astype("float32")
        self._guess = shared(self._of_same_event)

    def given(self, condition, noise=None, training=None):
        guess = self._guess(condition, training=training)
        look = self._look(lambda departure: self.arrive(departure, guess), self.slope, training)
        return _Departed(self, self.mapper.given(condition, noise=noise, training=training, **look), guess)

    def follow(self, given, training=None):
        look = self._look(tf.identity, tf.ones_like, training)
        return self.mapper.follow(given, training=training, **look)

    def _look(self, arrive, slope, training):
        if self.view is None:
            return {}
        return {
            "look": lambda departure, noise: self.view(
                arrive(departure), noise * slope(departure), training=training
            )
        }

    def depart(self, target, guess):
        """What the inner mapper draws, and the logarithm of its slope in the target, (n,)."""
        gap = tf.cast(target, tf.float32) - guess
        half = planar.wrap(gap) / 2.0
        gap = tf.where(self._circular, 2.0 * tf.tan(half), gap)
        line = gap / self._scale
        curved = tf.minimum(tf.abs(line), self._edge)
        steep = tf.sqrt(1.0 + tf.square(curved))
        departure = tf.sign(line) * (planar.asinh(curved) + (tf.abs(line) - curved) / steep) / _SPREAD
        slope = -tf.math.log(_SPREAD * self._scale) - tf.math.log(steep)
        slope -= tf.where(self._circular, 2.0 * tf.math.log(tf.abs(tf.cos(half)) + 1e-6), 0.0)
        departure = tf.where(self._guessed, departure, target)
        return departure, tf.reduce_sum(tf.where(self._guessed, slope, 0.0), -1)

    def arrive(self, departure, guess):
        """The target of a departure: inverse of `depart`."""
        turns = _SPREAD * tf.abs(tf.where(self._guessed, departure, 0.0))
        curved = tf.minimum(turns, np.arcsinh(self._edge))
        line = planar.sinh(curved) + (turns - curved) * planar.cosh(curved)
        gap = self._scale * tf.sign(departure) * line
        gap = tf.where(self._circular, 2.0 * tf.atan(gap / 2.0), gap)
        moved = guess + gap
        moved = tf.where(self._circular, planar.wrap(moved), moved)
        return tf.where(self._guessed, moved, departure)

    def slope(self, departure):
        """Derivatives (n, d) of the target by the departure."""
        turns = _SPREAD * tf.abs(departure)
        gap = _SPREAD * self._scale * planar.cosh(tf.minimum(turns, np.arcsinh(self._edge)))
        half = self._scale * planar.sinh(tf.where(self._circular, turns, 0.0)) / 2.0
        gap = tf.where(self._circular, gap / (1.0 + tf.square(half)), gap)
        return tf.where(self._guessed, gap, 1.0)

    def _of_same_event(self, condition):
        guess = tf.cast(self.target(self.source.inverse(condition)), tf.float32)
        return tf.where(self._circular, guess, tf.clip_by_value(guess, -_GUESS, _GUESS))
