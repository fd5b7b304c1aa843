"""Base classes of mappers, which are conditional distributions."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.serialisation import build
from mizoo.core.types import BatchShape, Network, Shape, Tensor
from mizoo.distribute import collectives
from mizoo.mappers.conditional import Conditional


class Mapper(keras.layers.Layer, ABC):
    """A conditional distribution p(target | condition), with samples and likelihood.

    Subclasses implement `distribution` and `noise_shape`. Randomness is an argument, so that exported
    functions can be free of random operations and draws can be repeated. Conditions, noise, draws and
    densities are float32; the precision policy applies to the networks inside.

    Args:
        shape: shape of one target.
    """

    def __init__(self, shape: Shape, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.shape = tuple(shape)
        self.seed_generator = keras.random.SeedGenerator()

    @property
    def kind(self) -> str:
        """Name in the table of models; by default the name of the class."""
        return type(self).__name__

    @property
    def has_exact_log_prob(self) -> bool:
        """Whether `log_prob` is the logarithm of a density."""
        return True

    @property
    def shares_latent(self) -> bool:
        """Whether, in a cycle, it decodes the latent of the other mapper instead of its draw."""
        return False

    @property
    def is_adapted(self) -> bool:
        """Whether the required statistics of pairs, if any, have been set."""
        return True

    def adapt(self, condition: Tensor, target: Tensor) -> None:
        """Set statistics from pairs of coordinates, (n, …) each."""

    @abstractmethod
    def noise_shape(self, condition_shape: Shape) -> Shape | None:
        """Shape of the noise per event, given the shape of one condition; None for no noise."""

    def noise(self, condition: Tensor) -> Tensor | None:
        """Standard normal noise for a batch of conditions (n, …), or None."""
        shape = self.noise_shape(tuple(condition.shape[1:]))
        if shape is None:
            return None
        return collectives.normal((keras.ops.shape(condition)[0], *shape), seed=self.seed_generator)

    def draw(self, condition: Tensor, noise: Tensor | None = None) -> Callable[[], Tensor]:
        """A function that returns `noise`, or new noise if None.

        Raises:
            ValueError: if the noise does not have the shape `noise_shape`.
        """
        if noise is None:
            return lambda: self.noise(condition)
        shape = self.noise_shape(tuple(condition.shape[1:])) or (0,)
        if not tf.TensorShape(noise.shape[1:]).is_compatible_with(shape):
            found, kind = tuple(noise.shape[1:]), type(self).__name__
            raise ValueError(f"noise of {kind} must have shape {shape} per event, not {found}")
        return lambda: keras.ops.cast(noise, "float32")

    def of_target(self, values: Tensor) -> Tensor:
        """Values (n, …) as float32, if they have the shape of the target.

        Raises:
            ValueError: if they have another shape, which would be broadcast.
        """
        if not tf.TensorShape(values.shape[1:]).is_compatible_with(self.shape):
            raise ValueError(
                f"the network of {type(self).__name__} gives arrays {tuple(values.shape[1:])}, "
                f"but the target has shape {self.shape}"
            )
        return keras.ops.cast(values, "float32")

    @abstractmethod
    def distribution(
        self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> Conditional:
        """The distribution of the target given `condition` (n, …).

        Args:
            noise: standard normal numbers (n, *`noise_shape`), drawn if not given.
        """

    def decode_latent(self, given: Conditional, training: bool | None = None) -> Conditional:
        """The distribution of the target given the `latent` of the other mapper's conditional.

        Raises:
            ValueError: if the mapper does not share the latent of another one.
        """
        raise ValueError(f"{type(self).__name__} does not share the latent of another mapper")

    def call(self, condition: Tensor, noise: Tensor | None = None, training: bool | None = None) -> Tensor:
        """One draw of the target for each condition, (n, *shape)."""
        condition = keras.ops.cast(condition, "float32")
        return self.distribution(condition, noise=noise, training=training).sample()

    def compute_output_shape(
        self, condition_shape: BatchShape, noise_shape: BatchShape | None = None
    ) -> BatchShape:
        return (condition_shape[0], *self.shape)


class Wrapped(Mapper):
    """A mapper around another one, with the same properties.

    Args:
        mapper: inner mapper, with targets of the same shape.
    """

    excluded_from_config = ("shape",)

    def __init__(self, mapper: Mapper, **kwargs: Any) -> None:
        super().__init__(mapper.shape, **kwargs)
        self.mapper = mapper

    @property
    def has_exact_log_prob(self) -> bool:
        return self.mapper.has_exact_log_prob

    @property
    def kind(self) -> str:
        return self.mapper.kind

    @property
    def is_adapted(self) -> bool:
        return self.mapper.is_adapted

    def adapt(self, condition: Tensor, target: Tensor) -> None:
        self.mapper.adapt(condition, target)

    def build(self, condition_shape: BatchShape) -> None:
        build(self.mapper, condition_shape)
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> Shape | None:
        return self.mapper.noise_shape(condition_shape)


class NetworkMapper(Mapper):
    """A mapper whose distribution has the output of one network as parameters.

    Args:
        network: Keras layer or model from condition to parameters.
        shape: shape of one target.
    """

    def __init__(self, network: Network, shape: Shape, **kwargs: Any) -> None:
        super().__init__(shape, **kwargs)
        self.network = network

    def build(self, condition_shape: BatchShape) -> None:
        build(self.network, condition_shape)
        self.built = True

    def noise_shape(self, condition_shape: Shape) -> Shape | None:
        return self.shape
