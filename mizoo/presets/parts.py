"""Building blocks of presets."""

from collections.abc import Sequence
from typing import Any

import keras

from mizoo.core.types import Shape
from mizoo.mappers import Deterministic, Gaussian, Mapper
from mizoo.model.turbo import Turbo
from mizoo.networks import is_image, network, spectrally_normalised
from mizoo.objectives import Adversarial, Objective
from mizoo.presets.arguments import Count, Fraction, Name, Positive, SpaceLike, Weights
from mizoo.representations import Pixels, Representation, Standardise

DIGITS, SMALL_DIGITS = (8, 8, 1), (4, 4, 1)


def space(given: SpaceLike, default: Shape = DIGITS) -> Representation:
    """The representation of a space: the given one, or one for arrays of a shape.

    Args:
        given: a `Representation`; a shape, for which images are mapped to [-1, 1] and other arrays are
            standardised; or None.
        default: shape in place of None.
    """
    if isinstance(given, Representation):
        return given
    shape = tuple(default if given is None else given)
    return Pixels(shape) if is_image(shape) else Standardise(shape)


def deterministic(
    source: Representation, target: Representation, units: int = 128, **likelihood: Any
) -> Deterministic:
    """A network between two representations, with `units` as in `network`.

    Its options `likelihood` are those of `Deterministic`.
    """
    last = "tanh" if target.bounded else None
    return Deterministic(network(source.shape, target.shape, units, last=last), target.shape, **likelihood)


def gaussian(source: Representation, target: Representation, units: int = 128) -> Gaussian:
    """A network that predicts a normal distribution on the target representation."""
    *rest, components = target.shape
    return Gaussian(network(source.shape, (*rest, 2 * components), units), target.shape)


def adversarial(
    *spaces: Representation,
    gan_loss: str = "non-saturating",
    spectral: bool = False,
    **penalties: float,
) -> Adversarial:
    """A critic of one representation, or of several joined along their last axes.

    Args:
        spaces: the representations.
        gan_loss: see `Adversarial`, also for the `penalties`.
        spectral: whether its layers are spectrally normalised.
    """
    *rest, _ = spaces[0].shape
    critic = network((*rest, sum(space.shape[-1] for space in spaces)), (1,))
    return Adversarial(spectrally_normalised(critic) if spectral else critic, gan_loss, **penalties)


def compiled(
    encoder: Mapper | None, decoder: Mapper | None, objectives: Sequence[Objective],
    x: Representation, z: Representation, name: Name,
    weights: Weights = None, learning_rate: Positive = 1e-3, critic_steps: Count = 1,
    ema_momentum: Fraction | None = None, **parts: Any,
) -> Turbo:  # fmt: skip
    """The compiled model: Adam for the mappers and, with less momentum, for the critics.

    Args:
        encoder, decoder, objectives, x, z: see `Turbo`.
        name: name of the model.
        weights: weights of terms, instead of the preset's; 0 switches a term off.
        learning_rate: learning rate of mappers and critics.
        critic_steps: updates of the critics per update of the mappers.
        ema_momentum: momentum of the average of the mappers' weights that samples come from, if any.
        parts: further arguments of `Turbo`.
    """
    model = Turbo(encoder, decoder, objectives, x, z, name=name, ema_momentum=ema_momentum, **parts)
    model.set_loss_weights(weights or {})
    critics = any(objective.critic_variables for objective in model.active)
    model.compile(
        keras.optimizers.Adam(learning_rate, beta_1=0.5 if critics else 0.9),
        keras.optimizers.Adam(learning_rate, beta_1=0.5),
        critic_steps=critic_steps,
    )
    return model
