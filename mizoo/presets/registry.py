"""The presets by name."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, ParamSpec

from mizoo.datasets import Samples, Split, digits, ttbar, zee, zh
from mizoo.model.turbo import Turbo
from mizoo.presets.arguments import arguments_of, checked

P = ParamSpec("P")

# Demonstration data sets by name; events have the name of their process.
DEMONSTRATIONS = {
    "ttbar": ttbar,
    "zee": zee,
    "zh": zh,
    "digits": digits,
    "small digits": lambda: digits(reduced=2),
}


class Preset(NamedTuple):
    """A preset factory and its entries in the table of models."""

    factory: Callable[..., Turbo]
    paper: str
    data: str
    dataset: str
    shared: tuple[Callable[..., Any], ...] = ()

    @property
    def summary(self) -> str:
        """The preset in one line."""
        return (self.factory.__doc__ or "").partition("\n")[0].rstrip(".:")

    @property
    def arguments(self) -> list[str]:
        """Names of all arguments of the factory."""
        return list(arguments_of(self.factory, *self.shared))

    @property
    def name(self) -> str:
        """Name of the factory."""
        return self.factory.__name__

    @property
    def takes_process(self) -> bool:
        """Whether it takes a process, for models of its events."""
        return "process" in self.arguments

    @property
    def takes_shapes(self) -> bool:
        """Whether it takes shapes of arrays; otherwise the spaces are those of its demonstration."""
        return "x" in self.arguments

    def prepare(self, split: Split) -> Split:
        """Data as the preset takes them: x alone, unpaired, or pairs.

        Raises:
            ValueError: if the data lack a space that the preset needs.
        """
        if self.data == "x" or (self.data == "x or pairs" and split.train.z is None):
            return split.each(lambda samples: samples.only("x"))
        if missing := {"x", "z"} - set(split.train.arrays()):
            raise ValueError(f"{self.factory.__name__} needs {' and '.join(sorted(missing))}, too")
        return split.each(lambda samples: samples.unpaired()) if self.data == "unpaired" else split

    def truth(
        self, split: Literal["train", "validation", "test"] = "test", dataset: str | None = None
    ) -> Samples:
        """Data to compare a trained model with: x alone, or pairs, also for models that train without.

        Args:
            split: `"train"`, `"validation"` or `"test"`.
            dataset: a key of `DEMONSTRATIONS`; by default that of the preset.
        """
        samples: Samples = getattr(DEMONSTRATIONS[dataset or self.dataset](), split)
        return samples.only("x") if self.data == "x" else samples

    def load_dataset(self) -> Split:
        """The demonstration data set, whose shapes are the defaults of the preset."""
        return self.prepare(DEMONSTRATIONS[self.dataset]())


PRESETS: dict[str, Preset] = {}


def preset(
    paper: str, data: str, dataset: str, *shared: Callable[..., Any]
) -> Callable[[Callable[P, Turbo]], Callable[P, Turbo]]:
    """Register a factory under its name, with a check of its arguments, see `checked`.

    Args:
        paper: reference of the model.
        data: `"x"`, `"pairs"`, `"x or pairs"` or `"unpaired"`.
        dataset: a key of `DEMONSTRATIONS`.
        shared: functions that take the factory's further keyword arguments, if it has any.
    """

    def register(factory: Callable[P, Turbo]) -> Callable[P, Turbo]:
        name = factory.__name__
        factory = checked(name, factory, shared)
        PRESETS[name] = Preset(factory, paper, data, dataset, shared)
        return factory

    return register
