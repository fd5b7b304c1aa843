"""Selections of detector events: formulas of the properties and numbers of objects of each kind."""

from typing import get_args

from mizoo.physics.expression import Expression
from mizoo.physics.particles import Kind

FUNCTIONS = ("count", "any", "all", "max", "min", "sum")
"""Functions from values per object to one value per event."""

_COUNTS: dict[str, Kind] = {f"n_{kind}s": kind for kind in get_args(Kind) if kind != "met"}


class Selection:
    """A formula such as `n_electrons == 2 and count(jet.pt > 30) >= 2`.

    It may use the numbers of objects `n_electrons`, `n_muons`, `n_taus`, `n_photons` and `n_jets`; the
    properties of the objects of a kind, such as `jet.pt`, `electron.charge` or `jet.btag`, which `count`,
    `any`, `all`, `max`, `min` and `sum` reduce to one value per event; and `met.pt` and `met.phi`.

    Args:
        text: text of the formula.

    Raises:
        ValueError: for text that is not a formula, or has an unknown name.
    """

    def __init__(self, text: str) -> None:
        self.expression = Expression(text, FUNCTIONS)
        known = (*_COUNTS, *get_args(Kind))
        if unknown := sorted(self.expression.names - set(known)):
            raise ValueError(f"{text!r}: no {unknown[0]}; there are {', '.join(known)}")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of objects that the formula uses."""
        found = {_COUNTS.get(name, name) for name in self.expression.names}
        return tuple(kind for kind in get_args(Kind) if kind in found)

    @property
    def counts(self) -> dict[str, Kind]:
        """Kinds of objects whose numbers the formula uses, by the name of the number."""
        return {name: kind for name, kind in _COUNTS.items() if name in self.expression.names}

    def __repr__(self) -> str:
        return f"Selection({self.expression.text!r})"
