"""The presets by name."""

from collections.abc import Callable
from typing import NamedTuple

from mizoo.datasets import Samples, Split, digits, ttbar
from mizoo.presets.options import checked, defaults_of

# What presets are shown on, by name.
DEMONSTRATIONS = {
    "ttbar": ttbar,
    "digits": digits,
    "small digits": lambda: digits(reduced=2),
}


class Preset(NamedTuple):
    """A preset factory and what the zoo's table says of it."""

    factory: Callable
    paper: str
    data: str
    shown_on: str
    shared: tuple[Callable, ...] = ()

    @property
    def summary(self) -> str:
        """What the preset is, in a line."""
        return (self.factory.__doc__ or "").partition("\n")[0].rstrip(".:")

    @property
    def arguments(self) -> list[str]:
        """Names of all arguments of the factory."""
        return list(defaults_of(self.factory, *self.shared))

    @property
    def takes_shapes(self) -> bool:
        """Whether it makes models of any arrays; else the spaces are those of its demonstration."""
        return "x" in self.arguments

    def arrange(self, split: Split) -> Split:
        """Data as this preset takes them: x alone, unpaired, or pairs.

        Raises:
            ValueError: if they lack z and the preset needs it.
        """
        if self.data == "x" or (self.data == "x or pairs" and split.train.z is None):
            return split.each(lambda samples: samples.only("x"))
        if missing := {"x", "z"} - set(split.train.arrays()):
            raise ValueError(f"{self.factory.__name__} needs {' and '.join(sorted(missing))}, too")
        return split.each(lambda samples: samples.unpaired()) if self.data == "unpaired" else split

    def truth(self, split="test") -> Samples:
        """What a trained model is held against: x alone, or pairs, also for those that train without."""
        samples = getattr(DEMONSTRATIONS[self.shown_on](), split)
        return samples.only("x") if self.data == "x" else samples

    def demonstration(self) -> Split:
        """The data the preset is shown on, and whose shapes are its defaults."""
        return self.arrange(DEMONSTRATIONS[self.shown_on]())


PRESETS: dict[str, Preset] = {}


def preset(paper, data, shown_on, *shared):
    """Register a factory under its name; a call of it checks its arguments first, see `checked`.

    Args:
        paper: where the model comes from.
        data: `"x"`, `"pairs"`, `"x or pairs"` or `"unpaired"`.
        shown_on: a key of `DEMONSTRATIONS`.
        shared: functions that take the factory's further keyword arguments, if it has any.
    """

    def register(factory):
        name = factory.__name__
        factory = checked(name, factory, shared)
        PRESETS[name] = Preset(factory, paper, data, shown_on, shared)
        return factory

    return register
