"""All presets of the package. Importing their modules registers them."""

import mizoo.model.efficiency  # so that Keras can load it
import mizoo.physics.reconstruction  # noqa: F401  shipped files name its classes
from mizoo.presets import (  # noqa: F401
    adversarial,
    autoencoders,
    bottleneck,
    common_latent,
    flows,
    translation,
    turbo_sim,
)
from mizoo.presets.registry import PRESETS

__all__ = ["PRESETS"]
