"""Normalising flows."""

import math

import keras

from mizoo.mappers import Bijection, Flow, RotationEquivariant
from mizoo.model.turbo import Turbo
from mizoo.objectives import MaximumLikelihood, terms
from mizoo.physics import BeamSymmetry
from mizoo.presets.parts import compiled, space
from mizoo.presets.registry import preset
from mizoo.presets.ttbar import coordinates, views
from mizoo.representations import Latent


def conditional_flows(x, z, weights, estimator=None, units=64, couplings=8, dropout=0.1,
                      encoder=None, decoder=None, learning_rate=2e-3, name="flow"):  # fmt: skip
    """A model of two conditional flows, between the tt̄ spaces or any others.

    Args:
        x, z: representations or shapes; for the tt̄ events, both None.
        weights, estimator: of its terms, see `mizoo.objectives.terms`.
        units, couplings, dropout: of the flows, see `Flow`.
        encoder, decoder: mappers in place of the flows.
        learning_rate: of mappers and critics.
        name: of the model.

    Raises:
        ValueError: if only one of `x` and `z` is given, or for a weight of no term.
    """
    if (x is None) != (z is None):
        raise ValueError(f"{name} needs both spaces, x and z, or none of them")
    physical = x is None
    x, z = coordinates() if physical else (space(x), space(z))
    view = dict(zip("xz", views(x, z) if physical else (None, None), strict=True))

    def flow(target, source, view):
        made = Flow(target.shape, target.angles, couplings, units, dropout=dropout, view=view)
        return RotationEquivariant(made, source, target.angles) if physical else made

    model = Turbo(
        encoder=encoder or flow(z, x, view["x"]),
        decoder=decoder or flow(x, z, view["z"]),
        objectives=terms(weights, estimator, view),
        x_representation=x,
        z_representation=z,
        augmentation=BeamSymmetry() if physical else None,
        ema_momentum=0.998,
        name=name,
    )
    model.compile(
        keras.optimizers.AdamW(learning_rate, weight_decay=1e-4, global_clipnorm=5.0),
        keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.9),
    )
    return model


@preset("arXiv 1906.04032", "x or pairs", "ttbar", conditional_flows)
def flow(x=None, z=None, name="flow", **options):
    """Normalising flows, by exact likelihoods: conditional ones both ways on pairs, or one of x alone.

    Args:
        x, z: representations or shapes of one event; those of the tt̄ events if there are none. With x
            alone, z is normal noise, the decoder a bijection and the encoder its inverse.
        options: see `conditional_flows`; for x alone, `units`, `couplings` and `learning_rate`.
    """
    if x is None or z is not None:
        return conditional_flows(x, z, {"L_z_tilde": 1.0, "L_x_tilde": 1.0}, name=name, **options)
    return _density(space(x), name, **options)


def _density(x, name, units=128, couplings=8, **options):
    bijection = Flow(x.shape, x.angles, couplings, units)
    return compiled(
        Bijection(bijection, inverse=True), Bijection(bijection), [MaximumLikelihood("x_tilde")],
        x, Latent(math.prod(x.shape)), name, **options,
    )  # fmt: skip
