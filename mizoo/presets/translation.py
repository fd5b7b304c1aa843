"""Translation between two spaces of data, with or without pairs."""

import math
from typing import Any

import keras

from mizoo.core.types import Network
from mizoo.mappers import StochasticResidual
from mizoo.model.stages import Stage
from mizoo.model.turbo import Turbo
from mizoo.networks import mlp, network
from mizoo.objectives import Adversarial, Divergence, Likelihood, Objective, SlicedWasserstein
from mizoo.presets.arguments import (
    Count,
    CriticLike,
    MapperLike,
    Name,
    Positive,
    ProcessLike,
    SpaceLike,
    Weight,
)
from mizoo.presets.parts import (
    SMALL_DIGITS,
    adversarial,
    compiled,
    deterministic,
    space,
)
from mizoo.presets.physics import momenta
from mizoo.presets.registry import preset


@preset("arXiv 1611.07004", "pairs", "ttbar", compiled)
def pix2pix(
    process: ProcessLike = None, x: SpaceLike = None, z: SpaceLike = None, absolute: Weight = 100.0,
    units: Count = 128, depth: Count = 1, decoder: MapperLike = None, critic: CriticLike = None,
    name: Name = "pix2pix", **options: Any,
) -> Turbo:  # fmt: skip
    """pix2pix: L on x_tilde by absolute errors, and D by a critic that sees z beside it.

    Args:
        process: the process of the events; the demonstration's process by default.
        x, z: representations, or shapes of one event, images of one size or vectors, instead of a process.
        absolute: weight of the mean absolute error.
        units, depth: size of the networks of decoder and critic, see `mizoo.networks.network`.
        decoder: mapper or Keras network instead of one chosen from the shapes.
        critic: Keras network from x joined with z to one number instead.
        options: options of `compiled`.
    """
    x, z = momenta(name, process, x, z)
    decoder = deterministic(z, x, units, decoder, depth, likelihood="laplace")
    objectives: list[Objective] = [
        Likelihood("x_tilde", absolute / math.prod(x.shape)),
        Divergence("x_tilde", adversarial(x, z, units=units, depth=depth, given=critic), condition="z"),
    ]
    return compiled(None, decoder, objectives, x, z, name, **options)


@preset("arXiv 1609.04802", "pairs", "small digits", compiled)
def srgan(
    x: SpaceLike = None, z: SpaceLike = None, features: Network | None = None, adversary: Weight = 0.1,
    units: Count = 128, depth: Count = 1, decoder: MapperLike = None, name: Name = "srgan", **options: Any,
) -> Turbo:  # fmt: skip
    """SRGAN: large images x from small ones z, by the likelihood of features and a critic of x_tilde.

    Args:
        x, z: representations, or shapes of the large and of the small images; digits by default.
        features: layer from images in [-1, 1] to features, such as a pretrained network; by default the
            critic's own, as in VAE/GAN.
        adversary: weight of D.
        units, depth, decoder: as for `pix2pix`.
        options: options of `compiled`.
    """
    x, z = space(x), space(z, SMALL_DIGITS)
    decoder = deterministic(z, x, units, decoder, depth)
    *hidden, last = network(x.shape, (1,), units, depth=depth).layers
    inner = keras.Sequential(hidden, name="features")
    critic = Adversarial(keras.Sequential([inner, last]), "non-saturating", r1=0.1)
    objectives: list[Objective] = [
        Likelihood("x_tilde", features=features or inner, label="features"),
        Divergence("x_tilde", critic, adversary),
    ]
    return compiled(None, decoder, objectives, x, z, name, **options)


@preset("arXiv 1703.10593", "unpaired", "ttbar", compiled)
def cyclegan(
    process: ProcessLike = None, x: SpaceLike = None, z: SpaceLike = None, cycle: Weight = 10.0,
    learning_rate: Positive = 2e-4, units: Count = 128, depth: Count = 1,
    encoder: MapperLike = None, decoder: MapperLike = None, name: Name = "cyclegan", **options: Any,
) -> Turbo:  # fmt: skip
    """CycleGAN: critics of z_tilde and x_tilde, and L on x_hat and z_hat by absolute errors.

    Args:
        process: the process of the events; the demonstration's process by default.
        x, z: representations, or shapes of one event, instead of a process.
        cycle: weight of the mean absolute errors.
        units, depth: size of the networks of mappers and critics, see `mizoo.networks.network`.
        encoder, decoder: mappers or Keras networks instead of those chosen from the shapes.
        options: options of `compiled`.
    """
    x, z = momenta(name, process, x, z)
    encoder = deterministic(x, z, units, encoder, depth, likelihood="laplace")
    decoder = deterministic(z, x, units, decoder, depth, likelihood="laplace")
    objectives: list[Objective] = [
        Divergence("z_tilde", adversarial(z, gan_loss="least-squares", units=units, depth=depth)),
        Likelihood("x_hat", cycle / math.prod(x.shape)),
        Divergence("x_tilde", adversarial(x, gan_loss="least-squares", units=units, depth=depth)),
        Likelihood("z_hat", cycle / math.prod(z.shape)),
    ]
    return compiled(encoder, decoder, objectives, x, z, name, learning_rate=learning_rate, **options)


@preset("arXiv 2101.08944", "unpaired", "ttbar", compiled)
def otus(
    process: ProcessLike = None, x: SpaceLike = None, z: SpaceLike = None, latent_weight: Weight = 20.0,
    projections: Count = 1000, name: Name = "otus", **options: Any,
) -> Turbo:  # fmt: skip
    """OTUS: L on x_hat and the sliced Wasserstein distance of z_tilde; at last that of x_tilde alone.

    Of 1010 epochs, the last 10 train the decoder on x_tilde. Energies follow from the mass shell.

    Args:
        process: the process of the events; the demonstration's process by default.
        x, z: representations or shapes, of one length, instead of a process.
        latent_weight: weight of the distance of z_tilde.
        projections: number of projections of the sliced distances.
        options: options of `compiled`.

    Raises:
        ValueError: if x and z have different numbers of coordinates.
    """
    x, z = momenta(name, process, x, z)
    if x.shape != z.shape or len(x.shape) != 1:
        raise ValueError(
            f"otus adds to what it maps: x {x.shape} and z {z.shape} must be vectors of one length"
        )
    length, noises = x.shape[0], 6

    def mapper() -> StochasticResidual:
        # A normal distribution of variance 1/2 makes L the squared error, up to a constant.
        return StochasticResidual(
            mlp([64, 64], length), mlp([64], 2 * noises), x.shape, noises, scale=0.5**0.5
        )

    distance = SlicedWasserstein(projections)
    objectives: list[Objective] = [
        Divergence("z_tilde", distance, latent_weight),
        Likelihood("x_hat"),
        Divergence("x_tilde", distance),
    ]
    stages = [
        Stage(0.0, {"L_x_hat": 1.0, "D_z_tilde": latent_weight}),
        Stage(1000 / 1010, {"D_x_tilde": 1.0}),
    ]
    return compiled(mapper(), mapper(), objectives, x, z, name, stages=stages, **options)
