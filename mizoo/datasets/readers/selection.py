"""Selection of events by their detector objects."""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from mizoo.core.optional import extra
from mizoo.datasets.readers.damage import brief
from mizoo.physics.particles import Kind
from mizoo.physics.process import Process
from mizoo.physics.selection import Selection

Select = str | Callable[[Mapping[str, Any], Process], Any]
"""A formula, see `mizoo.physics.selection`; or a function of the objects, awkward arrays by kind with
fields `pt`, `eta`, `phi` and, where there are any, `mass`, `charge` and `btag`, and of the process."""

COUNTED: tuple[Kind, ...] = ("electron", "muon", "photon", "jet")


def as_listed(objects: Mapping[str, Any], process: Process) -> np.ndarray:
    """The selection by default: exactly as many objects of each kind and charge as the process lists.

    Of objects of a variable number it asks for the least one; events with more than the greatest number are
    left out by the reader.

    Args:
        objects: awkward arrays by kind.
        process: process of the events.

    Returns:
        Mask of the events, (n,).
    """
    ak = extra("awkward", "reading whole events")
    masks = []
    for kind in [kind for kind in objects if kind != "met"]:
        of_kind = [one for one in process.objects if one.kind == kind]
        for charge in {one.charge for one in of_kind} or {None}:
            alike = [one for one in of_kind if one.charge == charge]
            found = objects[kind]
            if charge is not None:
                found = found[np.sign(found["charge"]) == charge]
            there, least = ak.to_numpy(ak.num(found)), sum(one.range[0] for one in alike)
            is_variable = any(not isinstance(one.count, int) for one in alike)
            masks.append(there >= least if is_variable else there == least)
    if not masks:
        return np.ones(len(next(iter(objects.values()))), bool)
    listed: np.ndarray = np.all(masks, 0)
    return listed


def passing(select: Select, objects: Mapping[str, Any], process: Process, count: int) -> np.ndarray:
    """Mask (count,) of the events that pass a selection.

    Raises:
        ValueError: if it fails, or does not return one truth value per event; it names the selection.
    """
    name = select.__name__ if isinstance(select, FunctionType) else repr(select)
    try:
        if isinstance(select, str):
            mask = _of_formula(Selection(select), objects, count)
        else:
            mask = np.asarray(select(objects, process))
    except Exception as error:
        if isinstance(select, str):
            raise ValueError(f"the selection {brief(error)}") from error
        raise ValueError(f"the selection {name} fails: {type(error).__name__}: {brief(error)}") from error
    if mask.dtype != bool or mask.shape != (count,):
        raise ValueError(
            f"the selection {name} must give one truth value per event, ({count},), "
            f"got {mask.dtype} {mask.shape}"
        )
    return mask.copy()


def _of_formula(selection: Selection, objects: Mapping[str, Any], count: int) -> np.ndarray:
    ak = extra("awkward", "reading whole events")
    text = selection.expression.text
    values = {name: ak.to_numpy(ak.num(objects[kind])) for name, kind in selection.counts.items()}
    for kind in selection.kinds:
        values[kind] = ak.firsts(objects[kind]) if kind == "met" else objects[kind]
    functions = {
        "count": lambda mask: ak.sum(mask, axis=1),
        "any": lambda mask: ak.any(mask, axis=1),
        "all": lambda mask: ak.all(mask, axis=1),
        "sum": lambda array: ak.sum(array, axis=1),
        # Without objects the largest value is below, and the smallest above, any bound.
        "max": lambda array: ak.fill_none(ak.max(array, axis=1), -np.inf),
        "min": lambda array: ak.fill_none(ak.min(array, axis=1), np.inf),
    }
    found = selection.expression(np, functions, **values)
    if not isinstance(found, ak.Array):  # the formula has only counts or constants
        return np.broadcast_to(np.asarray(found), (count,))
    if found.ndim != 1:
        raise ValueError(f"{text!r} has a value per object: use count(), any() or all()")
    mask: np.ndarray = ak.to_numpy(ak.fill_none(found, False))
    return mask
