"""Training steps of mizoo's models in plain PyTorch, with weights of fresh models: peers for benchmarks.

Losses, optimisers and the order of the steps are those of the models. Data are in the coordinates of the
networks, and images are mirrored, see `mirrored`, so that no convolution needs a padding before it. Fused
optimisers, activations in place and weights with the channels last are faster than PyTorch's defaults.
"""

import itertools
import math

import numpy as np
import torch
from keras import layers
from torch import nn
from torch_networks import Attention, LinearAndMlp, Modulated, dense

from mizoo.presets.turbo_sim import ORIGINAL_PENALTIES, ORIGINAL_WEIGHTS


class LeakyTanh(nn.Module):
    """`mizoo.networks.leaky_tanh`."""

    def forward(self, value):
        return value.tanh() + 0.02 * value


class Crop(nn.Module):
    """Images without their first row and column, which are the last of mirrored images."""

    def forward(self, images):
        return images[..., 1:, 1:]


ACTIVATIONS = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(0.2, inplace=True),
    "leaky_tanh": LeakyTanh,
}


def mirrored(images):
    """Images (n, h, w, c) of Keras as those of PyTorch, (n, c, h, w), mirrored along both sides.

    Where Keras halves images of even size, it pads them at their ends, and PyTorch at their beginnings.
    """
    return np.ascontiguousarray(images[:, ::-1, ::-1].transpose(0, 3, 1, 2))


def places(shape):
    """For each component of flat mirrored images (c h w), its place in those of Keras, (h w c)."""
    return mirrored(np.arange(math.prod(shape)).reshape(1, *shape)).ravel()


def convolution(layer):
    """A convolution of Keras, plain or transposed, as one of PyTorch for mirrored images."""
    kernel, bias = layer.get_weights()
    weight = torch.tensor(kernel[::-1, ::-1].transpose(3, 2, 0, 1).copy())
    transposed = isinstance(layer, layers.Conv2DTranspose)
    first, second = weight.shape[:2]
    kind, sizes = (nn.ConvTranspose2d, (first, second)) if transposed else (nn.Conv2d, (second, first))
    made = kind(*sizes, layer.kernel_size, layer.strides, padding=1)
    made.weight.data, made.bias.data = weight, torch.tensor(bias)
    return made


def sequential(network):
    """A `keras.Sequential` of dense layers and convolutions in PyTorch."""
    made, seen = [], None
    for layer, after in itertools.zip_longest(network.layers, network.layers[1:]):
        match layer:
            case layers.Dense():
                part = dense(layer)
                if seen is not None:
                    part.weight.data, seen = part.weight.data[:, seen].contiguous(), None
                if isinstance(after, layers.Reshape):
                    order = places(after.target_shape)
                    part.weight.data, part.bias.data = part.weight.data[order], part.bias.data[order]
            case layers.Conv2D() | layers.Conv2DTranspose():
                part = convolution(layer)
            case layers.Flatten():
                part, seen = nn.Flatten(), places(layer.input.shape[1:])
            case layers.Reshape():
                *size, channels = layer.target_shape
                part = nn.Unflatten(1, (channels, *size))
            case layers.Cropping2D(cropping=((0, 1), (0, 1))):
                part = Crop()
            case _:
                raise ValueError(f"{layer} is not known")
        made.append(part)
        if (name := getattr(layer, "activation", None)) and name.__name__ != "linear":
            made.append(ACTIVATIONS[name.__name__]())
    return nn.Sequential(*made).to(memory_format=torch.channels_last)


def check(network, peer):
    """Check that a network of Keras and its peer agree."""
    given = np.random.default_rng(0).normal(size=(16, *network.input_shape[1:])).astype("float32")
    images = [len(shape) == 4 for shape in (network.input_shape, network.output_shape)]
    found = peer(torch.tensor(mirrored(given) if images[0] else given)).detach()
    expected = network(given).numpy()
    np.testing.assert_allclose(found, mirrored(expected) if images[1] else expected, atol=1e-3)
    return peer


def optimizer_of(optimizer, *networks):
    """Adam or AdamW of PyTorch with the settings of one of Keras."""
    kind = torch.optim.AdamW if optimizer.weight_decay else torch.optim.Adam
    return kind(
        [value for network in networks for value in network.parameters()],
        float(optimizer.learning_rate),
        (optimizer.beta_1, optimizer.beta_2),
        optimizer.epsilon,
        weight_decay=optimizer.weight_decay or getattr(optimizer, "l2", 0.0),
        fused=True,
    )


