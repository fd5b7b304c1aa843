"""Normalising flows."""

import math
from typing import Any

import keras

from mizoo.mappers import Bijection, Flow
from mizoo.model.turbo import Turbo
from mizoo.objectives import AssignmentLikelihood, MaximumLikelihood, terms
from mizoo.presets.arguments import (
    ConditionLike,
    Count,
    EstimatorOf,
    Fraction,
    MapperOnly,
    Name,
    Positive,
    ProcessLike,
    SpaceLike,
    Weights,
)
from mizoo.presets.parts import compiled, condition_of, space
from mizoo.presets.physics import process_of, spaces
from mizoo.presets.registry import preset
from mizoo.representations import JetAssignment, Latent, Representation


def conditional_flows(
    process: ProcessLike = None, x: SpaceLike = None, z: SpaceLike = None,
    weights: Weights = None, estimator: EstimatorOf = None,
    units: Count = 64, couplings: Count = 8, dropout: Fraction = 0.1,
    encoder: MapperOnly = None, decoder: MapperOnly = None,
    learning_rate: Positive = 2e-3, name: Name = "flow", condition: ConditionLike = None,
) -> Turbo:  # fmt: skip
    """A model of two conditional flows, between the spaces of a process or any others.

    Args:
        process: the process of the events, see `mizoo.processes`.
        x, z: representations or shapes, both, instead of a process.
        weights, estimator: weights and estimators of its terms, see `mizoo.objectives.terms`.
        units, couplings, dropout: parameters of the flows, see `Flow`.
        encoder, decoder: mappers instead of the flows.
        learning_rate: learning rate of mappers and critics.
        name: name of the model.
        condition: condition of all events, see `mizoo.presets.parts.compiled`; not with a process.

    Raises:
        ValueError: if only one of `x` and `z` is given, or if they are given with a process; for a weight
            of an unknown term.
    """
    parts: dict[str, Any] = {"couplings": couplings, "units": units, "dropout": dropout}
    if (known := process_of(name, process, x, z)) is not None:
        of = spaces(known)
        x, z, views, augmentation = of.x, of.z, {s: of.view(s) for s in "xz"}, of.augmentation
        # Residuals of azimuths are not angles.
        encoder = encoder or of.between(Flow(z.shape, view=views["x"], **parts), "x", "z")
        decoder = decoder or of.between(Flow(x.shape, view=views["z"], **parts), "z", "x")
    else:
        x, z, views, augmentation = space(x), space(z), {}, None
        encoder = encoder or Flow(z.shape, z.angles, **parts)
        decoder = decoder or Flow(x.shape, x.angles, **parts)
    order = [AssignmentLikelihood()] if isinstance(x, JetAssignment) else []
    model = Turbo(
        encoder=encoder,
        decoder=decoder,
        objectives=[*terms(weights or {}, estimator, views), *order],
        x_representation=x,
        z_representation=z,
        augmentation=augmentation,
        ema_momentum=0.998,
        name=name,
        condition=condition_of(condition),
    )
    model.compile(
        keras.optimizers.AdamW(learning_rate, weight_decay=1e-4, global_clipnorm=5.0),
        keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.9),
    )
    return model


@preset("arXiv 1906.04032", "x or pairs", "ttbar", conditional_flows)
def flow(
    process: ProcessLike = None,
    x: SpaceLike = None,
    z: SpaceLike = None,
    name: Name = "flow",
    **options: Any,
) -> Turbo:
    """Normalising flows, by exact likelihoods: conditional ones both ways on pairs, or one of x alone.

    Args:
        process: the process of the events; the demonstration's process by default.
        x, z: representations, or shapes of one event, instead of a process. With x alone, z is normal
            noise, the decoder a bijection and the encoder its inverse.
        options: see `conditional_flows`; for x alone, `units`, `couplings` and `learning_rate`.
    """
    if process is not None or x is None or z is not None:
        weights = {"L_z_tilde": 1.0, "L_x_tilde": 1.0}
        return conditional_flows(process, x, z, weights, name=name, **options)
    return _density(space(x), name, **options)


def _density(
    x: Representation, name: Name, units: Count = 128, couplings: Count = 8, **options: Any
) -> Turbo:
    if options.get("condition") is not None:
        raise ValueError(
            f"{name} of x alone takes no condition: give it as z, for the density of x given z"
        )
    bijection = Flow(x.shape, x.angles, couplings, units)
    return compiled(
        Bijection(bijection, inverse=True), Bijection(bijection), [MaximumLikelihood("x_tilde")],
        x, Latent(math.prod(x.shape)), name, **options,
    )  # fmt: skip
