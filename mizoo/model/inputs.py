"""Inputs of `fit`, `evaluate` and `predict`: data in memory become `Samples`, or raise an error."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import keras
import numpy as np
import tensorflow as tf

from mizoo.core.types import Array, Batch, Shape, Tensor
from mizoo.datasets.samples import Samples
from mizoo.distribute import collectives
from mizoo.mappers.base import Mapper, NetworkMapper
from mizoo.mappers.flow import Flow
from mizoo.mappers.post_processed import PostProcessed
from mizoo.mappers.residual import StochasticResidual
from mizoo.model.parts import Parts
from mizoo.objectives.base import Objective


@runtime_checkable
class SupportsArray(Protocol):
    """Anything that NumPy converts to an array: arrays of NumPy, TensorFlow, pandas and others."""

    def __array__(self) -> np.ndarray:
        """The values."""


TOO_FEW = re.compile(r"too few events: .*")


def read(
    model: Parts, x: Any, y: Array | None = None, sample_weight: Array | None = None
) -> Samples | None:
    """Data in memory as `Samples` with the shapes of a model; None for batches, which Keras reads.

    Args:
        model: a `Turbo`.
        x: `Samples`; an array (n, …) of x, or anything that NumPy converts to one; or a dictionary of
            arrays `"x"` and `"z"`, or one of them. An axis of length 1 at the end may be missing, as in
            Keras.
        y: array (n, …) of z for an array of x.
        sample_weight: weights of the events, (n,).

    Raises:
        ValueError: for anything else, with the name of the argument.
    """
    if isinstance(x, Samples):
        samples = x
        if y is not None:
            raise ValueError("y beside Samples is not used: they have z of their own")
        if sample_weight is not None and samples.weights is not None:
            raise ValueError("sample_weight beside Samples that have weights: give one of the two")
    elif isinstance(x, tuple):
        raise ValueError("x is a tuple: give x and z as two arguments, or as {'x': x, 'z': z}")
    elif isinstance(x, Mapping | list | SupportsArray):
        arrays = {space: v for space, v in by_space(x, y).items() if v is not None}
        _check_target(model, arrays, y)
        samples = Samples(**arrays)
    elif x is None:
        raise ValueError("x is missing: give Samples, an array, a dictionary of x and z, or batches")
    else:
        for name, given in (("y", y), ("sample_weight", sample_weight)):
            if given is not None:
                raise ValueError(f"{name} beside a {type(x).__name__} is not used")
        return None
    check_condition(model, samples.arrays())
    shapes = {space: r.physical_shape for space, r in model.representations.items()}
    fitting: dict[str, Any] = {
        space: _fitting(space, a, shapes[space]) for space, a in samples.arrays().items()
    }
    if any(fitting[space] is not array for space, array in samples.arrays().items()):
        samples = replace(samples, **fitting)
    if samples.c is not None:
        coordinates(model, "c", samples.c)  # names labels that are no classes
    return samples if sample_weight is None else replace(samples, weights=sample_weight)


def by_space(x: Any, z: Array | None = None) -> dict[str, Any]:
    """Data as a dictionary by space: the given one, or one of x and z.

    Raises:
        ValueError: for z in addition to a dictionary, or names other than these two.
    """
    if not isinstance(x, Mapping):
        return {"x": x} if z is None else {"x": x, "z": z}
    if z is not None:
        raise ValueError('y beside a dictionary is not used: name it "z" in there')
    if unknown := set(x) - {"x", "z", "c"}:
        raise ValueError(f"data must be named x and z, got {', '.join(sorted(map(str, unknown)))}")
    return dict(x)


def _check_target(model: Parts, arrays: Mapping[str, Any], y: Array | None) -> None:
    """Check that y is z, and not the target of an autoencoder, as in Keras."""
    if y is None or not model.has_prior:
        return
    x, z = (np.asarray(arrays[space]) for space in ("x", "z"))
    if x.shape == z.shape and np.array_equal(x, z):
        raise _no_target(model, z.shape)
    check_target_shape(model, z.shape)


def check_target_shape(model: Parts, given: tuple[int | None, ...]) -> None:
    """Check that the second part of the data of a model with a prior has the shape of z.

    Raises:
        ValueError: if not, as for a target or labels in Keras.
    """
    shape = model.z_representation.physical_shape
    fitting = {shape, (*shape, 1), *([shape[:-1]] if shape[-1] == 1 else [])}
    if model.has_prior and tuple(given[1:]) not in fitting:
        raise _no_target(model, given)


def _no_target(model: Parts, given: tuple[int | None, ...]) -> ValueError:
    shape = ", ".join(map(str, model.z_representation.physical_shape))
    return ValueError(
        f"y is read as z of shape (n, {shape}), not as a target of shape {tuple(given)}: "
        f"{model.name} draws z from a prior, so give x alone"
    )


def _fitting(space: str, array: Array, shape: Shape, count: int | None = None) -> Array:
    """An array in the shape of its space, up to an axis of length 1 at the end."""
    given = tuple(array.shape[1:])
    fits = count is None or array.shape[0] in (count, None)
    if fits and given != shape and (*given, 1) == shape:
        return array[..., None]
    if fits and given != shape and given == (*shape, 1):
        return array[..., 0]
    if not fits or given != shape:
        expected = ", ".join(map(str, ("n" if count is None else count, *shape)))
        hint = ", channels last" if len(shape) == 3 and given == (shape[2], *shape[:2]) != shape else ""
        raise ValueError(f"{space} must have shape ({expected}){hint}, got {tuple(array.shape)}")
    return array


def of_shape(name: str, values: Array, shape: Shape, count: int | None = None) -> Tensor:
    """Values (n, *shape) as a tensor. An axis of length 1 at the end may be missing or too many.

    Args:
        name: name of the argument, for messages.
        values: array, or anything that TensorFlow converts to one.
        shape: shape per event.
        count: number of events, if it is known.

    Raises:
        ValueError: for another shape, for complex numbers and, where values are known, for one that is not
            finite.
    """
    values = tf.convert_to_tensor(values)
    if values.dtype.is_complex:
        raise ValueError(f"{name} must be real numbers, got complex ones")
    if values.shape.rank is None:  # of a generator, whose shapes are known at run time
        return tf.ensure_shape(values, (count, *shape))
    found: Tensor = _fitting(name, values, tuple(shape), count)
    if found.dtype.is_floating and not tf.is_symbolic_tensor(found):
        finite = np.isfinite(found.numpy().astype("float64")).all(tuple(range(1, len(found.shape))))
        if not finite.all():
            raise ValueError(
                f"{name} has {(~finite).sum()} bad events; the first is event {finite.argmin()}: not finite"
            )
    return found


def coordinates(model: Parts, space: str, data: Array) -> Tensor:
    """Coordinates of external data (n, …), which may lack information that the training data have."""
    representation = model.representations[space]
    return representation(representation.assign(of_shape(space, data, representation.physical_shape)))


def by_shape(model: Parts, data: Any) -> dict[str, Tensor]:
    """A batch as it comes, as a dictionary of arrays of the model's shapes by space.

    Args:
        model: a `Turbo`.
        data: arrays of x, tuples (x, z), or dictionaries of them.

    Raises:
        ValueError: for other data, for weights, and for a batch whose size is known and too small; as
            TensorFlow's own error where it is known at run time only, see `one_line`.
    """
    x, z, weights = keras.utils.unpack_x_y_sample_weight(data)
    if weights is not None:
        raise ValueError("weights within batches are not used: give fit or evaluate arrays or Samples")
    if z is not None and not isinstance(x, Mapping) and z.shape.rank is not None:
        check_target_shape(model, tuple(z.shape))
    batch = {
        space: of_shape(space, values, model.representations[space].physical_shape)
        for space, values in by_space(x, z).items()
    }
    check_condition(model, batch)
    checked: Batch = enough(model, batch)
    return checked


def takes_condition(mapper: Mapper) -> bool:
    """Whether a mapper has a network whose input can be joined with a condition."""
    match mapper:
        case PostProcessed():
            return takes_condition(mapper.mapper)
        case NetworkMapper():
            return not isinstance(mapper, StochasticResidual)  # adds to its input
        case Flow():
            return mapper.view is None
    return False


def check_condition(model: Parts, data: Mapping[str, Any]) -> None:
    """Check that data have a condition c if, and only if, the model takes one.

    Raises:
        ValueError: if not.
    """
    if model.condition is None and "c" in data:
        raise ValueError(f"c is not used: {model.name} has no condition")
    if model.condition is not None and "c" not in data:
        raise ValueError(
            f"{model.name} needs a condition: fit takes {{'x': x, 'c': c}}, and draws condition=c"
        )


def with_condition(model: Parts, data: dict[str, Any], condition: Array | None) -> dict[str, Any]:
    """Data of one space with their condition, of as many events.

    Raises:
        ValueError: if a condition is missing, not used, or of another shape or number of events.
    """
    if condition is not None:
        if model.condition is None:
            raise ValueError(f"condition is not used: {model.name} has none")
        (events,) = data.values()
        count = tf.convert_to_tensor(events).shape[0]
        data = {**data, "c": of_shape("condition", condition, model.condition.physical_shape, count)}
    check_condition(model, data)
    return data


# ------------------------------------------------------------------ enough events


def least_events(model: Parts) -> int:
    """Minimum number of events per batch for all terms that the model may train."""
    return max((objective.least_events for objective in _trained(model)), default=1)


def check_enough(model: Parts, size: int, what: str) -> None:
    """Check that batches of a size are large enough for every term.

    Raises:
        ValueError: if not, with the term and its minimum.
    """
    for objective in _trained(model):
        if size < objective.least_events:
            raise ValueError(_too_few(objective, f"{what} {size}"))


def enough(model: Parts, data: Any) -> Any:
    """Check the size of a batch of a data set or iterator, as it comes.

    Args:
        model: a `Turbo`.
        data: a batch: arrays, or dictionaries and tuples of them.

    Returns:
        The batch.

    Raises:
        ValueError: if the size of the batch is known and too small. If it is known at run time only,
            TensorFlow raises an error, see `one_line`.
    """
    arrays = [values for values in keras.tree.flatten(data) if values is not None]
    if least_events(model) == 1 or collectives.count() > 1 or not arrays:
        return data
    if arrays[0].shape[0] is not None:
        check_enough(model, arrays[0].shape[0], "and it has")
        return data
    needy = max(_trained(model), key=lambda objective: objective.least_events)
    check = tf.debugging.assert_greater_equal(
        tf.shape(arrays[0])[0], needy.least_events, _too_few(needy, "and it has fewer")
    )
    with tf.control_dependencies([check]):
        return keras.tree.map_structure(lambda v: None if v is None else tf.identity(v), data)


@contextmanager
def one_line() -> Iterator[None]:
    """Context that turns TensorFlow's error from `enough` into a `ValueError` of one line."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if found := TOO_FEW.search(error.message):
            raise ValueError(found[0]) from None
        raise


def _trained(model: Parts) -> list[Objective]:
    """The terms that are trained now or in a later stage."""
    later = {term for stage in model.stages for term, weight in stage.weights.items() if weight}
    return [o for o in model.objectives if o.weight or o.term in later]


def _too_few(objective: Objective, found: str) -> str:
    return f"too few events: {objective.term} needs {objective.least_events} or more in a batch, {found}"
