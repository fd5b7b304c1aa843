"""Networks chosen from the shapes of their inputs and outputs."""

import math

import keras

from mizoo.core.types import Activation, Network, Shape
from mizoo.networks.convolution import UNet, Upscale, to_image, to_vector
from mizoo.networks.mlp import mlp

# Layers with a kernel, which spectral normalisation can wrap.
_WITH_KERNEL = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


def network(
    source: Shape,
    target: Shape,
    units: int = 128,
    activation: str = "leaky_relu",
    last: Activation | None = None,
    name: str = "network",
    depth: int = 1,
) -> Network:
    """A network from arrays of shape `source` to arrays of shape `target`, chosen from the shapes.

    Images are arrays (H, W, C) and volumes arrays (D1, D2, D3, C) with sides of 2 or more; all other arrays
    are treated as vectors. Networks between vectors are dense. Those between images or volumes and vectors
    are convolutional. Images or volumes of equal size are mapped by a U-Net, and images to larger ones by a
    residual network. All are built by their first input, which may have more components or channels, such
    as those of a condition, see `joined`.

    Args:
        source, target: shapes of one event.
        units: units of the hidden layers of a dense network; a convolutional one has a quarter as many
            filters in its first layer.
        activation: activation of the hidden layers.
        last: activation of the last layer.
        depth: a dense network has 2 × depth hidden layers, a convolutional one `depth` convolutions at each
            size but that of the images, and the one to larger images 2 × depth residual blocks.

    Raises:
        ValueError: if the target images are smaller than the source images, or one of two spaces that are
            images or volumes is a volume of another size.
    """
    filters = max(1, units // 4)
    if is_grid(source) and is_grid(target):
        if source[:-1] == target[:-1]:
            return UNet(
                target[-1], True, depth, filters=filters, activation=activation, last=last, name=name
            )
        if not (is_image(source) and is_image(target)):
            raise ValueError(f"no network maps {source} to {target}: volumes must be of one size")
        if source[0] > target[0] or source[1] > target[1]:
            raise ValueError(f"no network maps images {source} to smaller images {target}")
        return Upscale(target, 2 * depth, filters=filters, activation=activation, last=last, name=name)
    flatten = [] if is_grid(source) or len(source) == 1 else [keras.layers.Flatten()]
    if is_grid(target):
        inner = to_image(target, filters, last=last, activation=activation, name=name, depth=depth)
        return keras.Sequential([*flatten, *inner.layers], name=name)
    if is_grid(source):
        body = to_vector(source, math.prod(target), filters, activation, name, depth)
    else:
        body = mlp([units, units] * depth, math.prod(target), activation=activation, name=name)
    reshape = [] if len(target) == 1 else [keras.layers.Reshape(target)]
    activate = [] if last is None else [keras.layers.Activation(last)]
    return keras.Sequential([*flatten, *body.layers, *reshape, *activate], name=name)


def is_image(shape: Shape) -> bool:
    """Whether arrays of this shape are images."""
    return len(shape) == 3 and is_grid(shape)


def is_grid(shape: Shape) -> bool:
    """Whether arrays of this shape are images or volumes."""
    return len(shape) in (3, 4) and min(shape[:-1]) > 1


def spectrally_normalised(network: keras.Sequential) -> keras.Sequential:
    """The same layers with spectral normalisation (arXiv 1802.05957), for critics.

    Args:
        network: `keras.Sequential` that has not been built.
    """
    return keras.Sequential(
        [
            keras.layers.SpectralNormalization(layer) if isinstance(layer, _WITH_KERNEL) else layer
            for layer in network.layers
        ],
        name=network.name,
    )
