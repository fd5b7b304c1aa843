"""Generative adversarial networks: z → x_tilde."""

from collections.abc import Sequence
from typing import Any

import keras

from mizoo.mappers import CodePosterior, Deterministic
from mizoo.model.turbo import Turbo
from mizoo.networks import mlp, network
from mizoo.objectives import Adversarial, Divergence, Likelihood, Objective
from mizoo.presets.arguments import (
    Count,
    CountOrZero,
    CriticLike,
    Fraction,
    MapperLike,
    Name,
    SpaceLike,
    Weight,
)
from mizoo.presets.parts import adversarial, compiled, deterministic, space
from mizoo.presets.registry import preset
from mizoo.representations import Latent


def generator(
    x: SpaceLike, latent: Count, name: Name, gan_loss: Name,
    units: Count = 128, depth: Count = 1, decoder: MapperLike = None, critic: CriticLike = None,
    r1: Weight = 0.0, gradient_penalty: Weight = 0.0, spectral: bool = False,
    ema_momentum: Fraction = 0.995, **options: Any,
) -> Turbo:  # fmt: skip
    """A decoder and a critic of x_tilde, the parts of all plain GANs.

    Args:
        x: a representation, or the shape of one event; digits by default.
        latent: number of components of z.
        name: name of the model.
        gan_loss, r1, gradient_penalty: see `Adversarial`.
        spectral: whether the critic's layers are spectrally normalised.
        units, depth: size of the networks of decoder and critic, see `mizoo.networks.network`.
        decoder: mapper or Keras network instead of one chosen from the shapes.
        critic: Keras network from x to one number instead.
        ema_momentum: momentum of the decoder's average, from which samples come.
        options: options of `compiled`: `weights`, `learning_rate`, `critic_steps`.
    """
    x, z = space(x), Latent(latent)
    decoder = deterministic(z, x, units, decoder, depth)
    estimator = adversarial(
        x, gan_loss=gan_loss, spectral=spectral, units=units, depth=depth, given=critic,
        r1=r1, gradient_penalty=gradient_penalty,
    )  # fmt: skip
    objectives: list[Objective] = [Divergence("x_tilde", estimator)]
    return compiled(
        None,
        decoder,
        objectives,
        x,
        z,
        name,
        ema_momentum=ema_momentum,
        **options,
    )


@preset("arXiv 1406.2661, 1801.04406", "x", "digits", generator, compiled)
def gan(
    x: SpaceLike = None, latent: Count = 8, r1: Weight = 1.0, name: Name = "gan", **options: Any
) -> Turbo:
    """Generative adversarial network: D on x_tilde, with the non-saturating loss and the R1 penalty."""
    return generator(x, latent, name, "non-saturating", r1=r1, **options)


@preset("arXiv 1611.04076", "x", "digits", generator, compiled)
def lsgan(
    x: SpaceLike = None, latent: Count = 8, r1: Weight = 1.0, name: Name = "lsgan", **options: Any
) -> Turbo:
    """Least-squares GAN, with the R1 penalty as `gan` has it; 0 is the paper's."""
    return generator(x, latent, name, "least-squares", r1=r1, **options)


@preset("arXiv 1704.00028", "x", "digits", generator, compiled)
def wgan_gp(
    x: SpaceLike = None, latent: Count = 8, gradient_penalty: Weight = 10.0, critic_steps: Count = 5,
    name: Name = "wgan_gp", **options: Any,
) -> Turbo:  # fmt: skip
    """Wasserstein GAN with gradient penalty: five updates of the critic for one of the decoder."""
    return generator(
        x, latent, name, "wasserstein",
        gradient_penalty=gradient_penalty, critic_steps=critic_steps, **options,
    )  # fmt: skip


@preset("arXiv 1606.03657", "x", "digits", compiled)
def infogan(
    x: SpaceLike = None, noise: CountOrZero = 8, uniform: CountOrZero = 2,
    categories: Sequence[Count] = (10,), information: Weight = 0.3,
    units: Count = 128, depth: Count = 1, decoder: MapperLike = None, critic: CriticLike = None,
    name: Name = "infogan", **options: Any,
) -> Turbo:  # fmt: skip
    """InfoGAN: D on x_tilde, and L on the part of z_hat that is a code.

    The noise of z keeps its prior, so that L bounds the mutual information of code and x_tilde.

    Args:
        x: a representation, or the shape of one event; digits by default.
        noise: number of normal components of z, which are not inferred.
        uniform, categories: parts of the code, see `Latent`.
        information: weight of L.
        units, depth, decoder, critic: as for `generator`.
        options: options of `compiled`.
    """
    x, z = space(x), Latent(noise, uniform, categories)
    encoder = CodePosterior(network(x.shape, (2 * uniform + sum(categories),), units, depth=depth), z)
    objectives: list[Objective] = [
        Divergence("x_tilde", adversarial(x, r1=1.0, units=units, depth=depth, given=critic)),
        Likelihood("z_hat", information),
    ]
    decoder = deterministic(z, x, units, decoder, depth)
    return compiled(encoder, decoder, objectives, x, z, name, **options)


@preset("arXiv 2004.04467", "x", "digits", compiled)
def alae(
    x: SpaceLike = None,
    latent: Count = 8,
    units: Count = 128,
    depth: Count = 1,
    name: Name = "alae",
    **options: Any,
) -> Turbo:
    """Adversarial latent auto-encoder: D on x_tilde, seen through the encoder, and L on z_hat.

    The prior of z is learnt: a network maps normal draws. The critic is the encoder followed by a small
    network, so that both losses train the encoder.

    Args:
        x: a representation, or the shape of one event; digits by default.
        latent: number of components of z.
        units, depth: size of the mappers' networks, see `mizoo.networks.network`.
        options: options of `compiled`.
    """
    x, z = space(x), Latent(latent, mapping=mlp([64, 64], latent, "leaky_relu"))
    seen = network(x.shape, z.shape, units, depth=depth)
    critic = Adversarial(keras.Sequential([seen, mlp([64], 1, "leaky_relu")]), "non-saturating", r1=1.0)
    return compiled(
        Deterministic(seen, z.shape), deterministic(z, x, units, depth=depth),
        [Divergence("x_tilde", critic), Likelihood("z_hat")], x, z, name, **options,
    )  # fmt: skip
