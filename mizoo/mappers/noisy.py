"""Networks with noise added to their input, and none: the mappers of Turbo-Sim and of auto-encoders."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from mizoo.mappers.base import NetworkMapper
from mizoo.serialisation import serialisable

_LAWS = {"normal": tfp.distributions.Normal, "laplace": tfp.distributions.Laplace}


class _Around:
    """The law of fixed scale around a draw."""

    def __init__(self, draw, law, scale):
        self._draw = draw
        self._law = _LAWS[law]
        self._scale = scale

    def sample(self):
        return self._draw

    def log_prob(self, target):
        law = self._law(self._draw, self._scale)
        return tf.reduce_sum(law.log_prob(tf.cast(target, tf.float32)), range(1, len(target.shape)))


@serialisable
class Noisy(NetworkMapper):
    """A network whose input is disturbed by Gaussian noise (Turbo-Sim, arXiv 2112.10629).

    Its likelihood is that of a law of fixed scale around the draw: up to a factor and a constant the
    negative log-likelihood is the squared error (`law="normal"`) or the absolute one (`"laplace"`).

    Args:
        network: a Keras layer or model from condition to target.
        shape: of one target.
        stddev: of the noise; 0 makes a deterministic mapper.
        law: `"normal"` or `"laplace"`.
        scale: of the law, in units of the target.
    """

    def __init__(self, network, shape, stddev=0.05, law="normal", scale=1.0, **kwargs):
        super().__init__(network, shape, **kwargs)
        if law not in _LAWS:
            raise ValueError(f"law must be one of {sorted(_LAWS)}, not {law!r}")
        if not (stddev >= 0.0 and scale > 0.0):
            raise ValueError(f"stddev must be at least 0 and scale above 0, not {stddev} and {scale}")
        self.stddev = stddev
        self.law = law
        self.scale = scale

    @property
    def kind(self):
        return "noise-injected" if self.stddev else "deterministic"

    def noise_shape(self, condition_shape):
        return condition_shape if self.stddev else None

    def given(self, condition, noise=None, training=None):
        draw = self.draw(condition, noise)
        if self.stddev:
            condition = condition + self.stddev * keras.ops.cast(draw(), condition.dtype)
        return self.around(self.network(condition, training=training))

    def around(self, draw):
        """The conditional of a draw: the draw itself, and the law around it as likelihood."""
        return _Around(self.of_target(draw), self.law, self.scale)
