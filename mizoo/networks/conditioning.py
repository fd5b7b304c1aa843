"""Inputs of networks that are joined with a condition."""

import math

from keras import ops

from mizoo.core.types import Shape, Tensor
from mizoo.networks.choice import is_grid


def joined_shape(shape: Shape, condition: Shape | None) -> Shape:
    """Shape of one event joined with a condition, see `joined`.

    Raises:
        ValueError: for images or volumes as the condition of those of another size.
    """
    if condition is None:
        return shape
    if not is_grid(shape):
        return (math.prod(shape) + math.prod(condition),)
    if len(condition) == 1 or condition[:-1] == shape[:-1]:
        return (*shape[:-1], shape[-1] + condition[-1])
    kind = "images" if len(shape) == 3 else "volumes"
    raise ValueError(
        f"a condition {condition} cannot be joined with {kind} {shape}: give {kind} of one size"
    )


def joined(values: Tensor, condition: Tensor | None) -> Tensor:
    """Values (n, …) and their condition (n, …) as one array, the input of a conditional network.

    Vectors are concatenated. Of an image or volume, the condition becomes further channels: it is an image
    or volume of the same size, or a vector, which is the same in each pixel (arXiv 1611.07004, 1411.1784).
    """
    if condition is None:
        return values
    condition = ops.cast(condition, values.dtype)
    shape = tuple(values.shape[1:])
    joined_shape(shape, tuple(condition.shape[1:]))
    if not is_grid(shape):
        flat = [ops.reshape(part, (-1, math.prod(part.shape[1:]))) for part in (values, condition)]
        return ops.concatenate(flat, -1)
    if len(condition.shape) == 2:
        in_pixels = (ops.shape(values)[0], *shape[:-1], condition.shape[-1])
        one_pixel = (-1, *(1 for _ in shape[:-1]), condition.shape[-1])
        condition = ops.broadcast_to(ops.reshape(condition, one_pixel), in_pixels)
    return ops.concatenate([values, condition], -1)
