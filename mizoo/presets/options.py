"""What the arguments of presets may be: mistakes are told before a network is built."""

import inspect
import math
from collections.abc import Callable
from functools import wraps
from numbers import Integral, Real

from mizoo.physics.process import Process
from mizoo.representations import Representation

# Whole numbers that may be 0, as what they count may be left out; all others are 1 or more.
_MAY_BE_ZERO = {"noise", "uniform"}
# Shares in [0, 1) and numbers above 0; other numbers are weights and widths of 0 or more.
_SHARES = {"dropout", "ema_momentum"}
_POSITIVE = {"learning_rate", "scale"}
_SPACES = {"x", "z"}
# These come from Python alone: mappers, layers and functions have no JSON.
_OBJECTS = {"encoder", "decoder", "estimator", "features"}


def checked(name: str, factory: Callable, shared: tuple[Callable, ...]) -> Callable:
    """The factory, with arguments checked before it is called.

    Args:
        name: of the preset, for messages.
        factory: of the model.
        shared: functions that take the factory's further keyword arguments.

    Raises:
        ValueError: from the factory that is returned, for an argument that it does not have, or a value of
            another type or range than the default's; it names preset and argument.
    """
    defaults, signature = defaults_of(factory, *shared), inspect.signature(factory)

    @wraps(factory)
    def build(*values, **options):
        try:
            given = {**signature.bind(*values, **options).arguments, **options}
            for key in defaults.keys() & given:
                if wrong := _fault(key, given[key], defaults[key]):
                    raise ValueError(f"{name}: {key} must be {wrong}, not {given[key]!r}")
            return factory(*values, **options)
        except TypeError as error:
            if "argument" not in str(error):
                raise
            known = f"; it has {', '.join(defaults)}"
            raise ValueError(f"{name}: {str(error).partition('() ')[2] or error}{known}") from error

    return build


def defaults_of(*functions: Callable) -> dict:
    """Arguments with defaults of functions, by name; the first function that has one has the say."""
    defaults: dict = {}
    for function in functions:
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind != parameter.VAR_KEYWORD and parameter.default is not parameter.empty:
                defaults.setdefault(parameter.name, parameter.default)
    return defaults


def _fault(key, value, default):
    """What an argument must be, if it is not."""
    if value is None and default is None:
        return None
    if key in _SPACES:
        fine = isinstance(value, Representation) or _are_sizes(value)
        return None if fine else "a shape such as [8] or [28, 28, 1], or a representation"
    if key == "process":
        fine = isinstance(value, Process | str | dict)
        return None if fine else "a Process, a name of one, or its description"
    if key in _OBJECTS:
        plain = isinstance(value, str | Real | list | dict)
        return "an object made in Python" if plain else None
    if key == "weights":
        fine = isinstance(value, dict) and all(_is_number(v) and v >= 0 for v in value.values())
        return None if fine else 'weights of 0 or more by term, such as {"L_x_hat": 1.0}'
    if key in _SHARES:
        return None if _is_number(value) and 0 <= value < 1 else "a number of 0 or more and below 1"
    if key in _POSITIVE:
        return None if _is_number(value) and value > 0 else "a number above 0"
    if isinstance(default, bool | str):
        kind, what = (bool, "true or false") if isinstance(default, bool) else (str, "a word")
        return None if isinstance(value, kind) and value != "" else what
    if isinstance(default, tuple):
        return None if value == () or value == [] or _are_sizes(value) else "whole numbers of 1 or more"
    if isinstance(default, int):
        least = 0 if key in _MAY_BE_ZERO else 1
        return None if _is_whole(value) and value >= least else f"a whole number of {least} or more"
    return None if _is_number(value) and value >= 0 else "a number of 0 or more"


def _is_whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _are_sizes(value):
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(_is_whole(size) and size >= 1 for size in value)
