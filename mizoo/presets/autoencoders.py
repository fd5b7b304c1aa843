"""Auto-encoders: x → z_tilde → x_hat, with a prior on z and ways to make z_tilde follow it."""

from collections.abc import Callable, Sequence
from typing import Any

from mizoo.model.turbo import Turbo
from mizoo.objectives import MMD, Divergence, Likelihood, Objective, Rate, SlicedWasserstein
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
from mizoo.presets.parts import adversarial, compiled, deterministic, gaussian, likelihood_size, space
from mizoo.presets.physics import detector
from mizoo.presets.registry import preset
from mizoo.representations import Latent, Representation


def autoencoder(
    extras: Callable[..., Sequence[Objective]],
    x: Representation, latent: Count, name: Name,
    stochastic: bool = False, scale: Positive = 0.3, units: Count = 128, depth: Count = 1,
    encoder: MapperLike = None, decoder: MapperLike = None, **options: Any,
) -> Turbo:  # fmt: skip
    """Mappers and the likelihood of x_hat, the parts of all auto-encoders.

    Args:
        extras: function from the representations x and z, and `units` and `depth` by name, to the other
            objectives.
        x: a representation, or the shape of one event.
        latent: number of components of z.
        name: name of the model.
        stochastic: whether the encoder is Gaussian instead of deterministic.
        scale: standard deviation of the normal distribution around x_hat, in the coordinates of x.
        units, depth: size of the networks of mappers and critics, see `mizoo.networks.network`.
        encoder, decoder: mappers or Keras networks instead of those chosen from the shapes. A Gaussian
            encoder needs a network of 2 × `latent` numbers.
        options: options of `compiled`: `weights`, `learning_rate`, `critic_steps`.
    """
    z = Latent(latent)
    return compiled(
        (gaussian if stochastic else deterministic)(x, z, units, encoder, depth),
        deterministic(z, x, units, decoder, depth, scale=scale),
        [Likelihood("x_hat"), *extras(x, z, units=units, depth=depth)], x, z, name, **options,
    )  # fmt: skip


@preset("Hinton and Salakhutdinov, Science 313, 504 (2006)", "x", "digits", autoencoder, compiled)
def ae(x: SpaceLike = None, latent: Count = 8, name: Name = "ae", **options: Any) -> Turbo:
    """Auto-encoder: L on x_hat and nothing else.

    Args:
        x: a representation, or the shape of one event; digits by default.
        latent: number of components of z.
        options: see `autoencoder`.
    """
    return autoencoder(lambda x, z, **size: [], space(x), latent, name, **options)


@preset("arXiv 1312.6114", "x", "digits", autoencoder, compiled)
def vae(
    x: SpaceLike = None, latent: Count = 8, beta: Weight = 1.0, name: Name = "vae", **options: Any
) -> Turbo:
    """Variational auto-encoder: L on x_hat and the rate; minus their sum bounds log p(x) from below.

    Args:
        x, latent, options: as for `ae`.
        beta: weight of the rate.
    """
    return autoencoder(
        lambda x, z, **size: [Rate(beta)], space(x), latent, name, stochastic=True, **options
    )


@preset("Higgins et al., ICLR 2017; arXiv 1804.03599", "x", "digits", autoencoder, compiled)
def beta_vae(
    x: SpaceLike = None, latent: Count = 8, beta: Weight = 4.0, name: Name = "beta_vae", **options: Any
) -> Turbo:
    """β-VAE: a `vae` whose rate counts more, for components of z that mean something each.

    Args:
        x, latent, options: as for `ae`.
        beta: weight of the rate.
    """
    return vae(x, latent, beta, name, **options)


@preset("arXiv 1706.02262", "x", "digits", autoencoder, compiled)
def infovae(
    x: SpaceLike = None, latent: Count = 8, alpha: Weight = 0.5, mmd: Weight = 1000.0,
    name: Name = "infovae", **options: Any,
) -> Turbo:  # fmt: skip
    """InfoVAE: a `vae` with a smaller rate and an MMD between the distribution of z_tilde and the prior.

    Args:
        x, latent, options: as for `ae`.
        alpha: reduction of the rate's weight, which is 1 - alpha; 1 makes this MMD-VAE.
        mmd: weight of the MMD, α + λ - 1 in the paper.
    """
    return autoencoder(
        lambda x, z, **size: [Divergence("z_tilde", MMD("rbf"), mmd), Rate(1.0 - alpha)],
        space(x), latent, name, stochastic=True, **options,
    )  # fmt: skip


@preset("arXiv 1711.01558", "x", "digits", autoencoder, compiled)
def wae(
    x: SpaceLike = None, latent: Count = 8, mmd: Weight = 1000.0, name: Name = "wae", **options: Any
) -> Turbo:
    """Wasserstein auto-encoder: L on x_hat, and the MMD of z_tilde from the prior with weight `mmd`.

    Args:
        x, latent, options: as for `ae`.
        mmd: weight of the MMD.
    """
    return autoencoder(
        lambda x, z, **size: [Divergence("z_tilde", MMD("imq"), mmd)], space(x), latent, name, **options
    )


@preset("arXiv 1804.01947", "x", "digits", autoencoder, compiled)
def swae(
    x: SpaceLike = None, latent: Count = 8, sliced: Weight = 300.0, name: Name = "swae", **options: Any
) -> Turbo:
    """Sliced-Wasserstein auto-encoder: as `wae`, with the sliced Wasserstein distance.

    Args:
        x, latent, options: as for `ae`.
        sliced: weight of the distance.
    """
    return autoencoder(
        lambda x, z, **size: [Divergence("z_tilde", SlicedWasserstein(), sliced)],
        space(x), latent, name, **options,
    )  # fmt: skip


@preset("arXiv 1511.05644", "x", "ttbar", autoencoder, compiled)
def aae(
    process: ProcessLike = None, x: SpaceLike = None, latent: Count = 18, critic: CriticLike = None,
    name: Name = "aae", **options: Any,
) -> Turbo:  # fmt: skip
    """Adversarial auto-encoder: L on x_hat, and a critic that tells z_tilde from the prior.

    The critic has weight 1, or n/64 for images of n pixels, whose L is a sum over these.

    Args:
        process: the process whose detector objects are x; the demonstration's process by default.
        x: a representation, or the shape of one event, instead of a process.
        latent: number of components of z.
        critic: Keras network from z to one number, instead of one with `units`.
        options: see `autoencoder`; `stochastic=True` makes the encoder Gaussian.
    """

    def extras(x, z, **size):
        return [Divergence("z_tilde", adversarial(z, given=critic, **size), likelihood_size(x))]

    return autoencoder(extras, detector(name, process, x), latent, name, **options)
