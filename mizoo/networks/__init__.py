"""Plain Keras blocks, without any loss."""

from mizoo.networks.activations import leaky_tanh
from mizoo.networks.attention import attention
from mizoo.networks.choice import is_grid, is_image, network, spectrally_normalised
from mizoo.networks.conditioning import joined, joined_shape
from mizoo.networks.convolution import UNet, Upscale, to_image, to_vector
from mizoo.networks.dropout import Dropout
from mizoo.networks.mlp import linear_and_mlp, mlp
from mizoo.networks.modulated import modulated

__all__ = [
    "Dropout",
    "UNet",
    "Upscale",
    "attention",
    "is_grid",
    "is_image",
    "joined",
    "joined_shape",
    "leaky_tanh",
    "linear_and_mlp",
    "mlp",
    "modulated",
    "network",
    "spectrally_normalised",
    "to_image",
    "to_vector",
]
