"""The bounded-information-bottleneck family: L and D on x_hat, D on z_tilde, and the rate."""

from typing import Any

import keras

from mizoo.mappers import PostProcessed
from mizoo.model.stages import Stage
from mizoo.model.turbo import Turbo
from mizoo.networks import network
from mizoo.objectives import MMD, Adversarial, Divergence, Likelihood, Rate
from mizoo.presets.arguments import Count, MapperLike, Name, Positive, ProcessLike, SpaceLike, Weights
from mizoo.presets.autoencoders import autoencoder
from mizoo.presets.parts import adversarial, compiled, deterministic, likelihood_size, space
from mizoo.presets.physics import detector
from mizoo.presets.registry import preset
from mizoo.representations import Latent

# Weight of the likelihood of features in `vaegan`. With 1, the rate wins, and the latent is empty.
SIMILARITY = 30.0


@preset("arXiv 1912.00830", "x", "ttbar", autoencoder, compiled)
def bibae(
    process: ProcessLike = None,
    x: SpaceLike = None,
    latent: Count = 18,
    name: Name = "bibae",
    **options: Any,
) -> Turbo:
    """BIB-AE: both terms on x_hat, a critic on z_tilde, and the rate.

    With `weights={"D_z_tilde": 0, "D_x_hat": 0}` it is `vae`, and with `{"R_z_tilde": 0, "D_x_hat": 0}` it
    is the stochastic `aae`. Critics have weight 1, or n/64 for images of n pixels, whose L is a sum over
    these.

    Args:
        process: the process whose detector objects are x; the demonstration's process by default.
        x: a representation, or the shape of one event, instead of a process.
        latent: number of components of z.
        options: see `autoencoder`.
    """

    def extras(x, z, **size):
        critics = {"z_tilde": adversarial(z, **size), "x_hat": adversarial(x, **size)}
        weight = likelihood_size(x)
        return [*(Divergence(stream, critic, weight) for stream, critic in critics.items()), Rate()]

    return autoencoder(extras, detector(name, process, x), latent, name, stochastic=True, **options)


@preset("arXiv 2005.05334", "x", "digits", autoencoder, compiled)
def bibae_desy(
    x: SpaceLike = None, latent: Count = 8, decoder: MapperLike = None, scale: Positive = 0.3,
    units: Count = 128, weights: Weights = None, name: Name = "bibae_desy",
    post_processed: bool = True, depth: Count = 1, **options: Any,
) -> Turbo:  # fmt: skip
    """BIB-AE for calorimeter showers: more critics, an MMD in the latent space, and a post-processor.

    A second critic of x_hat takes the difference of x_hat and x. After 0.8 of the epochs, the critics of
    x_hat train a network that post-processes the decoder's draws, and all else is frozen. L has
    weight 1, or 64/n for images of n pixels.

    With `post_processed=False`, encoder and `decoder.mapper` of a trained model make one that draws as it
    does without its post-processor.

    Args:
        x, latent: as for `ae`.
        decoder: mapper or Keras network to post-process, instead of one chosen from the shapes.
        scale, units, depth: see `autoencoder`.
        weights: weights of terms, instead of the preset's, in both stages.
        post_processed: whether there is a post-processor; if not, there is one stage of training.
        options: see `autoencoder`.
    """
    x, penalty = space(x), {"gan_loss": "wasserstein", "gradient_penalty": 10.0}
    refining = {"D_x_hat": 1.0, "D_x_hat_difference": 1.0}
    training = {
        "L_x_hat": 1.0 / likelihood_size(x),
        "D_z_tilde": 1.0,
        "D_z_tilde_mmd": 100.0,
        "R_z_tilde": 0.05,
    }
    weights = {**training, **refining, **(weights or {})}

    def extras(x, z, **size):
        return [
            Divergence("z_tilde", adversarial(z, **penalty, **size)),
            Divergence("z_tilde", MMD("rbf"), label="mmd"),
            Divergence("x_hat", adversarial(x, **penalty, **size)),
            Divergence(
                "x_hat", adversarial(x, **penalty, **size),
                condition="x", join=keras.layers.Subtract(dtype="float32"), label="difference",
            ),
            Rate(),
        ]  # fmt: skip

    decoder = deterministic(Latent(latent), x, units, decoder, depth, scale=scale)
    stages = []
    if post_processed:
        decoder = PostProcessed(decoder, network(x.shape, x.shape, units, depth=depth))
        stages = [
            Stage(0.0, weights, frozen=["decoder.network"]),
            Stage(0.8, {term: weights[term] for term in refining}, frozen=["encoder", "decoder.mapper"]),
        ]
    return autoencoder(
        extras, x, latent, name, stochastic=True, units=units, depth=depth,
        decoder=decoder, weights=weights, stages=stages, **options,
    )  # fmt: skip


@preset("arXiv 1512.09300", "x", "digits", autoencoder, compiled)
def vaegan(
    x: SpaceLike = None, latent: Count = 8, weights: Weights = None, name: Name = "vaegan", **options: Any
) -> Turbo:
    """VAE/GAN: the likelihood of x_hat is that of a critic's features, and the critic sees x_tilde too.

    Features are outputs of the layer before the critic's last two. Of images, it is the last convolution.
    The adversarial loss of x_hat trains the encoder, too.

    Args:
        x, latent, options: as for `ae`.
        weights: weights of terms, instead of the preset's; L_x_hat, of the pixels, is off.
    """

    def extras(x, z, **size):
        *hidden, joined, last = network(x.shape, (1,), **size).layers
        features = keras.Sequential(hidden, name="features")
        critic = Adversarial(keras.Sequential([features, joined, last]), "non-saturating", r1=0.1)
        return [
            Likelihood("x_hat", SIMILARITY, features, "features"),
            Divergence("x_hat", critic),
            Divergence("x_tilde", critic),
            Rate(),
        ]

    weights = {"L_x_hat": 0.0, **(weights or {})}
    return autoencoder(extras, space(x), latent, name, stochastic=True, weights=weights, **options)
