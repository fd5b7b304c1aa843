"""Ways to assign detector objects to partons, as far as peaks of masses tell partons from each other."""

import math
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from mizoo.physics.process import Match


class PartonClass(NamedTuple):
    """Places of partons of a group that no peak tells from each other."""

    partons: frozenset[int]
    free: bool
    """Whether they are in none of the peaks."""


Assignment = dict[frozenset[int], tuple[int, ...]]
"""Places of objects by the classes of partons that they stand for."""


def classes(match: Match, peaks: list[frozenset[int]], alone: int | None) -> list[PartonClass]:
    """The partons of a group by the peaks they are in.

    Args:
        match: the group.
        peaks: places of the partons of each peak.
        alone: place of a parton that is not to share a class, if it is in a peak.
    """
    found: dict[tuple[bool, ...], set[int]] = {}
    for parton in match.partons:
        within = tuple(parton in peak for peak in peaks)
        found.setdefault((*within, parton == alone and any(within)), set()).add(parton)
    return [PartonClass(frozenset(partons), not any(within)) for within, partons in found.items()]


def number(match: Match, own: list[PartonClass]) -> int:
    """Number of ways to give objects to the classes that are in peaks."""
    left, number = len(match.objects), 1
    for partons, free in own:
        if not free:
            number *= math.comb(left, len(partons))
            left -= len(partons)
    return number


def distributed(objects: tuple[int, ...], own: list[PartonClass]) -> Iterator[Assignment]:
    """The ways to give objects to classes of partons; partons in no peaks take the rest if they fill it."""
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
    """Places of the objects that partons are assigned to."""
    return frozenset(place for own, places in assigned.items() if own <= partons for place in places)
