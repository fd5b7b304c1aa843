"""Types of the arguments of presets, whose values are checked before a network is built."""

import inspect
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Annotated, Any, ParamSpec, TypeAlias, get_type_hints

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from mizoo.core.types import Network
from mizoo.mappers.base import Mapper
from mizoo.model.turbo import Turbo
from mizoo.objectives.estimators import Estimator
from mizoo.physics.process import Process
from mizoo.representations import Representation

P = ParamSpec("P")


def _described(what: str) -> WrapValidator:
    """A validator whose error describes a union of types in one phrase."""

    def validate(value: Any, validator: Callable[[Any], Any]) -> Any:
        try:
            return validator(value)
        except ValidationError:
            raise PydanticCustomError("value", f"Input should be {what}") from None

    return WrapValidator(validate)


Count: TypeAlias = Annotated[int, Field(ge=1)]
CountOrZero: TypeAlias = Annotated[int, Field(ge=0)]
Positive: TypeAlias = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Weight: TypeAlias = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Fraction: TypeAlias = Annotated[float, Field(ge=0.0, lt=1.0)]
Name: TypeAlias = Annotated[str, Field(min_length=1)]
Weights: TypeAlias = Annotated[
    dict[str, Weight] | None, _described('weights of 0 or more by term, such as {"L_x_hat": 1.0}')
]
SpaceLike: TypeAlias = Annotated[
    Representation | Annotated[Sequence[Count], Field(min_length=1)] | None,
    _described("a shape such as [8] or [28, 28, 1], or a representation"),
]
ConditionLike: TypeAlias = Annotated[
    Representation
    | Process
    | Annotated[int, Field(ge=2)]
    | Annotated[Sequence[Count], Field(min_length=1)]
    | None,
    _described("a number of classes, a shape such as [1], a process, or a representation"),
]
MapperLike: TypeAlias = Annotated[Network | None, _described("a mapper, or a Keras network to wrap in one")]
MapperOnly: TypeAlias = Annotated[
    Mapper | None, _described("a mapper, such as mizoo.mappers.Deterministic(network, shape)")
]
CriticLike: TypeAlias = Annotated[Network | None, _described("a Keras network with one output")]
ProcessLike: TypeAlias = Annotated[
    Process | str | dict[str, Any] | None, _described("a Process, the name of one, or its description")
]
EstimatorOf: TypeAlias = Callable[[str], Estimator] | None  # the estimator of a stream, by its name


def checked(
    name: str, factory: Callable[P, Turbo], shared: tuple[Callable[..., Any], ...]
) -> Callable[P, Turbo]:
    """The factory, with its arguments checked against their annotations before it is called.

    Args:
        name: name of the preset, for messages.
        factory: factory of the model.
        shared: functions that take the factory's further keyword arguments.

    Raises:
        ValueError: from the returned factory, for an unknown argument, or a value of another type or out of
            range; the message names the preset and the argument.
    """
    signature, functions = inspect.signature(factory), (factory, *shared)

    @wraps(factory)
    def build(*args: P.args, **kwargs: P.kwargs) -> Turbo:
        try:
            given = {**signature.bind_partial(*args).arguments, **kwargs}
            _check(name, given, _validators(functions))
            return factory(*args, **kwargs)
        except TypeError as error:
            # Python's own complaint about an argument, such as one that the preset sets itself.
            if "argument" not in str(error):
                raise
            raise ValueError(f"{name}: {str(error).partition('() ')[2] or error}") from error

    return build


def arguments_of(*functions: Callable[..., Any]) -> dict[str, Any]:
    """Annotations of all arguments with a default, by name; of several, that of the first function."""
    found: dict[str, Any] = {}
    for function in functions:
        hints = get_type_hints(function, include_extras=True)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.default is not parameter.empty:
                found.setdefault(parameter.name, hints.get(parameter.name, Any))
    return found


@cache
def _validators(functions: tuple[Callable[..., Any], ...]) -> dict[str, TypeAdapter[Any]]:
    config = ConfigDict(arbitrary_types_allowed=True, strict=True)
    return {name: TypeAdapter(hint, config=config) for name, hint in arguments_of(*functions).items()}


def _check(name: str, given: dict[str, Any], validators: dict[str, TypeAdapter[Any]]) -> None:
    if unknown := sorted(given.keys() - validators.keys()):
        raise ValueError(f"{name} has no argument {unknown[0]!r}; it has {', '.join(validators)}")
    for key, value in given.items():
        try:
            validators[key].validate_python(value.item() if isinstance(value, np.generic) else value)
        except ValidationError as error:
            should = error.errors()[0]["msg"].removeprefix("Input ")
            raise ValueError(f"{name}: {key} {should}, not {value!r}") from error
