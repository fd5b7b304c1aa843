"""Mappers of standardised targets, with a location and scale that depend on the condition."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.mappers import residuals
from mizoo.mappers.base import Mapper, Wrapped
from mizoo.mappers.components import existing, indices
from mizoo.mappers.conditional import Conditional, Transformed
from mizoo.mappers.diffusion import Diffusion
from mizoo.physics import kinematics, planar
from mizoo.representations.base import Representation

# Bounds of the logarithms of scales. Finer ones would give exact reconstruction all gradients of a latent.
_FINEST, _WIDEST = -4.0, 1.0
_FARTHEST = 5.0  # standard deviations; bound of the coordinates of momenta near a threshold or mass shell


class StandardisedDistribution(Transformed):
    """The inner mapper's distribution, shifted to the location and stretched to the scale."""

    def __init__(
        self,
        inner: Conditional,
        location: Tensor,
        scale: Tensor,
        circular: np.ndarray,
        exists: Tensor | float = 1.0,
    ) -> None:
        super().__init__(inner)
        self._exists = exists
        self._location = location
        self._scale = scale
        self._circular = circular

    def sample(self) -> Tensor:
        return residuals.inverse(self._inner.sample(), self._location, self._scale, self._circular)

    def log_prob(self, target: Tensor) -> Tensor:
        # Without gradient: the inner mapper would otherwise favour the scale that leaves it nothing to
        # learn.
        location, scale = tf.stop_gradient(self._location), tf.stop_gradient(self._scale)
        residual, _ = residuals.forward(target, location, scale, self._circular)
        gap = tf.cast(target, tf.float32) - self._location
        gap = tf.where(self._circular, planar.wrap(gap), gap) / self._scale
        log_density = -tf.math.log1p(tf.square(gap)) - tf.math.log(math.pi * self._scale)
        of_location = tf.reduce_sum(self._exists * log_density, -1)
        return self._inner.log_prob(residual) + of_location


@serialisable
class LocationScale(Wrapped):
    """Another mapper, of the target relative to a location and scale that the condition determines.

    A network of the condition learns both as those of a Cauchy distribution: the scale is that of the core,
    however wide the tails are. The inner mapper learns the shape of the residuals. Narrow distributions are
    then drawn as precisely as wide ones.

    With a `representation`, the last numbers of the condition are momenta of the target's objects, see
    `AssignedMomenta`. The location is a multiple of their coordinates plus a correction by the network: a
    mass, for instance, may be better known than those of the momenta.

    Args:
        mapper: mapper from condition to residuals, see `mizoo.mappers.residuals`.
        network: network from condition to 2 d numbers, locations and logarithms of scales.
        circular: indices of components that are angles in [-π, π).
        representation: representation of the target, with four-momenta as physical units.
        present: as for `Diffusion`; components that do not exist have location 0 and scale 1.
        view: layer from the target's coordinates to features. The inner mapper's network takes them, and
            the logarithms of the scales, as additional inputs. The mapper must be a `Diffusion`.

    Raises:
        ValueError: for a `view` that the mapper cannot use.
    """

    has_exact_log_prob = False

    def __init__(
        self,
        mapper: Mapper,
        network: Network,
        circular: Iterable[int] = (),
        representation: Representation | None = None,
        present: Sequence[int] = (),
        view: Network | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(mapper, **kwargs)
        if view is not None and not isinstance(mapper, Diffusion):
            raise ValueError(f"view needs networks that take features, and {mapper.kind} mappers have none")
        self.view = view
        self.network = network
        self.representation = representation
        self.present = tuple(present)
        self.circular = indices("circular", circular, self.shape[0])
        self._circular = np.isin(np.arange(self.shape[0]), self.circular)

    @property
    def kind(self) -> str:
        return self.mapper.kind

    def build(self, condition_shape: BatchShape) -> None:
        if self.representation is not None:
            self.gains = self.add_weight(self.shape, "ones", name="gains")
        build(self.network, condition_shape)
        super().build(condition_shape)

    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> StandardisedDistribution:
        said = keras.ops.cast(self.network(condition, training=training), "float32")
        location, log_scale = tf.split(said, 2, -1)
        if self.representation is not None:
            momenta = condition[:, -3 * (self.representation.physical_shape[0] // 4) :]
            location += self.gains * self._coordinates(self.representation, momenta)
        exists = existing(condition, self.present)
        scale, location = tf.exp(exists * tf.clip_by_value(log_scale, _FINEST, _WIDEST)), exists * location
        inner = self._inner(condition, noise, training, location, scale, exists)
        return StandardisedDistribution(inner, location, scale, self._circular, exists)

    def _inner(
        self,
        condition: Tensor,
        noise: Tensor | None,
        training: bool | None,
        location: Tensor,
        scale: Tensor,
        exists: Tensor | float,
    ) -> Conditional:
        """The distribution of the residuals."""
        view = self.view  # AutoGraph takes no assignment expressions
        if view is None:
            return self.mapper.distribution(condition, noise=noise, training=training)
        assert isinstance(self.mapper, Diffusion)  # checked at construction
        location, scale = tf.stop_gradient(location), tf.stop_gradient(scale)

        def features(residual: Tensor) -> Tensor:
            value = residuals.inverse(tf.stop_gradient(residual), location, scale, self._circular)
            seen = (
                view(value, exists=exists, training=training)
                if self.present
                else view(value, training=training)
            )
            return tf.stop_gradient(tf.concat([tf.cast(seen, tf.float32), tf.math.log(scale)], -1))

        return self.mapper.distribution(condition, noise=noise, training=training, features=features)

    def _coordinates(self, representation: Representation, features: Tensor) -> Tensor:
        """Coordinates (n, d) of the momenta of features (n, 3 m)."""
        # Without gradient: the momenta would otherwise become what the correction makes up for.
        features = tf.stop_gradient(tf.cast(features, tf.float64))
        objects = tf.reshape(features, (-1, features.shape[-1] // 3, 3))
        four = kinematics.on_shell(kinematics.from_network_features(objects), representation.masses)
        found = representation(tf.reshape(four, (-1, *representation.physical_shape)))
        return tf.where(self._circular, found, tf.clip_by_value(found, -_FARTHEST, _FARTHEST))