def descend(optimizer, loss, clipnorm=None):
    """One step of an optimiser, with the gradient of its own parameters alone."""
    (group,) = optimizer.param_groups
    optimizer.zero_grad()
    loss.backward(inputs=group["params"])
    if clipnorm:
        nn.utils.clip_grad_norm_(group["params"], clipnorm)
    optimizer.step()


def squared_error(made, true, scale=1.0):
    """Minus the log-density of a normal distribution around `made`, up to a constant."""
    return ((made - true) / scale).square().flatten(1).sum(1).mean() / 2.0


class Step:
    """Steps on batches drawn at random from arrays in memory.

    Args:
        model: a fresh model of mizoo.
        arrays: data by space, in the coordinates of the model.
        batch_size: events per batch.
    """

    networks = ()  # all that have parameters

    def __init__(self, model, arrays, batch_size):
        self.arrays = [torch.tensor(mirrored(a) if a.ndim == 4 else a) for a in arrays.values()]
        self.batch_size = batch_size
        self.prepare(model)

    @property
    def count(self):
        """Number of trained parameters."""
        return sum(value.numel() for network in self.networks for value in network.parameters())

    def compile(self):
        """Compile all networks."""
        torch.compiler.reset()  # else those of other models count towards the limit of compilations
        for name, part in list(vars(self).items()):
            if isinstance(part, nn.Module):
                setattr(self, name, torch.compile(part, dynamic=False))
        return self

    def __call__(self, steps):
        for _ in range(steps):
            rows = torch.randint(len(self.arrays[0]), (self.batch_size,))
            loss = self.step(*(array[rows] for array in self.arrays))
        return float(loss.detach())


class VAE(Step):
    """`mizoo.presets.vae`."""

    def prepare(self, model):
        self.encoder, self.decoder = self.networks = [
            check(mapper.network, sequential(mapper.network)) for mapper in (model.encoder, model.decoder)
        ]
        self.optimizer, self.scale = optimizer_of(model.optimizer, *self.networks), model.decoder.scale

    def step(self, x):
        mean, log_deviation = self.encoder(x).chunk(2, -1)
        log_deviation = log_deviation.clamp(-7.0, 7.0)
        deviation = log_deviation.exp()
        x_hat = self.decoder(mean + deviation * torch.randn_like(mean))
        rate = (mean.square() + deviation.square() - 1.0) / 2.0 - log_deviation
        loss = squared_error(x_hat, x, self.scale) + rate.sum(1).mean()
        descend(self.optimizer, loss)
        return loss


class AAE(Step):
    """`mizoo.presets.aae`."""

    def prepare(self, model):
        _, divergence = model.objectives
        found = (model.encoder.network, model.decoder.network, divergence.estimator.critic)
        self.encoder, self.decoder, self.critic = self.networks = [check(n, sequential(n)) for n in found]
        self.optimizer = optimizer_of(model.optimizer, self.encoder, self.decoder)
        self.critic_optimizer = optimizer_of(model.critic_optimizer, self.critic)
        self.scale, self.weight = model.decoder.scale, divergence.weight

    def step(self, x):
        softplus = nn.functional.softplus
        z = self.encoder(x)
        real, fake = self.critic(torch.randn_like(z)), self.critic(z.detach())
        descend(self.critic_optimizer, (softplus(-real) + softplus(fake)).mean())
        adversary = softplus(-self.critic(z)).mean()
        loss = squared_error(self.decoder(z), x, self.scale) + self.weight * adversary
        descend(self.optimizer, loss)
        return loss


def penalised(critic, real, fake, penalty):
    """Loss of a Wasserstein critic with gradient penalty."""
    share = torch.rand(len(real), *(1 for _ in real.shape[1:]))
    between = (fake + share * (real - fake)).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    slope = gradient.flatten(1).norm(2, 1)
    return (critic(fake) - critic(real)).mean() + penalty * (slope - 1.0).square().mean()


