"""A network for any two shapes."""

import math

import keras

from mizoo.networks.convolution import image_to_image, to_image, to_vector, upscale
from mizoo.networks.mlp import mlp


def network(source, target, units=128, activation="leaky_relu", last=None, name="network"):
    """A network from arrays of shape `source` to arrays of shape `target`, chosen from the shapes.

    Images are arrays (H, W, C) with H and W of 2 or more. Between vectors it is dense; from images to
    anything else and back it is convolutional, between images of one size a U-Net, to larger images a
    residual network. Arrays of any other kind are taken as vectors.

    Args:
        source, target: shapes of one event.
        units: of the two hidden layers of a dense network; a convolutional one has a quarter as many
            filters in its first layer.
        activation: of the hidden layers.
        last: activation of the last layer.

    Raises:
        ValueError: from images to smaller ones.
    """
    options = {"activation": activation, "name": name}
    filters = max(1, units // 4)
    if is_image(source) and is_image(target):
        if source[:2] == target[:2]:
            return image_to_image(source, target[-1], filters, last=last, **options)
        if source[0] > target[0] or source[1] > target[1]:
            raise ValueError(f"no network is known from images {source} to smaller ones, {target}")
        return upscale(source, target, filters, last=last, **options)
    flatten = [] if is_image(source) or len(source) == 1 else [keras.layers.Flatten()]
    if is_image(target):
        inner = to_image(math.prod(source), target, filters, last=last, **options)
        return keras.Sequential([*flatten, inner], name=name) if flatten else inner
    if is_image(source):
        body = to_vector(source, math.prod(target), filters, **options)
    else:
        body = mlp([units, units], math.prod(target), **options)
    reshape = [] if len(target) == 1 else [keras.layers.Reshape(target)]
    activate = [] if last is None else [keras.layers.Activation(last)]
    return keras.Sequential([*flatten, *body.layers, *reshape, *activate], name=name)


def is_image(shape):
    """Whether arrays of this shape are images."""
    return len(shape) == 3 and min(shape[:2]) > 1


def spectrally_normalised(network):
    """The same layers with spectral normalisation (arXiv 1802.05957), for critics.

    Args:
        network: a Keras `Sequential` that has not been built.
    """
    return keras.Sequential(
        [
            keras.layers.SpectralNormalization(layer) if hasattr(layer, "kernel_initializer") else layer
            for layer in network.layers
        ],
        name=network.name,
    )
