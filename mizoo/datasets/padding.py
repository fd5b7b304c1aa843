"""Padded arrays of detector objects: an event may lack some, whose momenta and features are zeros."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from mizoo.physics.particles import FEATURE_VALUES
from mizoo.physics.process import Process

_ROUNDING = 1e-5  # relative


def columns_of(process: Process) -> list[list[int]]:
    """Places of the columns of each object of x, momentum and features, by the place of the object."""
    found = [[*range(4 * place, 4 * place + 4)] for place in range(len(process.x))]
    for column, (place, _) in enumerate(process.features, 4 * len(process.x)):
        found[place].append(column)
    return found


def with_nan(x: np.ndarray, process: Process) -> np.ndarray:
    """Events x (n, columns) with NaN in place of zeros for the objects that they lack."""
    found, there, columns = x.copy(), process.present(x), columns_of(process)
    for place in process.optional:
        found[np.ix_(~there[:, place], np.array(columns[place]))] = np.nan
    return found


def without_nan(x: np.ndarray, process: Process) -> np.ndarray:
    """Events x (n, columns) with zeros for objects that they may lack, and of which all columns are NaN."""
    found, columns = x.copy(), columns_of(process)
    for place in process.optional:
        absent = np.isnan(x[:, columns[place]]).all(1)
        found[np.ix_(absent, np.array(columns[place]))] = 0.0
    return found


def by_falling_pt(x: np.ndarray, process: Process) -> np.ndarray:
    """Events x (n, columns) with the objects of each kind and charge by falling pT, as files have them."""
    found, columns = x.copy(), columns_of(process)
    for group in process.ordered:
        own = np.array([columns[place] for place in group])
        order = np.argsort(-np.hypot(x[:, own[:, 0]], x[:, own[:, 1]]), 1, kind="stable")
        found[:, own.ravel()] = np.take_along_axis(x[:, own], order[..., None], 1).reshape(len(x), -1)
    return found


def padding_faults(x: np.ndarray, process: Process) -> dict[int, str]:
    """Faults of events x (n, columns), by index: numbers and order of objects, and their features.

    Objects of a variable number come by falling pT, those that an event lacks after all others. Features
    have the values of `FEATURE_VALUES`, or 0 if there is no such object.
    """
    there = process.present(x)
    found = disorder(x, process, (g for g in process.ordered if not set(g).isdisjoint(process.optional)))
    columns = process.columns("x")
    for one in process.objects:
        least, most = one.range
        places = process.places[one.name]
        if least == most:
            continue
        for place in places[:least]:
            zero = ~x[:, 4 * place : 4 * place + 4].any(1)
            what = f"{columns[4 * place + 3]} is 0, and {least} to {most} of {one.name} are expected"
            found |= dict.fromkeys(np.flatnonzero(zero).tolist(), what)
        for before, place in pairwise(places):
            for event in np.flatnonzero(there[:, place] & ~there[:, before]).tolist():
                found[event] = (
                    f"{columns[4 * before + 3]} is 0, but {columns[4 * place + 3]} is "
                    f"{x[event, 4 * place + 3]}: objects that an event lacks come last"
                )
    for column, (place, name) in enumerate(process.features, 4 * len(process.x)):
        values = x[:, column]
        for event in np.flatnonzero(~there[:, place] & (values != 0.0)).tolist():
            what = f"{columns[column]} is {values[event]}, and there is no {process.x[place].name}"
            found.setdefault(event, what)
        low, high = FEATURE_VALUES[name]
        for event in np.flatnonzero(there[:, place] & (values != low) & (values != high)).tolist():
            found.setdefault(event, f"{columns[column]} is {values[event]}, {low:g} or {high:g} expected")
    return found


def disorder(x: np.ndarray, process: Process, groups: Iterable[Iterable[int]]) -> dict[int, str]:
    """Events x (n, columns) in which objects are not ordered by falling pT, by index.

    Args:
        x: events, in GeV.
        process: process of the events.
        groups: places of the objects that are ordered, some of `process.ordered`.
    """
    found: dict[int, str] = {}
    columns = process.columns("x")
    with np.errstate(all="ignore"):
        for group in groups:
            pt = {place: np.hypot(x[:, 4 * place], x[:, 4 * place + 1]) for place in group}
            for before, place in pairwise(pt):
                harder = (pt[place] > pt[before] * (1.0 + _ROUNDING)) & np.isfinite(pt[place])
                what = f"{columns[4 * place]} is not ordered by falling pT"
                found = dict.fromkeys(np.flatnonzero(harder).tolist(), what) | found
    return found
