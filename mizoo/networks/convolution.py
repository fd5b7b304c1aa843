"""Convolutional networks for images (H, W, C) and volumes (D1, D2, D3, C) of any size, channels last."""

import math
from abc import ABC, abstractmethod
from typing import Any

import keras
from keras import layers

from mizoo.core.serialisation import serialisable
from mizoo.core.types import Activation, BatchShape, Shape, Tensor

_SMALLEST = 4  # side at which halving stops

# By the number of dimensions in space, 2 for images and 3 for volumes.
_CONVOLUTION = {2: layers.Conv2D, 3: layers.Conv3D}
_TRANSPOSED = {2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}
_UPSAMPLING = {2: layers.UpSampling2D, 3: layers.UpSampling3D}
_CROPPING = {2: layers.Cropping2D, 3: layers.Cropping3D}


def _halvings(shape: Shape) -> int:
    """Number of halvings until the largest side of an image or volume is at most `_SMALLEST`."""
    return max(0, math.ceil(math.log2(max(shape[:-1]) / _SMALLEST)))


def _sizes(shape: Shape) -> list[Shape]:
    """Sizes (h, w) or (d1, d2, d3) under repeated halving, rounded up, from the largest to the smallest."""
    return [tuple(-(-side // 2**i) for side in shape[:-1]) for i in range(_halvings(shape) + 1)]


def _widths(levels: int, filters: int) -> list[int]:
    """Filters of convolutions at each size of an image, from the largest to the smallest.

    They double at every halving, up to four times `filters`, and are at least half of them.
    """
    widest = min(4 * filters, filters * 2 ** (levels - 1))
    return [max(1, filters // 2, widest // 2**i) for i in reversed(range(levels))]


def _convolution(rank: int, filters: int, activation: Activation | None) -> layers.Layer:
    return _CONVOLUTION[rank](filters, 3, padding="same", activation=activation)


def _halving(rank: int, filters: int, activation: str) -> layers.Layer:
    return _CONVOLUTION[rank](filters, 3, strides=2, padding="same", activation=activation)


def _doubling(former: Shape, size: Shape, filters: int, activation: str) -> list[layers.Layer]:
    """A transposed convolution that doubles all sides, cropped to `size`.

    The kernel is a multiple of the stride, against checkerboards (Odena et al., Distill 2016).
    """
    doubled = _TRANSPOSED[len(size)](filters, 4, strides=2, padding="same", activation=activation)
    return [doubled, *_cropping(former, size)]


def _cropping(former: Shape, size: Shape) -> list[layers.Layer]:
    """A layer without the last cells of each side of doubled arrays that `size` does not have, if needed.

    XLA cannot compile the gradient of `keras.layers.Resizing` by nearest neighbours.
    """
    excess = tuple((0, 2 * given - wanted) for given, wanted in zip(former, size, strict=True))
    return [_CROPPING[len(size)](excess)] if any(last for _, last in excess) else []


def _further(rank: int, filters: int, activation: str, depth: int) -> list[layers.Layer]:
    """The convolutions at one size after the first."""
    return [_convolution(rank, filters, activation) for _ in range(depth - 1)]


def to_vector(
    shape: Shape,
    outputs: int,
    filters: int = 32,
    activation: str = "leaky_relu",
    name: str = "to_vector",
    depth: int = 1,
) -> keras.Sequential:
    """From images or volumes to vectors (n, outputs): strided convolutions, then dense layers.

    No convolution has the size of the image, where it would take the most time. There are `depth`
    convolutions at each other size.
    """
    rank = len(shape) - 1
    _, *widths = _widths(_halvings(shape) + 1, filters)
    body = [] if widths else [_convolution(rank, filters, activation) for _ in range(depth)]
    for width in widths:
        body += [_halving(rank, width, activation), *_further(rank, width, activation, depth)]
    body += [layers.Flatten(), layers.Dense(4 * filters, activation=activation), layers.Dense(outputs)]
    return keras.Sequential(body, name=name)


def to_image(
    shape: Shape,
    filters: int = 32,
    activation: str = "leaky_relu",
    last: Activation | None = None,
    name: str = "to_image",
    depth: int = 1,
) -> keras.Sequential:
    """From vectors to images or volumes of a shape: dense layers, then transposed convolutions.

    The sides double at each of these, which depth - 1 further convolutions follow.
    """
    *larger, smallest = _sizes(shape)
    *narrower, widest = _widths(len(larger) + 1, filters)
    body = [
        layers.Dense(4 * filters, activation=activation),
        layers.Dense(math.prod(smallest) * widest, activation=activation),
        layers.Reshape((*smallest, widest)),
    ]
    former = smallest
    for size, width in zip(reversed(larger), reversed(narrower), strict=True):
        body += [
            *_doubling(former, size, width, activation),
            *_further(len(size), width, activation, depth),
        ]
        former = size
    return keras.Sequential([*body, _convolution(len(smallest), shape[-1], last)], name=name)


class _OfImages(layers.Layer, ABC):
    """A network of images or volumes that is made for the shape of its input.

    Args:
        filters: filters of the first convolution.
        activation: activation of the hidden layers.
        last: activation of the last layer.
    """

    def __init__(
        self,
        filters: int = 32,
        activation: str = "leaky_relu",
        last: Activation | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.activation = activation
        self.last = last

    @abstractmethod
    def make(self, image: Tensor) -> Tensor:
        """The output for a symbolic input of Keras."""

    def build(self, input_shape: BatchShape) -> None:
        image = layers.Input(tuple(input_shape[1:]))
        self.network = keras.Model(image, self.make(image), name="network")
        self.built = True

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        return self.network(images, training=training)


@serialisable
class UNet(_OfImages):
    """A U-Net (arXiv 1505.04597) from images to images, or volumes to volumes, of the same size.

    Args:
        channels: number of channels of the output.
        light: whether only the last convolution has the size of the image, and images are doubled by
            transposed convolutions. Those of files that do not say so are not, as in version 0.1.0.
        depth: number of convolutions at each smaller size, on the way down and up.
        filters, activation, last: see `_OfImages`.
    """

    def __init__(self, channels: int, light: bool = False, depth: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.light = light
        self.depth = depth

    def make(self, image: Tensor) -> Tensor:
        sizes = _sizes(image.shape[1:])
        rank = len(sizes[0])
        if self.light:
            widths, features = _widths(len(sizes), self.filters), image
        else:
            widths = [self.filters * 2**i for i in range(len(sizes))]
            features = _convolution(rank, widths[0], self.activation)(image)
        skipped = [features]
        for width in widths[1:]:
            for layer in (
                _halving(rank, width, self.activation), *_further(rank, width, self.activation, self.depth)
            ):  # fmt: skip
                features = layer(features)
            skipped.append(features)
        features = _convolution(rank, widths[-1], self.activation)(skipped.pop())
        for i, skip in reversed(list(enumerate(skipped))):
            further = _further(rank, widths[i], self.activation, self.depth if i else 1)
            for layer in (*self._doubled(sizes[i + 1], sizes[i], widths[i]), *further):
                features = layer(features)
            features = layers.Concatenate()([features, skip])
            if not self.light:
                features = _convolution(rank, widths[i], self.activation)(features)
        return _convolution(rank, self.channels, self.last)(features)

    def _doubled(self, former: Shape, size: Shape, width: int) -> list[layers.Layer]:
        if self.light:
            return _doubling(former, size, width, self.activation)
        return [_UPSAMPLING[len(size)](2), *_cropping(former, size)]


@serialisable
class Upscale(_OfImages):
    """From images to larger ones: residual blocks (arXiv 1609.04802, fig. 4), then resizing.

    Args:
        target: shape of the larger images.
        blocks: number of residual blocks.
        filters, activation, last: see `_OfImages`.
    """

    def __init__(self, target: Shape, blocks: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target = tuple(target)
        self.blocks = blocks

    def make(self, image: Tensor) -> Tensor:
        features = first = _convolution(2, self.filters, self.activation)(image)
        for _ in range(self.blocks):
            inner = _convolution(2, self.filters, self.activation)(features)
            features = layers.Add()([features, _convolution(2, self.filters, None)(inner)])
        features = _convolution(2, self.filters, self.activation)(layers.Add()([features, first]))
        features = layers.Resizing(*self.target[:2], interpolation="bilinear")(features)
        features = _convolution(2, self.filters, self.activation)(features)
        return _convolution(2, self.target[-1], self.last)(features)
