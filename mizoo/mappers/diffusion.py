"""Diffusion and flow matching: conditional distributions at the end of paths that start in noise."""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Shape, Tensor
from mizoo.distribute import collectives
from mizoo.mappers.base import NetworkMapper
from mizoo.mappers.components import existing, indices
from mizoo.mappers.conditional import Conditional
from mizoo.mappers.formulations import FlowMatching, Formulation
from mizoo.physics import planar

# From values (n, d) on a path to features (n, k).
Features: TypeAlias = Callable[[Tensor], Tensor]
# Output of the network for values (n, d) at times (n, 1).
Output: TypeAlias = Callable[[Tensor, Tensor], Tensor]
SAMPLERS = ("euler", "midpoint", "heun", "adams", "ancestral")


class DenoisedDistribution(Conditional):
    """The distribution at the end of the paths, given the output of the network along them."""

    def __init__(
        self,
        diffusion: "Diffusion",
        noise: Callable[[], Tensor],
        output: Output,
        exists: Tensor | float = 1.0,
    ) -> None:
        self._diffusion = diffusion
        self._noise = noise
        self._output = output
        self._exists = exists

    def sample(self) -> Tensor:
        return self._diffusion.integrate(self._noise(), self._output, self._exists)

    def log_prob(self, target: Tensor) -> Tensor:
        return -self._diffusion.denoising_loss(target, self._output, self._exists)


