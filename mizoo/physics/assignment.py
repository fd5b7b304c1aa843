"""Assignments of detector objects to partons, as far as peaks of masses distinguish the partons."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product
from typing import NamedTuple

from mizoo.physics.process import Match


def orders(count: int, groups: Sequence[Sequence[int]]) -> list[list[int]]:
    """All orders of the places 0 … count - 1 in which those of each group are interchanged."""
    found = []
    for permuted in product(*(permutations(places) for places in groups)):
        places = list(range(count))
        for group, order in zip(groups, permuted, strict=True):
            for place, one in zip(group, order, strict=True):
                places[place] = one
        found.append(places)
    return found


class PartonClass(NamedTuple):
    """Places of partons of a group that no peak distinguishes."""

    partons: frozenset[int]
    free: bool
    """Whether they are in no peak."""


Assignment = dict[frozenset[int], tuple[int, ...]]
"""Places of objects by the class of partons that they are assigned to."""


def classes(match: Match, peaks: list[frozenset[int]], alone: int | None) -> list[PartonClass]:
    """The classes of the partons of a group, by the peaks that they are in.

    Args:
        match: the group.
        peaks: places of the partons of each peak.
        alone: place of a parton that has a class of its own if it is in a peak.
    """
    found: dict[tuple[bool, ...], set[int]] = {}
    for parton in match.partons:
        within = tuple(parton in peak for peak in peaks)
        found.setdefault((*within, parton == alone and any(within)), set()).add(parton)
    return [PartonClass(frozenset(partons), not any(within)) for within, partons in found.items()]


def number(match: Match, own: list[PartonClass]) -> int:
    """Number of ways to assign objects to the classes that are in peaks."""
    left, number = len(match.objects), 1
    for partons, free in own:
        if not free:
            number *= math.comb(left, len(partons))
            left -= len(partons)
    return number


def distributed(objects: tuple[int, ...], own: list[PartonClass]) -> Iterator[Assignment]:
    """The ways to assign objects to classes of partons.

    Partons in no peak take the remaining objects if the numbers are equal.
    """
    waiting = [partons for partons, free in own if not free]
    if not waiting:
        rest = [partons for partons, _ in own]
        yield {partons: objects for partons in rest if len(partons) == len(objects)}
        return
    for taken in combinations(objects, len(waiting[0])):
        left = tuple(place for place in objects if place not in taken)
        for others in distributed(left, [one for one in own if one.partons != waiting[0]]):
            yield {waiting[0]: taken, **others}


def objects_of(partons: frozenset[int], assigned: Assignment) -> frozenset[int]:
    """Places of the objects that are assigned to partons."""
    return frozenset(place for own, places in assigned.items() if own <= partons for place in places)
