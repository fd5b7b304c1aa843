"""GANDALF: attention encoders, one common latent, diffusion decoders."""

import keras

from mizoo.mappers import Diffusion, ResidualMapper, RotationEquivariant, Transcoder
from mizoo.model.turbo import Turbo
from mizoo.networks import attention, modulated
from mizoo.objectives import Alignment, AssignmentLikelihood, terms
from mizoo.physics import BeamSymmetry, JetMatching
from mizoo.presets.registry import preset
from mizoo.presets.ttbar import (
    OBJECT_RESIDUALS,
    PARTON_RESIDUALS,
    coordinates,
    scores,
    views_of_draws,
)
from mizoo.representations import JetAssignment, Tokens

WEIGHTS = {"L_z_tilde": 1.0, "L_x_hat": 0.1, "L_x_tilde": 1.0, "L_z_hat": 0.1}


@preset("GANDALF, poster; flow matching: arXiv 2210.02747", "pairs", "ttbar")
def gandalf(
    latent=64, alignment=0.1, width=64, dropout=0.05, units=192, blocks=4,
    sampler="adams", evaluations=8, weights=None, learning_rate=3e-3, name="gandalf",
):  # fmt: skip
    """GANDALF: two attention encoders into one common latent, two diffusion decoders out of it.

    Transcoding simulates and unfolds, z → latent → x and x → latent → z; reconstruction comes back to the
    space it began in. Alignment brings the latents of a pair together. Jets stand in the order of their
    partons, which is drawn where only x is known: see `JetAssignment`.

    The S terms, of draws as they come out of the samplers, are off unless they get a weight: they take
    longer than all else, and are for going on with a model that has been trained without them.

    Args:
        latent: components of the common latent.
        alignment: weight of `Alignment`.
        width, dropout: of the encoders, see `attention`.
        units, blocks: of the decoders' networks.
        sampler, evaluations: see `Diffusion`.
        weights: of terms, in place of the preset's.
        learning_rate: of the mappers.
    """
    x, z = coordinates(fitted=True)
    matched = JetMatching()
    assigned = JetAssignment(x, attention(6, 10, 24, 24, dropout=0.2, name="assignment"), matching=matched)

    def transcoder(source, target, scales, view):
        encoder = keras.Sequential([Tokens(source), attention(6, 10, latent, width, dropout=dropout)])
        count = target.shape[0]
        seen = count + view.compute_output_shape((None, count))[1]
        network = modulated(seen, latent + 1, count, units, blocks)
        decoder = Diffusion(network, target.shape, sampler=sampler, evaluations=evaluations)
        mapper = ResidualMapper(Transcoder(encoder, decoder), source, target, scales, view)
        return RotationEquivariant(mapper, source, target.angles)

    view_of_x, view_of_z = views_of_draws()
    model = Turbo(
        encoder=transcoder(x, z, PARTON_RESIDUALS, view_of_z),
        decoder=transcoder(z, x, OBJECT_RESIDUALS, view_of_x),
        objectives=[*terms(WEIGHTS), Alignment(alignment), AssignmentLikelihood(), *scores(assigned, z)],
        x_representation=assigned,
        z_representation=z,
        augmentation=[BeamSymmetry(), matched],
        ema_momentum=0.999,
        name=name,
    )
    model.set_loss_weights(weights or {})
    model.compile(keras.optimizers.AdamW(learning_rate, weight_decay=1e-4, global_clipnorm=5.0))
    return model
