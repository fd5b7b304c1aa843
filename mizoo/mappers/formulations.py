"""From noise to data: the formulations of diffusion models, behind one interface.

A path leads from noise e at time 0 to data y at time 1 by y_t = α(t) y + σ(t) e. The network's output F
says where it leads: `prediction_target` is what F should be, `predictions` are the data and the noise that
F implies.
"""

import math
from abc import ABC, abstractmethod

import tensorflow as tf

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Tensor


class Formulation(ABC):
    """How paths lead from noise to data, and what the network says on them.

    Values, data, noise and outputs are (n, d), times (n, 1) or single ones.
    """

    @property
    @abstractmethod
    def has_circles(self) -> bool:
        """Whether components may be angles."""

    def steps(self, share: Tensor) -> Tensor:
        """Times at the ends of a sampler's steps, from their share in the number of steps."""
        return share

    def times(self, share: Tensor) -> Tensor:
        """Training times from uniform numbers."""
        return share

    def scale(self, value: Tensor, t: Tensor) -> Tensor:
        """Values as the network sees them."""
        return value

    @abstractmethod
    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """α and σ at times t."""

    @abstractmethod
    def prediction_target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """What F should be."""

    @abstractmethod
    def predictions(self, value: Tensor, output: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Data and noise, as F = `output` has them."""


@serialisable
class FlowMatching(Formulation):
    """Straight paths; F is the velocity y - e (arXiv 2210.02747, 2209.03003).

    On circles they run along the shorter arc (arXiv 2302.03660).

    Args:
        power: steps become smaller towards the data, where narrow distributions take shape, by this power
            of what is left of the way.
    """

    has_circles = True

    def __init__(self, power: float = 1.0) -> None:
        self.power = power

    def steps(self, share: Tensor) -> Tensor:
        """Times at the ends of a sampler's steps, from their share in the number of steps."""
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
    """Variance-preserving paths of a cosine schedule; F is the noise (arXiv 2006.11239, 2102.09672)."""

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
        sigma_min, sigma_max: σ at the end and at the beginning.
        power: ρ of the time steps.
    """

    has_circles = False

    def __init__(self, sigma_min: float = 2e-3, sigma_max: float = 80.0, power: float = 7.0) -> None:
        self.sigma_min = sigma_min
        self.sigma_max = sigma_max
        self.power = power

    def times(self, share: Tensor) -> Tensor:
        """Training times from uniform numbers: those whose σ is log-normal."""
        sigma = tf.exp(-1.2 + 1.2 * tf.math.ndtri(share))
        most, least = self.sigma_max ** (1.0 / self.power), self.sigma_min ** (1.0 / self.power)
        return tf.clip_by_value((most - sigma ** (1.0 / self.power)) / (most - least), 0.0, 1.0)

    def alpha_sigma(self, t: Tensor) -> tuple[Tensor, Tensor]:
        most, least = self.sigma_max ** (1.0 / self.power), self.sigma_min ** (1.0 / self.power)
        return tf.ones_like(t), (most + t * (least - most)) ** self.power

    def scale(self, value: Tensor, t: Tensor) -> Tensor:
        """Values as the network sees them, with variance 1."""
        return value / tf.sqrt(1.0 + tf.square(self.alpha_sigma(t)[1]))

    def prediction_target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        sigma = self.alpha_sigma(t)[1]
        return (sigma * data - noise) / tf.sqrt(1.0 + tf.square(sigma))

    def predictions(self, value: Tensor, output: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        sigma = self.alpha_sigma(t)[1]
        data = value / (1.0 + tf.square(sigma)) + sigma / tf.sqrt(1.0 + tf.square(sigma)) * output
        return data, (value - data) / sigma
