"""GANDALF: attention encoders, one common latent, diffusion decoders."""

import keras

from mizoo.mappers import (
    AssignedMomenta,
    Diffusion,
    FrameEncoder,
    InFrame,
    LocationScale,
    Mixed,
    Transcoder,
)
from mizoo.model.turbo import Turbo
from mizoo.networks import attention, linear_and_mlp, modulated
from mizoo.objectives import Alignment, terms
from mizoo.physics import BeamSymmetry, JetMatching, ObjectSlots
from mizoo.physics.assignment import orders
from mizoo.presets.arguments import Count, Fraction, Name, Positive, ProcessLike, Weight, Weights
from mizoo.presets.physics import alike, find, frames, masses, partners
from mizoo.presets.registry import preset
from mizoo.representations import (
    EventView,
    FallingPt,
    ObjectCoordinates,
    ObjectSets,
    PartonView,
    ProjectedMomenta,
    SetTokens,
    Tokens,
)

# Likelihoods are tens of nats, and their gradients would decide alone what the latent is.
WEIGHTS = {"L_z_tilde": 0.1, "L_x_hat": 0.1, "L_x_tilde": 0.1, "L_z_hat": 0.1}


@preset("GANDALF, poster; flow matching: arXiv 2210.02747", "pairs", "ttbar")
def gandalf(
    process: ProcessLike = None, latent: Count = 64, alignment: Weight = 10.0,
    width: Count = 64, dropout: Fraction = 0.0, units: Count = 192, blocks: Count = 4,
    sampler: Name = "adams", evaluations: Count = 4,
    weights: Weights = None, learning_rate: Positive = 3e-3, name: Name = "gandalf",
) -> Turbo:  # fmt: skip
    """GANDALF: two attention encoders into one common latent, two diffusion decoders out of it.

    Transcoding simulates (z → latent → x) and unfolds (x → latent → z). Reconstruction returns to the space
    of its input. Alignment brings the latents of a pair together. A decoder takes the latent and a flag of
    the space that it comes from, and nothing else of the event.

    Where the number of objects varies, the decoder of x first draws which objects there are, and their
    features, and then their momenta. Latents do not depend on the order of the objects of a kind: those of
    z draw x in the order of its partons, those of x reconstruct it in order of falling pT.

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
    z, in_sets = ProjectedMomenta(known), not known.has_fixed_counts or bool(known.features)
    x = ObjectSets(known) if in_sets else FallingPt(ObjectCoordinates(known, ordered=False))

    def encoder(source, place, groups):
        kind = SetTokens if isinstance(source, ObjectSets) else Tokens
        tokens = kind(source, groups, dtype="float32")
        _, *shape = tokens.compute_output_shape((None, *source.shape))
        network = attention(*shape, latent - 2, width, dropout=dropout, last="zeros")
        reader = linear_and_mlp(latent - 2, [2 * units] * 3, 3 * tokens.objects)
        return FrameEncoder(network, tokens, place, reader)

    def features(target):
        if isinstance(target, ProjectedMomenta):
            return PartonView(target, dtype="float32")
        objects = target.representation if isinstance(target, FallingPt) else target
        every = [range(len(objects.process.x))]
        return EventView(objects, masses(objects.process, "x"), sums=every, dtype="float32")

    def continuous(target, given, present, groups, starts):
        count, momenta = target.shape[0], 3 * target.physical_shape[0] // 4
        view = features(target)
        seen = view.compute_output_shape((None, count))[-1]
        denoiser = modulated(2 * count + seen, given + momenta, count, units, blocks)
        shape = Diffusion(denoiser, target.shape, sampler=sampler, evaluations=evaluations, present=present)
        location_scale = linear_and_mlp(given + momenta, [units, units], 2 * count)
        standardised = LocationScale(shape, location_scale, target.circles, target, present, view)
        logits = len(orders(momenta // 3, groups))
        reader = linear_and_mlp(given, [2 * units] * 3, momenta + logits, linear="zeros")
        return AssignedMomenta(standardised, reader, target, groups, starts)

    def decoder(target, source, groups):
        # The latent without the frame, a flag of the space, and the momenta of the source.
        given = latent - 1 + 3 * len(known.particles(source))
        starts = [
            -1 if place < 0 else latent - 1 + 3 * place for place in partners(known, source, surplus=True)
        ]
        if not isinstance(target, ObjectSets):
            return InFrame(continuous(target, given, (), groups, starts), target.angles)
        present = [-1 if i < 0 else given + i for i in target.present]
        inner = continuous(target.objects, given + target.binaries, present, (), starts)
        binary = linear_and_mlp(given, [units, units], target.binaries)
        return InFrame(Mixed(inner, binary, target), target.angles)

    (of_x, of_z), (_, partons) = frames(known), alike(known)
    matching = ObjectSlots(known) if in_sets else JetMatching.of(known)
    model = Turbo(
        encoder=Transcoder(encoder(x, of_x, known.ordered), decoder(z, "x", partons)),
        decoder=Transcoder(encoder(z, of_z, ()), decoder(x, "z", ()), x if known.ordered else None),
        objectives=[*terms(WEIGHTS), Alignment(alignment)],
        x_representation=x,
        z_representation=z,
        augmentation=[BeamSymmetry(len(known.features)), *([matching] if matching else [])],
        ema_momentum=0.999,
        name=name,
    )
    model.set_loss_weights(weights or {})
    model.compile(keras.optimizers.AdamW(learning_rate, weight_decay=1e-4, global_clipnorm=5.0))
    return model