class WGANGP(Step):
    """`mizoo.presets.wgan_gp`, with the average of the decoder's weights."""

    def prepare(self, model):
        (divergence,) = model.objectives
        found = (model.decoder.network, divergence.estimator.critic)
        self.decoder, self.critic = self.networks = [check(n, sequential(n)) for n in found]
        self.optimizer = optimizer_of(model.optimizer, self.decoder)
        self.critic_optimizer = optimizer_of(model.critic_optimizer, self.critic)
        self.penalty, self.critic_steps = divergence.estimator.gradient_penalty, model.critic_steps
        self.latent = model.z_representation.shape
        average = torch.optim.swa_utils.get_ema_multi_avg_fn(model.ema_momentum)
        self.average = torch.optim.swa_utils.AveragedModel(self.decoder, multi_avg_fn=average)

    def drawn(self):
        return self.decoder(torch.randn(self.batch_size, *self.latent))

    def train_critic(self, x, fake):
        descend(self.critic_optimizer, penalised(self.critic, x, fake, self.penalty))

    def step(self, x):
        for _ in range(self.critic_steps - 1):
            with torch.no_grad():
                fake = self.drawn()
            self.train_critic(x, fake)
        fake = self.drawn()
        self.train_critic(x, fake.detach())
        loss = -self.critic(fake).mean()
        descend(self.optimizer, loss)
        self.average.update_parameters(self.decoder)
        return loss


class TurboSim(Step):
    """`mizoo.presets.turbosim(original=True)`: three critics with gradient penalty."""

    def prepare(self, model):
        self.encoder, self.decoder = (
            check(mapper.network, sequential(mapper.network)) for mapper in (model.encoder, model.decoder)
        )
        self.critics = nn.ModuleDict(
            {o.stream: sequential(o.estimator.critic) for o in model.objectives if o.critic_variables}
        )
        self.networks = [self.encoder, self.decoder, self.critics]
        self.optimizer = optimizer_of(model.optimizer, self.encoder, self.decoder)
        self.critic_optimizer = optimizer_of(model.critic_optimizer, self.critics)

    def step(self, x, z):
        def noisy(network, values):
            return network(values + 0.05 * torch.randn_like(values))

        z_tilde = noisy(self.encoder, x)
        x_hat = noisy(self.decoder, z_tilde)
        x_tilde = noisy(self.decoder, z)
        z_hat = noisy(self.encoder, x_tilde)
        real = {"z_tilde": z.roll(1, 0), "x_hat": x.roll(1, 0), "x_tilde": x.roll(1, 0)}
        fake = {"z_tilde": z_tilde, "x_hat": x_hat, "x_tilde": x_tilde}
        losses = [
            penalised(critic, real[stream], fake[stream].detach(), ORIGINAL_PENALTIES[stream])
            for stream, critic in self.critics.items()
        ]
        descend(self.critic_optimizer, sum(losses))
        error = nn.functional.mse_loss
        loss = (
            ORIGINAL_WEIGHTS["L_z_tilde"] * error(z_tilde, z)
            + ORIGINAL_WEIGHTS["L_x_hat"] * error(x_hat, x)
            + ORIGINAL_WEIGHTS["L_z_hat"] * error(z_hat, z)
        )
        for stream, critic in self.critics.items():
            loss = loss - ORIGINAL_WEIGHTS[f"D_{stream}"] * critic(fake[stream]).mean()
        descend(self.optimizer, loss)
        return loss


class Gandalf(Step):
    """Tokens to latent, what is read off it, and the velocity of the denoising network at random times."""

    def prepare(self, model):
        encoder, self.reader, self.network = self.networks = [
            peer(network)
            for peer, network in zip(
                (Attention, LinearAndMlp, Modulated), gandalf_networks(model), strict=True
            )
        ]
        encoder.types = nn.Parameter(encoder.types)  # inference takes them as constants
        self.encoder = encoder
        self.optimizer = optimizer_of(model.optimizer, *self.networks)
        self.clipnorm = model.optimizer.global_clipnorm

    def step(self, x, z):
        latent, noise = self.encoder(z), torch.randn_like(x)
        time = torch.randn(len(x), 1).sigmoid()
        given = torch.cat([latent, self.reader(latent), torch.ones_like(time)], -1)
        velocity = self.network(time * x + (1.0 - time) * noise, time, given)
        loss = (velocity - (x - noise)).square().sum(1).mean()
        descend(self.optimizer, loss, self.clipnorm)
        return loss


def gandalf_networks(model):
    """Attention, the reader of its latent, and the denoising network of `training_speed.gandalf`."""
    encoder = model.decoder.encoder
    return [*(encoder.get_layer(name) for name in ("attention", "reader")), model.decoder.decoder.network]
