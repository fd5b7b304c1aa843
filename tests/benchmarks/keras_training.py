"""Training steps of mizoo's models in plain Keras: peers for benchmarks.

The networks and optimisers are those of a fresh model. All else is what a user of Keras would write: a
`keras.Model` with a `train_step` by hand, which logs the loss and nothing else.
"""

import math

import keras
import tensorflow as tf

from mizoo.presets.turbo_sim import ORIGINAL_PENALTIES, ORIGINAL_WEIGHTS


def descend(optimizer, tape, loss, networks):
    """One step of an optimiser."""
    variables = [value for network in networks for value in network.trainable_variables]
    optimizer.apply(tape.gradient(loss, variables), variables)


def squared_error(made, true, scale=1.0):
    """Minus the log-density of a normal distribution around `made`, up to a constant."""
    error = tf.square((made - true) / scale)
    return tf.reduce_mean(tf.reduce_sum(error, range(1, len(error.shape)))) / 2.0


def penalised(critic, real, fake, penalty):
    """Loss of a Wasserstein critic with gradient penalty."""
    share = tf.random.uniform((tf.shape(real)[0], *(1 for _ in real.shape[1:])))
    between = fake + share * (real - fake)
    with tf.GradientTape() as tape:
        tape.watch(between)
        found = critic(between)
    gradient = tape.gradient(found, between)
    slope = tf.sqrt(tf.reduce_sum(tf.square(gradient), range(1, len(gradient.shape))) + 1e-12)
    return tf.reduce_mean(critic(fake) - critic(real)) + penalty * tf.reduce_mean(tf.square(slope - 1.0))


class Step(keras.Model):
    """A model of Keras with the networks, optimisers and steps per execution of a fresh one of mizoo."""

    momentum = None  # of an average of the weights

    def __init__(self, model):
        super().__init__()
        self.prepare(model)
        mappers, critics = (its.get_config() for its in (model.optimizer, model.critic_optimizer))
        if self.momentum:
            mappers |= {"use_ema": True, "ema_momentum": self.momentum}
        self.critic_optimizer = type(model.critic_optimizer).from_config(critics)
        self.compile(
            type(model.optimizer).from_config(mappers),
            steps_per_execution=model.steps_per_execution,
            jit_compile=model.jit_compile,
        )

    def train_step(self, batch):
        return {"loss": self.step(**batch)}

    @property
    def count(self):
        """Number of trained parameters."""
        return sum(math.prod(value.shape) for value in self.trainable_variables)


class VAE(Step):
    """`mizoo.presets.vae`."""

    def prepare(self, model):
        self.encoder, self.decoder = model.encoder.network, model.decoder.network
        self.deviation = model.decoder.scale

    def step(self, x):
        with tf.GradientTape() as tape:
            mean, log_deviation = tf.split(self.encoder(x, training=True), 2, -1)
            log_deviation = tf.clip_by_value(log_deviation, -7.0, 7.0)
            deviation = tf.exp(log_deviation)
            x_hat = self.decoder(mean + deviation * tf.random.normal(tf.shape(mean)), training=True)
            rate = (tf.square(mean) + tf.square(deviation) - 1.0) / 2.0 - log_deviation
            loss = squared_error(x_hat, x, self.deviation) + tf.reduce_mean(tf.reduce_sum(rate, 1))
        descend(self.optimizer, tape, loss, [self.encoder, self.decoder])
        return loss


class AAE(Step):
    """`mizoo.presets.aae`."""

    def prepare(self, model):
        _, divergence = model.objectives
        self.encoder, self.decoder = model.encoder.network, model.decoder.network
        self.critic, self.weight = divergence.estimator.critic, divergence.weight
        self.deviation = model.decoder.scale

    def step(self, x):
        softplus = tf.nn.softplus
        with tf.GradientTape() as tape:
            z = self.encoder(x, training=True)
            with tape.stop_recording(), tf.GradientTape() as critic_tape:
                real, fake = self.critic(tf.random.normal(tf.shape(z))), self.critic(tf.stop_gradient(z))
                critic_loss = tf.reduce_mean(softplus(-real) + softplus(fake))
            with tape.stop_recording():
                descend(self.critic_optimizer, critic_tape, critic_loss, [self.critic])
            adversary = tf.reduce_mean(softplus(-self.critic(z)))
            x_hat = self.decoder(z, training=True)
            loss = squared_error(x_hat, x, self.deviation) + self.weight * adversary
        descend(self.optimizer, tape, loss, [self.encoder, self.decoder])
        return loss


