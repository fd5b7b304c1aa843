"""Convolutional networks for images H × W × C of any size, channels last."""

import math

import keras
from keras import layers

from mizoo.core.types import Shape, Tensor

_SMALLEST = 4  # side at which halving stops


def _halvings(shape: Shape) -> int:
    """Number of halvings until the larger side of an image is at most `_SMALLEST`."""
    return max(0, math.ceil(math.log2(max(shape[:2]) / _SMALLEST)))


def _sizes(shape: Shape) -> list[tuple[int, int]]:
    """Sizes (h, w) of an image under repeated halving, rounded up, from the largest to the smallest."""
    height, width = shape[:2]
    return [(-(-height // 2**i), -(-width // 2**i)) for i in range(_halvings(shape) + 1)]


def _convolution(filters: int, activation: str | None, stride: int = 1) -> layers.Layer:
    return layers.Conv2D(filters, 3, strides=stride, padding="same", activation=activation)


def _doubled(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Features (n, h, w, c) at twice the size, without a last row or column that `size` does not have.

    XLA cannot compile the gradient of `keras.layers.Resizing` by nearest neighbours.
    """
    doubled = layers.UpSampling2D(2)(features)
    excess = tuple((0, given - wanted) for given, wanted in zip(doubled.shape[1:3], size, strict=True))
    return doubled if excess == ((0, 0), (0, 0)) else layers.Cropping2D(excess)(doubled)


def to_vector(
    shape: Shape, outputs: int, filters: int = 32, activation: str = "leaky_relu", name: str = "to_vector"
) -> keras.Sequential:
    """From images to vectors (n, outputs): strided convolutions, with filters doubled at every halving."""
    body = [_convolution(filters, activation)]
    body += [_convolution(filters * 2 ** (i + 1), activation, 2) for i in range(_halvings(shape))]
    body += [layers.Flatten(), layers.Dense(4 * filters, activation=activation), layers.Dense(outputs)]
    return keras.Sequential([layers.Input(shape), *body], name=name)


def to_image(
    inputs: int,
    shape: Shape,
    filters: int = 32,
    activation: str = "leaky_relu",
    last: str | None = None,
    name: str = "to_image",
) -> keras.Model:
    """From vectors (n, inputs) to images: dense layers, then convolutions at doubling sizes."""
    *larger, smallest = _sizes(shape)
    widest = filters * 2 ** len(larger)
    vector = layers.Input((inputs,))
    features = layers.Dense(4 * filters, activation=activation)(vector)
    features = layers.Dense(math.prod(smallest) * widest, activation=activation)(features)
    features = layers.Reshape((*smallest, widest))(features)
    for i, size in enumerate(reversed(larger)):
        features = _convolution(widest // 2 ** (i + 1), activation)(_doubled(features, size))
    features = _convolution(filters, activation)(features)
    return keras.Model(vector, _convolution(shape[-1], last)(features), name=name)


def image_to_image(
    shape: Shape,
    channels: int,
    filters: int = 32,
    activation: str = "leaky_relu",
    last: str | None = None,
    name: str = "image_to_image",
) -> keras.Model:
    """A U-Net (arXiv 1505.04597) from images to images of the same size with `channels` channels."""
    larger = _sizes(shape)[:-1]
    image = layers.Input(shape)
    features = _convolution(filters, activation)(image)
    skipped = []
    for i in range(len(larger)):
        skipped.append(features)
        features = _convolution(filters * 2 ** (i + 1), activation, 2)(features)
    features = _convolution(filters * 2 ** len(larger), activation)(features)
    for i, (size, skip) in reversed(list(enumerate(zip(larger, skipped, strict=True)))):
        features = layers.Concatenate()([_doubled(features, size), skip])
        features = _convolution(filters * 2**i, activation)(features)
    return keras.Model(image, _convolution(channels, last)(features), name=name)


def upscale(
    shape: Shape,
    target: Shape,
    filters: int = 32,
    blocks: int = 2,
    activation: str = "leaky_relu",
    last: str | None = None,
    name: str = "upscale",
) -> keras.Model:
    """From images to larger ones: residual blocks (arXiv 1609.04802, fig. 4), then resizing."""
    image = layers.Input(shape)
    features = first = _convolution(filters, activation)(image)
    for _ in range(blocks):
        inner = _convolution(filters, None)(_convolution(filters, activation)(features))
        features = layers.Add()([features, inner])
    features = _convolution(filters, activation)(layers.Add()([features, first]))
    features = layers.Resizing(target[0], target[1], interpolation="bilinear")(features)
    features = _convolution(filters, activation)(features)
    return keras.Model(image, _convolution(target[-1], last)(features), name=name)
