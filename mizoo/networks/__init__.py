"""Plain Keras blocks, without any loss."""

from mizoo.networks.choice import is_image, network, spectrally_normalised
from mizoo.networks.convolution import image_to_image, to_image, to_vector, upscale
from mizoo.networks.mlp import mlp

__all__ = [
    "image_to_image",
    "is_image",
    "mlp",
    "network",
    "spectrally_normalised",
    "to_image",
    "to_vector",
    "upscale",
]
