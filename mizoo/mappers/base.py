"""What a mapper is: a conditional distribution."""

from typing import Protocol

import keras
import tensorflow as tf

from mizoo.core.serialisation import build
from mizoo.distribute import collectives


class Conditional(Protocol):
    """The distribution of a target given one batch of conditions."""

    def sample(self):
        """One draw per event, differentiable in the mapper's weights and the conditions."""

    def log_prob(self, target):
        """Log-density of `target` in nats (up to a constant if the scale is fixed), one per event."""


class Mapper(keras.layers.Layer):
    """A conditional distribution p(target | condition), in two readings: samples and likelihood.

    A mapper implements `distribution`. Its randomness is an argument, so that exported functions can be
    free of random operations and draws can be repeated. Conditions, noise, draws and densities are in
    single precision, whatever the precision policy: it is for the networks inside.

    Args:
        shape: of one target.

    Attributes:
        kind: what the zoo's table calls it.
        has_exact_log_prob: whether `log_prob` is the logarithm of a density.
        shares_latent: whether in a cycle it takes up the latent of the other mapper, instead of its draw.
    """

    kind: str
    has_exact_log_prob = True
    shares_latent = False

    def __init__(self, shape, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs}, autocast=False)
        self.shape = tuple(shape)
        self.seed_generator = keras.random.SeedGenerator()

    @property
    def is_adapted(self):
        """Whether the statistics of pairs that it needs, if any, have been set."""
        return True

    def adapt(self, condition, target):
        """Take statistics from pairs of coordinates, (n, …) each."""

    def noise_shape(self, condition_shape):
        """Shape of the noise one event needs, given the shape of its condition; None if none."""
        raise NotImplementedError

    def noise(self, condition):
        """Standard normal noise for a batch of conditions, or None."""
        shape = self.noise_shape(tuple(condition.shape[1:]))
        if shape is None:
            return None
        return collectives.normal((keras.ops.shape(condition)[0], *shape), seed=self.seed_generator)

    def draw(self, condition, noise=None):
        """Function that gives `noise`, or a fresh draw of it if None.

        Raises:
            ValueError: if it is not of `noise_shape`.
        """
        if noise is None:
            return lambda: self.noise(condition)
        shape = self.noise_shape(tuple(condition.shape[1:])) or (0,)
        if not tf.TensorShape(noise.shape[1:]).is_compatible_with(shape):
            found, kind = tuple(noise.shape[1:]), type(self).__name__
            raise ValueError(f"noise of {kind} must have shape {shape} per event, not {found}")
        return lambda: keras.ops.cast(noise, "float32")

    def of_target(self, values):
        """Values (n, …) in single precision, if they have the shape of the target.

        Raises:
            ValueError: if they have another one, which would be broadcast.
        """
        if not tf.TensorShape(values.shape[1:]).is_compatible_with(self.shape):
            raise ValueError(
                f"the network of {type(self).__name__} gives arrays {tuple(values.shape[1:])}, "
                f"but the target has shape {self.shape}"
            )
        return keras.ops.cast(values, "float32")

    def distribution(self, condition, noise=None, training=None) -> Conditional:
        """The distribution of the target given `condition`; `noise` defaults to a fresh draw."""
        raise NotImplementedError

    def decode_latent(self, given, training=None) -> Conditional:
        """The distribution of the target given what the other mapper's conditional has as `latent`."""
        raise NotImplementedError

    def call(self, condition, noise=None, training=None):
        """One draw of the target for each condition."""
        condition = keras.ops.cast(condition, "float32")
        return self.distribution(condition, noise=noise, training=training).sample()

    def compute_output_shape(self, condition_shape, noise_shape=None):
        return (condition_shape[0], *self.shape)


class Wrapped(Mapper):
    """A mapper made of another one, whose nature it has.

    Args:
        mapper: the other one, of the same conditions and of targets of the same shape.
    """

    excluded_from_config = ("shape",)

    def __init__(self, mapper, **kwargs):
        super().__init__(mapper.shape, **kwargs)
        self.mapper = mapper

    @property
    def has_exact_log_prob(self):
        return self.mapper.has_exact_log_prob

    @property
    def shares_latent(self):
        return self.mapper.shares_latent

    @property
    def kind(self):
        return self.mapper.kind

    @property
    def is_adapted(self):
        return self.mapper.is_adapted

    def adapt(self, condition, target):
        self.mapper.adapt(condition, target)

    def build(self, condition_shape):
        build(self.mapper, condition_shape)
        self.built = True

    def noise_shape(self, condition_shape):
        return self.mapper.noise_shape(condition_shape)


class NetworkMapper(Mapper):
    """A mapper whose distribution is given by the output of one network.

    Args:
        network: a Keras layer or model of the condition.
        shape: of one target.
    """

    def __init__(self, network, shape, **kwargs):
        super().__init__(shape, **kwargs)
        self.network = network

    def build(self, condition_shape):
        build(self.network, condition_shape)
        self.built = True

    def noise_shape(self, condition_shape):
        return self.shape
