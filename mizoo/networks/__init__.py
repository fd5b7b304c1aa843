"""Plain Keras blocks, without any loss."""

from mizoo.networks.attention import attention
from mizoo.networks.choice import is_image, network, spectrally_normalised
from mizoo.networks.convolution import image_to_image, to_image, to_vector, upscale
from mizoo.networks.dropout import Dropout
from mizoo.networks.mlp import linear_and_mlp, mlp
from mizoo.networks.modulated import modulated

__all__ = [
    "Dropout",
    "attention",
    "image_to_image",
    "is_image",
    "linear_and_mlp",
    "mlp",
    "modulated",
    "network",
    "spectrally_normalised",
    "to_image",
    "to_vector",
    "upscale",
]