class WGANGP(Step):
    """`mizoo.presets.wgan_gp`, with the average of the decoder's weights that Keras offers."""

    def prepare(self, model):
        (divergence,) = model.objectives
        self.decoder, self.critic = model.decoder.network, divergence.estimator.critic
        self.penalty, self.critic_steps = divergence.estimator.gradient_penalty, model.critic_steps
        self.latent, self.momentum = model.z_representation.shape, model.ema_momentum

    def drawn(self, x):
        return self.decoder(tf.random.normal((tf.shape(x)[0], *self.latent)), training=True)

    def train_critic(self, x, fake):
        with tf.GradientTape() as tape:
            loss = penalised(self.critic, x, fake, self.penalty)
        descend(self.critic_optimizer, tape, loss, [self.critic])

    def step(self, x):
        for _ in range(self.critic_steps - 1):
            self.train_critic(x, self.drawn(x))
        with tf.GradientTape() as tape:
            fake = self.drawn(x)
            with tape.stop_recording():
                self.train_critic(x, fake)
            loss = -tf.reduce_mean(self.critic(fake))
        descend(self.optimizer, tape, loss, [self.decoder])
        return loss


class TurboSim(Step):
    """`mizoo.presets.turbosim(original=True)`: three critics with gradient penalty."""

    def prepare(self, model):
        self.encoder, self.decoder = model.encoder.network, model.decoder.network
        self.critics = {o.stream: o.estimator.critic for o in model.objectives if o.critic_variables}

    def step(self, x, z):
        def noisy(network, values):
            return network(values + 0.05 * tf.random.normal(tf.shape(values)), training=True)

        def error(made, true):
            return tf.reduce_mean(tf.square(made - true))

        critics = list(self.critics.values())
        with tf.GradientTape() as tape:
            z_tilde = noisy(self.encoder, x)
            x_hat = noisy(self.decoder, z_tilde)
            x_tilde = noisy(self.decoder, z)
            z_hat = noisy(self.encoder, x_tilde)
            real = {"z_tilde": tf.roll(z, 1, 0), "x_hat": tf.roll(x, 1, 0), "x_tilde": tf.roll(x, 1, 0)}
            fake = {"z_tilde": z_tilde, "x_hat": x_hat, "x_tilde": x_tilde}
            with tape.stop_recording():
                with tf.GradientTape() as critic_tape:
                    losses = [
                        penalised(critic, real[stream], fake[stream], ORIGINAL_PENALTIES[stream])
                        for stream, critic in self.critics.items()
                    ]
                    critic_loss = sum(losses)
                descend(self.critic_optimizer, critic_tape, critic_loss, critics)
            loss = (
                ORIGINAL_WEIGHTS["L_z_tilde"] * error(z_tilde, z)
                + ORIGINAL_WEIGHTS["L_x_hat"] * error(x_hat, x)
                + ORIGINAL_WEIGHTS["L_z_hat"] * error(z_hat, z)
            )
            for stream, critic in self.critics.items():
                loss -= ORIGINAL_WEIGHTS[f"D_{stream}"] * tf.reduce_mean(critic(fake[stream]))
        descend(self.optimizer, tape, loss, [self.encoder, self.decoder])
        return loss


class Gandalf(Step):
    """The networks of `mizoo.presets.gandalf` alone, see `training_speed.gandalf`."""

    def prepare(self, model):
        self.encoder, self.network = model.decoder.encoder, model.decoder.decoder.network

    def step(self, x, z):
        with tf.GradientTape() as tape:
            noise, time = tf.random.normal(tf.shape(x)), tf.sigmoid(tf.random.normal((tf.shape(x)[0], 1)))
            given = tf.concat([self.encoder(z, training=True), tf.ones_like(time)], -1)
            values = time * x + (1.0 - time) * noise
            velocity = self.network([values, time, given], training=True)
            loss = tf.reduce_mean(tf.reduce_sum(tf.square(velocity - (x - noise)), 1))
        descend(self.optimizer, tape, loss, [self.encoder, self.network])
        return loss
