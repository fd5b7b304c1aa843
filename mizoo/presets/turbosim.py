"""Turbo-Sim: all eight terms (Quétant et al., arXiv 2112.10629)."""

import keras

from mizoo.mappers import Flow, Noisy, Turned
from mizoo.networks import mlp
from mizoo.objectives import Adversarial, terms
from mizoo.optimizers import AdamL2
from mizoo.physics import BeamSymmetry
from mizoo.presets.registry import preset
from mizoo.presets.ttbar import coordinates, views
from mizoo.representations import Standardise
from mizoo.turbo import Turbo

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
WEIGHTS = {
    "L_z_tilde": 1.0,
    "D_z_tilde": 2.0,
    "L_x_hat": 0.05,
    "D_x_hat": 0.2,
    "L_x_tilde": 1.0,
    "D_x_tilde": 2.0,
    "L_z_hat": 0.05,
    "D_z_hat": 0.2,
}


@preset(paper="arXiv 2112.10629", data="pairs")
def turbosim(
    original=False, x=None, z=None, encoder=None, decoder=None, estimator=None, weights=None,
    units=128, couplings=8, dropout=0.1, learning_rate=2e-3, name="turbosim",
):  # fmt: skip
    """Turbo-Sim, the eight terms of both paths between partons z and detector objects x.

    By default mappers are conditional flows, so that the L terms are exact likelihoods, in coordinates
    that know thresholds, masses and symmetries; critics see lab momenta and invariant masses.

    Args:
        original: the configuration of the paper's code instead; of the other arguments, only `weights`
            and `name` are heeded. All its terms are trained; in the code as published, the loss returned
            holds the last L term (`L_z_hat`) in place of their sum.
        x, z: representations of the two spaces, for data other than the tt̄ events; both or none.
        encoder, decoder: mappers in place of the flows.
        estimator: function that makes the estimator of a stream's D term, given its name.
        weights: of terms, to add to the defaults; 0 switches a term off.
        units, couplings, dropout: of the flows, see `Flow`.
        learning_rate: of mappers and critics.

    Raises:
        ValueError: if only one of `x` and `z` is given, or for a weight of no term.
    """
    if original:
        return _original({**ORIGINAL_WEIGHTS, **(weights or {})}, name)
    if (x is None) != (z is None):
        raise ValueError("turbosim needs both representations, x and z, or none of them")
    physical = x is None
    x, z = coordinates() if physical else (x, z)
    view = dict(zip("xz", views(x, z) if physical else (None, None), strict=True))

    def flow(target, source, view):
        made = Flow(target.shape, target.angles, couplings, units, dropout=dropout, view=view)
        return Turned(made, source, target.angles) if physical else made

    model = Turbo(
        encoder=encoder or flow(z, x, view["x"]),
        decoder=decoder or flow(x, z, view["z"]),
        objectives=terms({**WEIGHTS, **(weights or {})}, estimator or _critic, view),
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


def _critic(stream):
    return Adversarial(mlp([256, 256, 128], 1, "leaky_relu"), "non-saturating", r1=0.1)


def _original(weights, name):
    shape = (24,)
    # A normal law of variance 12 makes the squared error of 24 components their mean squared error.
    law = {"law": "normal", "scale": 12.0**0.5}

    def critic(stream):
        return Adversarial(mlp([256, 128, 64], 1), gradient_penalty=ORIGINAL_PENALTIES[stream])

    model = Turbo(
        encoder=Noisy(mlp([256, 128, 64], 24), shape, stddev=0.05, **law),
        decoder=Noisy(mlp([64, 128, 256], 24), shape, stddev=0.05, **law),
        objectives=terms(weights, critic),
        x_representation=Standardise(shape, scalar=True),
        z_representation=Standardise(shape, scalar=True),
        name=name,
    )
    model.compile(
        AdamL2(1e-4, l2=1e-3, beta_1=0.9, beta_2=0.7),
        AdamL2(1e-4, l2=1e-4),
        steps_per_execution=20,
    )
    return model
