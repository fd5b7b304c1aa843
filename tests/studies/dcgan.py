"""A DCGAN (arXiv 1511.06434) of images 28 × 28 × 1 in plain Keras: a peer of the image presets."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def _normalised(layer, activation):
    return [layer, layers.BatchNormalization(), layers.Activation(activation)]


def _up(filters):
    return layers.Conv2DTranspose(filters, 5, strides=2, padding="same", use_bias=False)


def _down(filters):
    return layers.Conv2D(filters, 5, strides=2, padding="same")


class DCGAN(keras.Model):
    """Batch normalisation in both networks, Adam of learning rate 2e-4 and β₁ = 0.5, as in the paper."""

    def __init__(self, latent=8):
        super().__init__()
        self.latent = latent
        self.generator = keras.Sequential(
            [
                layers.Input((latent,)),
                *_normalised(layers.Dense(7 * 7 * 128, use_bias=False), "relu"),
                layers.Reshape((7, 7, 128)),
                *_normalised(_up(64), "relu"),
                _up(1),
                layers.Activation("tanh"),
            ]
        )
        self.critic = keras.Sequential(
            [
                layers.Input((28, 28, 1)),
                _down(64),
                layers.LeakyReLU(0.2),
                *_normalised(_down(128), "leaky_relu"),
                layers.Flatten(),
                layers.Dense(1),
            ]
        )
        self.compile(keras.optimizers.Adam(2e-4, beta_1=0.5))
        self.critic_optimizer = keras.optimizers.Adam(2e-4, beta_1=0.5)

    def count_params(self):
        return self.generator.count_params() + self.critic.count_params()

    def fit(self, samples, batch_size, epochs, steps_per_epoch, verbose):
        data = tf.data.Dataset.from_tensor_slices(2.0 * samples.x - 1.0)
        batches = data.shuffle(len(samples), seed=0).repeat().batch(batch_size)
        return super().fit(
            batches, epochs=epochs, steps_per_epoch=steps_per_epoch, verbose=verbose, shuffle=False
        )

    def train_step(self, real):
        noise = tf.random.normal((tf.shape(real)[0], self.latent))
        with tf.GradientTape(persistent=True) as tape:
            fake = self.generator(noise, training=True)
            on_real, on_fake = (self.critic(images, training=True) for images in (real, fake))
            critic_loss = tf.reduce_mean(tf.nn.softplus(-on_real) + tf.nn.softplus(on_fake))
            loss = tf.reduce_mean(tf.nn.softplus(-on_fake))
        for network, value, optimizer in (
            (self.critic, critic_loss, self.critic_optimizer),
            (self.generator, loss, self.optimizer),
        ):
            weights = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
        return {"loss": loss, "critic_loss": critic_loss}

    def call(self, noise):
        return self.generator(noise)

    def sample(self, count):
        noise = np.random.default_rng(1).normal(size=(count, self.latent)).astype("float32")
        return (self.generator.predict(noise, verbose=0) + 1.0) / 2.0
