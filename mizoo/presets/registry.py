"""The presets by name."""

from collections.abc import Callable
from typing import NamedTuple


class Preset(NamedTuple):
    """A preset factory and what the zoo's table says of it."""

    factory: Callable
    paper: str
    data: str


PRESETS: dict[str, Preset] = {}


def preset(paper, data):
    """Register a factory under its name.

    Args:
        paper: where the model comes from.
        data: `"x"`, `"pairs"` or `"unpaired"`.
    """

    def register(factory):
        PRESETS[factory.__name__] = Preset(factory, paper, data)
        return factory

    return register
