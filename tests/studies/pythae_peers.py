"""VAE and adversarial auto-encoder of pythae (arXiv 2206.08309), with the layers of mizoo's presets.

Needs PyTorch: `pip install torch pythae`.
"""

import numpy as np
import torch
from pythae.models import VAE, Adversarial_AE, Adversarial_AE_Config, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from timed import steps_within
from torch import nn

LATENT = 8
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Encoder(BaseEncoder):
    """`mizoo.networks.to_vector` of images 28 × 28 × 1."""

    def __init__(self):
        super().__init__()
        self.latent_dim = LATENT
        body = []
        for given, made in ((1, 32), (32, 64), (64, 128)):
            body += [nn.Conv2d(given, made, 3, 2, 1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*body, nn.Flatten(), nn.Linear(2048, 128), nn.LeakyReLU(0.2))
        self.last = nn.Linear(128, 2 * LATENT)

    def forward(self, x):
        mean, log_variance = self.last(self.body(x)).chunk(2, -1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):
    """`mizoo.networks.to_image` of images 28 × 28 × 1."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(
            nn.Linear(LATENT, 128), nn.LeakyReLU(0.2), nn.Linear(128, 2048), nn.LeakyReLU(0.2)
        )
        self.doubling = nn.ModuleList(
            nn.ConvTranspose2d(given, made, 4, 2, 1) for given, made in ((128, 64), (64, 32), (32, 16))
        )
        self.last = nn.Conv2d(16, 1, 3, 1, 1)

    def forward(self, z):
        image = self.first(z).unflatten(-1, (128, 4, 4))
        for layer, size in zip(self.doubling, (7, 14, 28), strict=True):
            image = nn.functional.leaky_relu(layer(image), 0.2)[..., :size, :size]
        return ModelOutput(reconstruction=torch.sigmoid(self.last(image)))


class Peer:
    """A model of pythae, trained by its own losses and drawn from a normal prior.

    Args:
        adversarial: whether it is the adversarial auto-encoder.
    """

    def __init__(self, adversarial):
        torch.manual_seed(0)
        kind, config = (Adversarial_AE, Adversarial_AE_Config) if adversarial else (VAE, VAEConfig)
        self.model = kind(config(input_dim=(1, 28, 28), latent_dim=LATENT), Encoder(), Decoder()).to(DEVICE)
        groups = {"loss": self.model.parameters()}
        if adversarial:
            mappers = [*self.model.encoder.parameters(), *self.model.decoder.parameters()]
            groups = {
                "autoencoder_loss": mappers,
                "discriminator_loss": list(self.model.discriminator.parameters()),
            }
        rate = 1e-3 if adversarial else 1e-4  # pythae's default; the VAE turns black at 1e-3
        self.optimizers = {loss: torch.optim.Adam(weights, rate) for loss, weights in groups.items()}

    def count_params(self):
        return sum(weight.numel() for weight in self.model.parameters())

    def train(self, images, seconds, batch_size=100):
        """Train for this time, see `steps_within`; the number of steps."""
        data = torch.tensor(np.moveaxis(images, -1, 1), device=DEVICE)

        def steps(count):
            for _ in range(count):
                self.step(data[next(batches)])

        batches = _batches(len(data), batch_size)
        done, every = steps_within(seconds, steps)
        steps(every - done)
        return every

    def step(self, batch):
        output = self.model({"data": batch})
        for loss, optimizer in self.optimizers.items():
            weights = [weight for group in optimizer.param_groups for weight in group["params"]]
            gradients = torch.autograd.grad(output[loss], weights, retain_graph=True)
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient
        for optimizer in self.optimizers.values():
            optimizer.step()

    def sample(self, count):
        with torch.no_grad():
            images = self.model.decoder(torch.randn(count, LATENT, device=DEVICE)).reconstruction
        return np.moveaxis(images.cpu().numpy(), 1, -1)


def _batches(count, size):
    """Rows of batches without end, in a new order each time."""
    while True:
        yield from torch.randperm(count, device=DEVICE).split(size)
