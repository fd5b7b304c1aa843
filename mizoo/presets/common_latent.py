"""GANDALF: attention encoders, one common latent, diffusion decoders."""

import keras

from mizoo.mappers import AssignedMomenta, Diffusion, FrameEncoder, InFrame, LocationScale, Transcoder
from mizoo.model.turbo import Turbo
from mizoo.networks import attention, linear_and_mlp, modulated
from mizoo.objectives import Alignment, terms
from mizoo.physics import BeamSymmetry
from mizoo.physics.assignment import orders
from mizoo.presets.arguments import Count, Fraction, Name, Positive, ProcessLike, Weight, Weights
from mizoo.presets.physics import alike, find, frames
from mizoo.presets.registry import preset
from mizoo.representations import FallingPt, ObjectCoordinates, PartonCoordinates, Tokens

# Likelihoods are tens of nats, and their gradients would decide alone what the latent is.
WEIGHTS = {"L_z_tilde": 0.1, "L_x_hat": 0.1, "L_x_tilde": 0.1, "L_z_hat": 0.1}


@preset("GANDALF, poster; flow matching: arXiv 2210.02747", "pairs", "ttbar")
def gandalf(
    process: ProcessLike = None, latent: Count = 64, alignment: Weight = 10.0,
    width: Count = 64, dropout: Fraction = 0.0, units: Count = 192, blocks: Count = 4,
    sampler: Name = "adams", evaluations: Count = 8,
    weights: Weights = None, learning_rate: Positive = 3e-3, name: Name = "gandalf",
) -> Turbo:  # fmt: skip
    """GANDALF: two attention encoders into one common latent, two diffusion decoders out of it.

    Transcoding simulates (z → latent → x) and unfolds (x → latent → z). Reconstruction returns to the space
    of its input. Alignment brings the latents of a pair together. A decoder takes the latent and a flag of
    the space that it comes from, and nothing else of the event.

    Args:
        process: the process of the events; the demonstration's process by default.
        latent: components of the common latent; two are the azimuth that all others are relative to.
        alignment: weight of `Alignment`.
        width, dropout: parameters of the encoders, see `attention`.
        units, blocks: parameters of the decoders' networks, see `modulated`.
        sampler, evaluations: see `Diffusion`.
        weights: weights of terms, instead of the preset's.
        learning_rate: learning rate of the mappers.
    """
    known = find(process)
    x, z = FallingPt(ObjectCoordinates(known, ordered=False)), PartonCoordinates(known)

    def transcoder(source, target, place, groups):
        objects = source.physical_shape[0] // 4
        network = attention(objects, 4 + objects, latent - 2, width, dropout=dropout, last="zeros")
        encoder = FrameEncoder(network, Tokens(source, dtype="float32"), place)
        count, momenta = target.shape[0], 3 * target.physical_shape[0] // 4
        seen = latent - 1 + momenta
        denoiser = modulated(count, seen, count, units, blocks)
        shape = Diffusion(denoiser, target.shape, sampler=sampler, evaluations=evaluations)
        location_scale = linear_and_mlp(seen, [units, units], 2 * count)
        standardised = LocationScale(shape, location_scale, target.circles, target)
        reader = linear_and_mlp(latent - 1, [units, units], momenta + len(orders(momenta // 3, groups)))
        assigned = AssignedMomenta(standardised, reader, target, groups)
        return Transcoder(encoder, InFrame(assigned, target.angles))

    (of_x, of_z), (objects, partons) = frames(known), alike(known)
    model = Turbo(
        encoder=transcoder(x, z, of_x, partons),
        decoder=transcoder(z, x, of_z, objects),
        objectives=[*terms(WEIGHTS), Alignment(alignment)],
        x_representation=x,
        z_representation=z,
        augmentation=BeamSymmetry(),
        ema_momentum=0.999,
        name=name,
    )
    model.set_loss_weights(weights or {})
    model.compile(keras.optimizers.AdamW(learning_rate, weight_decay=1e-4, global_clipnorm=5.0))
    return model