@serialisable
class Diffusion(NetworkMapper):
    """A conditional diffusion model: a network transports noise to data along paths.

    Its `log_prob` is minus the denoising loss at one random time per event. Up to weights of the times and
    a constant, this is a bound on the likelihood (arXiv 2107.00630).

    Euler steps are those of DDIM (arXiv 2010.02502). Midpoint and Heun steps evaluate the network twice.
    Adams steps (third-order Adams-Bashforth) evaluate it once and extrapolate the parabola through the last
    three slopes, of values scaled to unit variance. Ancestral steps redraw a part of the noise (arXiv
    2006.11239).

    Args:
        network: network from values, times and contexts to arrays of the target's shape, see
            `mizoo.networks.modulated`. Its first input has `input_dim` components, with angles as cosines
            and sines. For a `distribution` with `features`, it must be built, with these as additional
            components.
        shape: shape of one target, (d,).
        angles: indices of components that are angles in [-π, π).
        formulation: paths from noise to data: `FlowMatching`, `EDM` or `DDPM`; angles need `FlowMatching`.
        sampler: `"euler"`, `"midpoint"`, `"heun"`, `"adams"` or `"ancestral"`.
        evaluations: evaluations of the network per draw; midpoint and Heun take two per step.
        present: for each component, the index in the condition of a number that is 1 if it exists and 0 if
            not, or -1; by default all exist. Those that do not are 0.

    Raises:
        ValueError: for an unknown sampler, for evaluations that do not make whole steps, for targets that
            are not vectors, and for angles that are out of range or not supported by formulation or
            sampler.
    """

    kind = "diffusion"
    has_exact_log_prob = False

    def __init__(
        self, network: Network, shape: Shape, angles: Iterable[int] = (),
        formulation: Formulation | None = None, sampler: str = "midpoint", evaluations: int = 8,
        present: Sequence[int] = (), **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(network, shape, **kwargs)
        if len(self.shape) != 1:
            raise ValueError(f"a diffusion model draws vectors (d,), not arrays {self.shape}")
        self.angles = indices("angles", angles, self.shape[0])
        self.formulation = formulation or FlowMatching()
        self.sampler = sampler
        self.present = tuple(present)
        self.evaluations = evaluations
        if sampler not in SAMPLERS:
            raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, not {sampler!r}")
        if evaluations < 1 or evaluations % self._a_step:
            raise ValueError(
                f"{sampler} takes {self._a_step} evaluations a step, so not {evaluations} in all"
            )
        if self.angles and not (self.formulation.has_circles and sampler != "ancestral"):
            raise ValueError("angles need FlowMatching and a sampler other than ancestral")
        self._angular = np.isin(np.arange(self.shape[0]), self.angles)

    @property
    def input_dim(self) -> int:
        """Number of input values of the network, without features: an angle counts as two."""
        return self.shape[0] + len(self.angles)

    @property
    def _a_step(self) -> int:
        """Evaluations of the network per step."""
        return 2 if self.sampler in ("midpoint", "heun") else 1

    def build(self, condition_shape: BatchShape) -> None:
        build(self.network, [(None, self.input_dim), (None, 1), condition_shape])
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> Shape:
        draws = self.evaluations + 1 if self.sampler == "ancestral" else 1
        return (draws * self.shape[0],)

    def distribution(
        self,
        condition: Tensor,
        noise: Tensor | None = None,
        training: bool | None = None,
        features: Features | None = None,
    ) -> DenoisedDistribution:
        """The distribution of the target given `condition` (n, …).

        Args:
            noise: standard normal numbers (n, *`noise_shape`), drawn if not given.
            features: function from values on the path to features (n, k), additional inputs of the network.
        """
        exists = existing(condition, self.present)
        output = functools.partial(self._output, condition, exists, features, training)
        return DenoisedDistribution(self, self.draw(condition, noise), output, exists)

    def denoising_loss(self, target: Tensor, output: Output, exists: Tensor | float = 1.0) -> Tensor:
        """Squared error (n,) of the network's output at one random time per event.

        Args:
            target: targets (n, d).
            output: output of the network for values at times.
            exists: 1 for components (n, d) that exist and 0 for others, for which target and output are 0.
        """
        target, seed = tf.cast(target, tf.float32), self.seed_generator
        count = keras.ops.shape(target)[0]
        noise = exists * self._base(collectives.normal((count, *self.shape), seed))
        # One draw per batch, shifted from event to event, spreads the times evenly.
        places = collectives.places(count)[:, None]
        shares = tf.math.floormod(keras.random.uniform((1, 1), dtype="float32", seed=seed) + places, 1.0)
        time = self.formulation.times(tf.clip_by_value(shares, 1e-5, 1.0 - 1e-5))
        target = noise + self._around(target - noise)  # on circles, along the shorter arc
        alpha, sigma = self.formulation.alpha_sigma(time)
        velocity = output(alpha * target + sigma * noise, time)
        return tf.reduce_sum(
            tf.square(velocity - self.formulation.prediction_target(target, noise, time)), -1
        )

    def integrate(self, noise: Tensor, output: Output, exists: Tensor | float = 1.0) -> Tensor:
        """Transport noise (n, …) to data (n, d) along paths that the network's `output` defines.

        Args:
            noise: standard normal numbers, see `noise_shape`.
            output, exists: see `denoising_loss`.
        """
        draws = tf.reshape(tf.cast(noise, tf.float32), (-1, *self.noise_shape(())))
        draws = exists * tf.stack(tf.split(draws, draws.shape[1] // self.shape[0], -1))
        steps = self.evaluations // self._a_step
        times = self.formulation.steps(tf.linspace(0.0, 1.0, steps + 1))

        def step(i: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
            fresh = draws[tf.minimum(i + 1, draws.shape[0] - 1)]
            return i + 1, self._step(value, times[i], times[i + 1], output, fresh)

        value = self.formulation.alpha_sigma(times[0])[1] * self._base(draws[0])
        if self.sampler == "adams":
            return self._around(self._adams(value, times, output))
        shapes = [tf.TensorShape(()), tf.TensorShape((None, *self.shape))]
        return self._around(tf.while_loop(lambda i, _: i < steps, step, [0, value], shapes)[1])

    def _step(self, value: Tensor, start: Tensor, end: Tensor, output: Output, fresh: Tensor) -> Tensor:
        first = self._predictions(value, start, output)
        if self.sampler == "euler":
            return self._move(value, start, end, first)
        if self.sampler == "midpoint":
            middle = (start + end) / 2.0
            halfway = self._move(value, start, middle, first)
            return self._move(value, start, end, self._predictions(halfway, middle, output))
        if self.sampler == "heun":
            second = self._predictions(self._move(value, start, end, first), end, output)
            return self._move(
                value, start, end, ((first[0] + second[0]) / 2.0, (first[1] + second[1]) / 2.0)
            )
        return self._ancestral(start, end, first, fresh)

    def _adams(self, value: Tensor, times: Tensor, output: Output) -> Tensor:
        """Steps along the mean of the parabola through the slopes at the last three times.

        Values are scaled to cos(θ) noise + sin(θ) data, and θ is their time (arXiv 2202.00512, appendix D):
        where data are standard normal, such values do not change. Those on circles keep scale and time.
        """
        alpha, sigma = self.formulation.alpha_sigma(times)
        size = tf.sqrt(tf.square(alpha) + tf.square(sigma))
        clocks = tf.where(self._angular, times[:, None], tf.atan2(alpha, sigma)[:, None])
        steps, none = self.evaluations, tf.zeros_like(value)
        weights = tf.stack([_means(clocks, i) for i in range(steps)])[:, :, None]

        def step(i: Tensor, value: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            data, noise = self._predictions(value, times[i], output)
            slope = (sigma[i] * data - alpha[i] * noise) / size[i]
            known = tf.concat([tf.where(self._angular, data - noise, slope)[None], before], 0)
            moved = (clocks[i + 1] - clocks[i]) * tf.reduce_sum(weights[i] * known, 0)
            scaled = size[i + 1] * (value / size[i] + moved)
            return i + 1, tf.where(self._angular, value + moved, scaled), known[:-1]

        shapes = [tf.TensorShape(()), tf.TensorShape((None, *self.shape))]
        shapes.append(tf.TensorShape((2, None, *self.shape)))
        start = [0, value, tf.stack([none, none])]
        return tf.while_loop(lambda i, *_: i < steps, step, start, shapes)[1]

    def _predictions(self, value: Tensor, time: Tensor, output: Output) -> tuple[Tensor, Tensor]:
        time = tf.fill((tf.shape(value)[0], 1), time)
        return self.formulation.predictions(value, output(value, time), time)

    def _move(
        self, value: Tensor, start: Tensor, end: Tensor, predictions: tuple[Tensor, Tensor]
    ) -> Tensor:
        (alpha, sigma), (alpha_end, sigma_end) = (
            self.formulation.alpha_sigma(start),
            self.formulation.alpha_sigma(end),
        )
        data, noise = predictions
        return value + (alpha_end - alpha) * data + (sigma_end - sigma) * noise

    def _ancestral(
        self, start: Tensor, end: Tensor, predictions: tuple[Tensor, Tensor], fresh: Tensor
    ) -> Tensor:
        """A draw from the posterior of the value at `end`, given the value at `start` and the data."""
        (alpha, sigma), (alpha_end, sigma_end) = (
            self.formulation.alpha_sigma(start),
            self.formulation.alpha_sigma(end),
        )
        kept = sigma_end * alpha * sigma_end / tf.maximum(alpha_end * sigma, 1e-9)
        anew = tf.sqrt(tf.maximum(tf.square(sigma_end) - tf.square(kept), 0.0))
        data, noise = predictions
        return alpha_end * data + kept * noise + anew * fresh

    def _output(
        self,
        context: Tensor,
        exists: Tensor | float,
        features: Features | None,
        training: bool | None,
        value: Tensor,
        time: Tensor,
    ) -> Tensor:
        seen = [self.formulation.scale(value, time)]
        if self.angles:
            angles = tf.gather(seen[0], np.flatnonzero(self._angular), axis=1)
            plain = tf.gather(seen[0], np.flatnonzero(~self._angular), axis=1)
            seen = [plain, tf.cos(angles), tf.sin(angles)]
        if features is not None:
            seen.append(tf.cast(features(value), tf.float32))
        found = self.network([tf.concat(seen, -1), time, context], training=training)
        return exists * self.of_target(found)

    def _base(self, noise: Tensor) -> Tensor:
        """Base noise: normal, and uniform on circles."""
        return tf.where(self._angular, math.pi * tf.math.erf(noise / math.sqrt(2.0)), noise)

    def _around(self, value: Tensor) -> Tensor:
        return tf.where(self._angular, planar.wrap(value), value)


def _means(times: Tensor, i: int) -> Tensor:
    """Weights (3, d) of the slopes at times i, i - 1, i - 2 in the mean of their interpolating polynomial.

    The mean is over the step from time i to time i + 1. Times are (steps + 1, d).
    """
    a, b = ((times[max(i - k, 0)] - times[i]) / (times[i + 1] - times[i]) for k in (1, 2))
    second, third = tf.zeros_like(a), tf.zeros_like(a)
    if i == 1:
        second = 0.5 / a
    if i > 1:
        second, third = (1.0 / 3.0 - b / 2.0) / (a * (a - b)), (1.0 / 3.0 - a / 2.0) / (b * (b - a))
    return tf.stack([1.0 - second - third, second, third])
