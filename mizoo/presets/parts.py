"""Building blocks of presets."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from mizoo.core.types import Network, Shape
from mizoo.mappers import Deterministic, Gaussian, Mapper
from mizoo.model.turbo import Turbo
from mizoo.networks import is_grid, is_image, leaky_tanh, network, spectrally_normalised
from mizoo.objectives import Adversarial, Objective
from mizoo.physics.process import Process
from mizoo.presets.arguments import ConditionLike, Count, Fraction, Name, Positive, SpaceLike, Weights
from mizoo.representations import CellEnergies, Classes, Momenta, Pixels, Representation, Standardise

DIGITS, SMALL_DIGITS = (8, 8, 1), (4, 4, 1)


def space(given: SpaceLike, default: Shape = DIGITS) -> Representation:
    """The representation of a space: the given one, or one for arrays of a shape.

    Args:
        given: a `Representation`; a shape, for which images are mapped to [-1, 1], volumes are energies of
            cells and other arrays are standardised; or None.
        default: shape in place of None.
    """
    if isinstance(given, Representation):
        return given
    shape = tuple(default if given is None else given)
    if is_grid(shape):
        return Pixels(shape) if is_image(shape) else CellEnergies(shape)
    return Standardise(shape)


def condition_of(given: ConditionLike) -> Representation | None:
    """The representation of a condition, see `compiled`; None without."""
    if given is None:
        return None
    if isinstance(given, Process):
        return Momenta(given.masses("z"))
    return Classes(given) if isinstance(given, int) else space(given)


def deterministic(
    source: Representation, target: Representation, units: int = 128, given: Network | None = None,
    depth: int = 1, **likelihood: Any,
) -> Mapper:  # fmt: skip
    """A network between two representations.

    Its output is nearly bounded where the target is, see `leaky_tanh`; `Pixels` clips the rest.

    Args:
        source, target: the representations.
        units, depth: as in `network`.
        given: a mapper instead, or a network to wrap in one, whose output has the shape of the target.
        likelihood: options of `Deterministic`.
    """
    if isinstance(given, Mapper):
        return given
    last = leaky_tanh if target.bounded else None
    chosen = given or network(source.shape, target.shape, units, last=last, depth=depth)
    return Deterministic(chosen, target.shape, **likelihood)


def gaussian(
    source: Representation,
    target: Representation,
    units: int = 128,
    given: Network | None = None,
    depth: int = 1,
) -> Mapper:
    """A network that predicts a normal distribution on the target representation.

    Args:
        source, target, units, depth: as for `deterministic`.
        given: a mapper instead, or a network to wrap in one, whose output is twice as large as the target
            along the last axis: means, then logarithms of standard deviations.
    """
    if isinstance(given, Mapper):
        return given
    *rest, components = target.shape
    return Gaussian(
        given or network(source.shape, (*rest, 2 * components), units, depth=depth), target.shape
    )


def adversarial(
    *spaces: Representation,
    gan_loss: str = "non-saturating",
    spectral: bool = False,
    units: int = 128,
    given: Network | None = None,
    depth: int = 1,
    **penalties: float,
) -> Adversarial:
    """A critic of one representation, or of several joined along their last axes.

    Args:
        spaces: the representations.
        gan_loss: see `Adversarial`, also for the `penalties`.
        spectral: whether its layers are spectrally normalised.
        units, depth: as in `network`.
        given: network of the critic instead, with one output.

    Raises:
        ValueError: for a network to normalise that is no `keras.Sequential` without input shape.
    """
    *rest, _ = spaces[0].shape
    joined = (*rest, sum(space.shape[-1] for space in spaces))
    critic = given or network(joined, (1,), units, depth=depth)
    if spectral and (not isinstance(critic, keras.Sequential) or critic.built):
        raise ValueError("spectral=True needs a critic that is a keras.Sequential without input shape")
    return Adversarial(spectrally_normalised(critic) if spectral else critic, gan_loss, **penalties)


def likelihood_size(x: Representation) -> float:
    """Weight of a critic beside the likelihood of x: 1, or n/64 for images and volumes of n pixels.

    Their likelihoods are sums over pixels, and presets' weights are those of 64.
    """
    return math.prod(x.shape) / math.prod(DIGITS) if is_grid(x.shape) else 1.0


def compiled(
    encoder: Mapper | None, decoder: Mapper | None, objectives: Sequence[Objective],
    x: Representation, z: Representation, name: Name,
    weights: Weights = None, learning_rate: Positive = 1e-3, critic_steps: Count = 1,
    ema_momentum: Fraction | None = None, condition: ConditionLike = None, **parts: Any,
) -> Turbo:  # fmt: skip
    """The compiled model: Adam for the mappers and, with less momentum, for the critics.

    Args:
        encoder, decoder, objectives, x, z: see `Turbo`.
        name: name of the model.
        weights: weights of terms, instead of the preset's; 0 switches a term off.
        learning_rate: learning rate of mappers and critics.
        critic_steps: updates of the critics per update of the mappers.
        ema_momentum: momentum of the average of the mappers' weights that samples come from, if any.
        condition: condition of all events, if any: a number of classes, whose labels are 0, 1, …; the shape
            of numbers, such as `(1,)` for an energy; a process, for its partons; or a representation. See
            `Turbo`.
        parts: further arguments of `Turbo`.
    """
    model = Turbo(
        encoder, decoder, objectives, x, z,
        name=name, ema_momentum=ema_momentum, condition=condition_of(condition), **parts,
    )  # fmt: skip
    model.set_loss_weights(weights or {})
    critics = any(objective.critic_variables for objective in model.active)
    model.compile(
        keras.optimizers.Adam(learning_rate, beta_1=0.5 if critics else 0.9),
        keras.optimizers.Adam(learning_rate, beta_1=0.5),
        critic_steps=critic_steps,
    )
    return model
