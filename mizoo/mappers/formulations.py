"""Formulations of diffusion models, with one interface.

A path y_t = α(t) y + σ(t) e connects noise e at time 0 to data y at time 1. `prediction_target` is the
training target of the network's output F. `predictions` are the data and the noise that F implies.
"""

import math
from abc import ABC, abstractmethod

import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor


class Formulation(ABC):
    """The paths from noise to data, and the meaning of the network's output on them.

    Values, data, noise and outputs have shape (n, d), times (n, 1) or ().
    """

    @property
    @abstractmethod
    def has_circles(self) -> bool:
        """Whether components may be angles."""

    def steps(self, share: Tensor) -> Tensor:
        """Times at the boundaries of a sampler's steps, from their fraction of all steps, 0 to 1."""
        return share

    def times(self, share: Tensor) -> Tensor:
        """Training times from uniform numbers in [0, 1]."""
        return share

    def scale(self, value: Tensor, t: Tensor) -> Tensor:
        """Values scaled for the input of the network."""
        return value

    @abstractmethod
    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """α and σ at times t."""

    @abstractmethod
    def prediction_target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """The training target of F."""

    @abstractmethod
    def predictions(self, value: Tensor, output: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The data and the noise that F = `output` implies."""


@serialisable
class FlowMatching(Formulation):
    """Straight paths; F is the velocity y - e (arXiv 2210.02747, 2209.03003).

    On circles, paths follow the shorter arc (arXiv 2302.03660).

    Args:
        power: exponent of the remaining time in the schedule of steps. Above 1, steps become smaller
            towards the data, where narrow distributions form.
    """

    has_circles = True

    def __init__(self, power: float = 1.0) -> None:
        self.power = power

    def steps(self, share: Tensor) -> Tensor:
        """Times at the boundaries of a sampler's steps, from their fraction of all steps, 0 to 1."""
        return 1.0 - (1.0 - share) ** self.power

    def times(self, share: Tensor) -> Tensor:
        """Training times from uniform numbers: a logit-normal distribution (arXiv 2403.03206)."""
        return tf.sigmoid(tf.math.ndtri(share))

    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return t, 1.0 - t

    def prediction_target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        return data - noise

    def predictions(self, value: Tensor, output: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return value + (1.0 - t) * output, value - t * output


@serialisable
class DDPM(Formulation):
    """Variance-preserving paths with a cosine schedule; F is the noise (arXiv 2006.11239, 2102.09672)."""

    has_circles = False

    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        angle = 0.5 * math.pi * (1e-3 + (1.0 - 2e-3) * t)  # neither pure noise nor pure data
        return tf.sin(angle), tf.cos(angle)

    def prediction_target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        return noise

    def predictions(self, value: Tensor, output: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma = self.alpha_sigma(t)
        return (value - sigma * output) / alpha, output


@serialisable
class EDM(Formulation):
    """Variance-exploding paths with preconditioning (arXiv 2206.00364, table 1); data have variance 1.

    Args:
        sigma_min, sigma_max: σ at the end and at the start of the paths.
        power: exponent ρ of the time steps.
    """

    has_circles = False

    def __init__(self, sigma_min: float = 2e-3, sigma_max: float = 80.0, power: float = 7.0) -> None:
        self.sigma_min = sigma_min
        self.sigma_max = sigma_max
        self.power = power

    def times(self, share: Tensor) -> Tensor:
        """Training times from uniform numbers; their σ is log-normal."""
        sigma = tf.exp(-1.2 + 1.2 * tf.math.ndtri(share))
        most, least = self.sigma_max ** (1.0 / self.power), self.sigma_min ** (1.0 / self.power)
        return tf.clip_by_value((most - sigma ** (1.0 / self.power)) / (most - least), 0.0, 1.0)

    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        most, least = self.sigma_max ** (1.0 / self.power), self.sigma_min ** (1.0 / self.power)
        return tf.ones_like(t), (most + t * (least - most)) ** self.power

    def scale(self, value: Tensor, t: Tensor) -> Tensor:
        """Values scaled to variance 1."""
        return value / tf.sqrt(1.0 + tf.square(self.alpha_sigma(t)[1]))

    def prediction_target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        sigma = self.alpha_sigma(t)[1]
        return (sigma * data - noise) / tf.sqrt(1.0 + tf.square(sigma))

    def predictions(self, value: Tensor, output: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        sigma = self.alpha_sigma(t)[1]
        data = value / (1.0 + tf.square(sigma)) + sigma / tf.sqrt(1.0 + tf.square(sigma)) * output
        return data, (value - data) / sigma
