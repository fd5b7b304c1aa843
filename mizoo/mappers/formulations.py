"""From noise to data: the formulations of diffusion models, behind one interface.

A path leads from noise e at time 0 to data y at time 1 by y_t = α(t) y + σ(t) e. The network's output F
says where it leads: `prediction_target` is what F should be, `predictions` are the data and the noise that
F implies.
"""

import math

import tensorflow as tf

from mizoo.core.serialisation import serialisable


@serialisable
class FlowMatching:
    """Straight paths; F is the velocity y - e (arXiv 2210.02747, 2209.03003).

    On circles they run along the shorter arc (arXiv 2302.03660).

    Args:
        power: steps become smaller towards the data, where narrow distributions take shape, by this power
            of what is left of the way.
    """

    has_circles = True

    def __init__(self, power=1.0):
        self.power = power

    def steps(self, share):
        """Times at the ends of a sampler's steps, from their share in the number of steps."""
        return 1.0 - (1.0 - share) ** self.power

    def times(self, share):
        """Training times from uniform numbers: a logit-normal distribution (arXiv 2403.03206)."""
        return tf.sigmoid(tf.math.ndtri(share))

    def alpha_sigma(self, t):
        """α and σ at times t."""
        return t, 1.0 - t

    def scale(self, value, t):
        """Values as the network sees them."""
        return value

    def prediction_target(self, data, noise, t):
        """What F should be."""
        return data - noise

    def predictions(self, value, output, t):
        """Data and noise, as F = `output` has them."""
        return value + (1.0 - t) * output, value - t * output


@serialisable
class DDPM:
    """Variance-preserving paths of a cosine schedule; F is the noise (arXiv 2006.11239, 2102.09672)."""

    has_circles = False

    def steps(self, share):
        """Times at the ends of a sampler's steps, from their share in the number of steps."""
        return share

    def times(self, share):
        """Training times from uniform numbers."""
        return share

    def alpha_sigma(self, t):
        """α and σ at times t."""
        angle = 0.5 * math.pi * (1e-3 + (1.0 - 2e-3) * t)  # neither pure noise nor pure data
        return tf.sin(angle), tf.cos(angle)

    def scale(self, value, t):
        """Values as the network sees them."""
        return value

    def prediction_target(self, data, noise, t):
        """What F should be."""
        return noise

    def predictions(self, value, output, t):
        """Data and noise, as F = `output` has them."""
        alpha, sigma = self.alpha_sigma(t)
        return (value - sigma * output) / alpha, output


@serialisable
class EDM:
    """Variance-exploding paths with preconditioning (arXiv 2206.00364, table 1); data have variance 1.

    Args:
        sigma_min, sigma_max: σ at the end and at the beginning.
        power: ρ of the time steps.
    """

    has_circles = False

    def __init__(self, sigma_min=2e-3, sigma_max=80.0, power=7.0):
        self.sigma_min = sigma_min
        self.sigma_max = sigma_max
        self.power = power

    def steps(self, share):
        """Times at the ends of a sampler's steps, from their share in the number of steps."""
        return share

    def times(self, share):
        """Training times from uniform numbers: those whose σ is log-normal."""
        sigma = tf.exp(-1.2 + 1.2 * tf.math.ndtri(share))
        most, least = self.sigma_max ** (1.0 / self.power), self.sigma_min ** (1.0 / self.power)
        return tf.clip_by_value((most - sigma ** (1.0 / self.power)) / (most - least), 0.0, 1.0)

    def alpha_sigma(self, t):
        """α and σ at times t."""
        most, least = self.sigma_max ** (1.0 / self.power), self.sigma_min ** (1.0 / self.power)
        return tf.ones_like(t), (most + t * (least - most)) ** self.power

    def scale(self, value, t):
        """Values as the network sees them, with variance 1."""
        return value / tf.sqrt(1.0 + tf.square(self.alpha_sigma(t)[1]))

    def prediction_target(self, data, noise, t):
        """What F should be."""
        sigma = self.alpha_sigma(t)[1]
        return (sigma * data - noise) / tf.sqrt(1.0 + tf.square(sigma))

    def predictions(self, value, output, t):
        """Data and noise, as F = `output` has them."""
        sigma = self.alpha_sigma(t)[1]
        data = value / (1.0 + tf.square(sigma)) + sigma / tf.sqrt(1.0 + tf.square(sigma)) * output
        return data, (value - data) / sigma
