"""Divergences estimated by a critic that learns to tell two samples apart."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from mizoo.core.serialisation import build, serialisable
from mizoo.core.types import BatchShape, Network, Tensor
from mizoo.distribute import collectives
from mizoo.objectives.estimators import Estimator


def _real_like(logits: Tensor) -> Tensor:
    """-log sigmoid: small for events that the critic takes as real."""
    return tf.nn.softplus(-logits)


# By gan_loss: loss of the critic on real and on generated events, and of the mappers on generated events.
GAN_LOSSES = {
    # Goodfellow et al., arXiv 1406.2661, with the non-saturating loss of its section 3.
    "non-saturating": (_real_like, lambda fake: _real_like(-fake), _real_like),
    # Mao et al., arXiv 1611.04076.
    "least-squares": (
        lambda real: tf.square(real - 1.0),
        tf.square,
        lambda fake: tf.square(fake - 1.0),
    ),
    # Lim and Ye, arXiv 1705.02894.
    "hinge": (
        lambda real: tf.nn.relu(1.0 - real),
        lambda fake: tf.nn.relu(1.0 + fake),
        tf.negative,
    ),
    # Arjovsky et al., arXiv 1701.07875.
    "wasserstein": (tf.negative, tf.identity, tf.negative),
}


@serialisable
class Adversarial(Estimator):
    """A critic with an adversarial loss.

    Args:
        critic: Keras layer or model from events (n, …) to one number each, (n, 1).
        gan_loss: `"non-saturating"`, `"least-squares"`, `"hinge"` or `"wasserstein"`.
        gradient_penalty: weight of (|gradient| - 1)² between real and generated events (WGAN-GP, arXiv
            1704.00028).
        r1: weight of |gradient|²/2 at real events (arXiv 1801.04406).

    Raises:
        ValueError: for an unknown gan_loss, for negative penalties, and for a critic of more than one
            number.
    """

    def __init__(
        self,
        critic: Network,
        gan_loss: str = "wasserstein",
        gradient_penalty: float = 0.0,
        r1: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if gan_loss not in GAN_LOSSES:
            raise ValueError(f"gan_loss must be one of {', '.join(GAN_LOSSES)}, not {gan_loss!r}")
        if min(gradient_penalty, r1) < 0.0:
            raise ValueError(f"penalties must be 0 or more, not {gradient_penalty} and {r1}")
        self.critic = critic
        self.gan_loss = gan_loss
        self.gradient_penalty = gradient_penalty
        self.r1 = r1
        self.seed_generator = keras.random.SeedGenerator()

    @property
    def kind(self) -> str:
        return f"{self.gan_loss} critic"

    def build(self, shape: BatchShape) -> None:
        build(self.critic, shape)
        self.built = True

    @property
    def critic_variables(self) -> list[keras.Variable]:
        return list(self.critic.trainable_variables)

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        on_real, on_fake, _ = GAN_LOSSES[self.gan_loss]
        loss = on_real(self._logits(real)) + on_fake(self._logits(fake))
        if self.gradient_penalty:
            size = (keras.ops.shape(real)[0], *(1 for _ in real.shape[1:]))
            share = collectives.uniform(size, self.seed_generator)
            between = fake + tf.cast(share, fake.dtype) * (real - fake)
            slope = tf.sqrt(self._squared_gradient(between) + 1e-12)
            loss += self.gradient_penalty * tf.square(slope - 1.0)
        if self.r1:
            loss += self.r1 / 2.0 * self._squared_gradient(real)
        return tf.reduce_mean(loss)

    def loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return tf.reduce_mean(GAN_LOSSES[self.gan_loss][2](self._given_logits(fake)))

    @property
    def has_nats(self) -> bool:
        return self.gan_loss == "non-saturating"

    def nats(self, real: Tensor) -> Tensor:
        """KL(real ‖ generated) in nats, a scalar: the mean logit of a trained non-saturating critic."""
        if not self.has_nats:
            return super().nats(real)
        return tf.reduce_mean(self._logits(real))

    def _logits(self, events: Tensor) -> Tensor:
        logits = self.critic(events, training=True)
        if logits.shape[-1] != 1:
            raise ValueError(f"a critic gives one number for each event, not {tuple(logits.shape[1:])}")
        return tf.cast(logits[..., 0], tf.float32)

    def _given_logits(self, events: Tensor) -> Tensor:
        """Logits with gradients in the events only, not in weights that critic and mapper share."""

        @tf.custom_gradient
        def logits(events: Tensor) -> tuple[Tensor, Callable[..., Any]]:
            with tf.GradientTape() as tape:
                tape.watch(events)
                values = self._logits(events)

            def gradient(
                upstream: Tensor, variables: Sequence[keras.Variable] = ()
            ) -> tuple[Tensor, list[None]]:
                return tape.gradient(values, events, upstream), [None] * len(variables)

            return values, gradient

        return logits(events)

    def _squared_gradient(self, events: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            tape.watch(events)
            logits = self._logits(events)
        gradient = tf.cast(tape.gradient(logits, events), tf.float32)
        return tf.reduce_sum(tf.square(gradient), range(1, gradient.shape.rank))
