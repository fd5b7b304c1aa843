"""Turbo-Sim: all eight terms (Quétant et al., arXiv 2112.10629; TURBO, arXiv 2311.06527)."""

import math
from typing import Any

from mizoo.mappers import NoiseInjected
from mizoo.model.optimizers import AdamL2
from mizoo.model.turbo import Turbo
from mizoo.networks import is_grid, mlp, network
from mizoo.objectives import Adversarial, terms
from mizoo.presets.arguments import (
    Count,
    EstimatorOf,
    MapperOnly,
    Name,
    ProcessLike,
    SpaceLike,
    Weights,
)
from mizoo.presets.flows import conditional_flows
from mizoo.presets.parts import adversarial, compiled, space
from mizoo.presets.physics import find, process_of
from mizoo.presets.registry import preset
from mizoo.representations import Representation, Standardise

# Terms of the original, "L z_tilde 10, D z_tilde 1, …", and its gradient penalties.
ORIGINAL_WEIGHTS = {
    "L_z_tilde": 10.0,
    "D_z_tilde": 1.0,
    "L_x_hat": 10.0,
    "D_x_hat": 1.0,
    "D_x_tilde": 10.0,
    "L_z_hat": 100.0,
}
ORIGINAL_PENALTIES = {"z_tilde": 1000.0, "x_hat": 1000.0, "x_tilde": 10.0, "z_hat": 1000.0}
# L of x_hat and z_hat rewards draws that tell more of their origin than events do: masses become narrow.
WEIGHTS = {
    "L_z_tilde": 1.0,
    "D_z_tilde": 2.0,
    "L_x_hat": 0.005,
    "D_x_hat": 0.2,
    "L_x_tilde": 1.0,
    "D_x_tilde": 2.0,
    "L_z_hat": 0.005,
    "D_z_hat": 0.2,
}
# Of images, where L is the mean absolute error.
IMAGE_WEIGHTS = {
    "L_z_tilde": 100.0,
    "D_z_tilde": 1.0,
    "L_x_hat": 10.0,
    "D_x_hat": 0.1,
    "L_x_tilde": 100.0,
    "D_x_tilde": 1.0,
    "L_z_hat": 10.0,
    "D_z_hat": 0.1,
}


@preset("arXiv 2112.10629", "pairs", "ttbar", conditional_flows)
def turbosim(
    process: ProcessLike = None, original: bool = False, x: SpaceLike = None, z: SpaceLike = None,
    estimator: EstimatorOf = None, weights: Weights = None, name: Name = "turbosim", depth: Count = 1,
    **options: Any,
) -> Turbo:  # fmt: skip
    """Turbo-Sim, the eight terms of both paths between partons z and detector objects x.

    By default mappers are conditional flows, so that the L terms are exact likelihoods, in coordinates with
    thresholds, masses and symmetries built in. Critics take lab momenta and invariant masses.

    If x or z are images or volumes, mappers and critics are the convolutional networks of
    `mizoo.networks.network` instead. Mappers have noise in their input, as those of the paper, and L terms
    are absolute errors, summed over pixels. By default a critic counts as much as in pix2pix (arXiv
    1611.07004), 1 for 100 times the mean absolute error, and the streams x_hat and z_hat a tenth of that.

    Args:
        process: the process of the events; the demonstration's process by default.
        original: whether to use the configuration of the paper's code, with `process`, `weights` and `name`
            as the only other arguments. All its terms are trained; in the code as published, the loss
            returned holds the last L term (`L_z_hat`) in place of their sum.
        x, z: representations or shapes of the two spaces, instead of a process.
        estimator: function from the name of a stream to the estimator of its D term.
        weights: weights of terms, in addition to the defaults; 0 switches a term off.
        depth: for images alone, see `mizoo.networks.network`.
        options: see `conditional_flows`: `units`, `couplings`, `dropout`, `encoder`, `decoder`,
            `learning_rate`, `condition`. Images have neither `couplings` nor `dropout`, and their `units`,
            by default 128, are those of every network.

    Raises:
        ValueError: if only one of `x` and `z` is given, or if they are given with a process; for a weight
            of an unknown term, or for an argument that `original`, images or flows do not take.
    """
    if original:
        given = {"x": x, "z": z, "estimator": estimator, "depth": depth if depth != 1 else None, **options}
        if unused := [key for key, value in given.items() if value is not None]:
            raise ValueError(f"turbosim: original=True takes a process, not {unused[0]}")
        known = find(process)
        return _original(known, {**ORIGINAL_WEIGHTS, **(weights or {})}, name)
    if process_of("turbosim", process, x, z) is None:
        x, z = space(x), space(z)
        if is_grid(x.shape) or is_grid(z.shape):
            return _of_images(x, z, weights or {}, estimator, name, depth, **options)
    if depth != 1:
        raise ValueError("turbosim: depth is of convolutional networks, and flows have couplings")
    return conditional_flows(
        process, x, z, {**WEIGHTS, **(weights or {})}, estimator or _critic, name=name, **options
    )


def _critic(stream):
    return Adversarial(mlp([256, 256, 128], 1, "leaky_relu"), "non-saturating", r1=0.1)


def _of_images(
    x: Representation, z: Representation, weights: dict[str, float], estimator: EstimatorOf, name: Name,
    depth: Count, units: Count = 128, encoder: MapperOnly = None, decoder: MapperOnly = None,
    **options: Any,
) -> Turbo:  # fmt: skip
    if unused := options.keys() & {"couplings", "dropout"}:
        raise ValueError(f"turbosim: {min(unused)} is of flows, and the mappers of images are none")
    spaces = {"x": x, "z": z}

    def mapper(source, target):
        return NoiseInjected(
            network(source.shape, target.shape, units, depth=depth), target.shape, likelihood="laplace"
        )

    def critic(stream):
        return adversarial(spaces[stream[0]], units=units, depth=depth)

    per_pixel = {
        term: weight / math.prod(spaces[term[2]].shape) if term[0] == "L" else weight
        for term, weight in IMAGE_WEIGHTS.items()
    }
    objectives = terms({**per_pixel, **weights}, estimator or critic)
    return compiled(
        encoder or mapper(x, z), decoder or mapper(z, x), objectives, x, z, name, **options
    )  # fmt: skip


def _original(process, weights, name):
    x, z = ((len(process.columns(space)),) for space in "xz")

    def mapper(units, shape):
        # A normal distribution of variance d/2 makes the squared error of d components their mean.
        likelihood = {"likelihood": "normal", "scale": (shape[0] / 2.0) ** 0.5}
        return NoiseInjected(mlp(units, shape[0]), shape, stddev=0.05, **likelihood)

    def critic(stream):
        return Adversarial(mlp([256, 128, 64], 1), gradient_penalty=ORIGINAL_PENALTIES[stream])

    model = Turbo(
        encoder=mapper([256, 128, 64], z),
        decoder=mapper([64, 128, 256], x),
        objectives=terms(weights, critic),
        x_representation=Standardise(x, scalar=True),
        z_representation=Standardise(z, scalar=True),
        name=name,
    )
    model.compile(
        AdamL2(1e-4, l2=1e-3, beta_1=0.9, beta_2=0.7),
        AdamL2(1e-4, l2=1e-4),
        steps_per_execution=20,
    )
    return model
