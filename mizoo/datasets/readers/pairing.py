"""Pairing of partons and detector objects from different files."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from mizoo.datasets.readers.chunk import Chunk
from mizoo.physics.momenta import four_momenta
from mizoo.physics.process import Process


class DoubtfulPairs(UserWarning):
    """Warns that paired partons and detector objects do not point in the same direction."""


def rows_by_position(x: Sequence[np.ndarray], counts: Sequence[int], what: str) -> np.ndarray | None:
    """Rows of z for the events of x, whose event numbers are positions in z; None if all are in order.

    Delphes counts events from 0; numbers that do not fit are taken to count from 1. Numbers begin anew with
    each file, if there are as many files of x as of z, or continue.

    Args:
        x: event numbers by file of x.
        counts: numbers of events by file of z.
        what: names of the files, for messages.

    Raises:
        ValueError: if the numbers of events differ, and the event numbers do not determine the pairs.
    """
    total, there = sum(counts), sum(map(len, x))
    if there == total and all((np.diff(numbers) == 1).all() for numbers in x):
        return None
    ways: list[tuple[Sequence[np.ndarray], Sequence[int]]] = [([np.concatenate(x)], [total])]
    if len(x) == len(counts):
        ways.insert(0, (x, counts))
    for files, lengths in ways:
        for start in (0, 1):
            if all(_are_places(n - start, count) for n, count in zip(files, lengths, strict=True)):
                offsets = np.cumsum([0, *lengths[:-1]])
                return np.concatenate([n - start + o for n, o in zip(files, offsets, strict=True)])
    if there == total:
        return None
    raise ValueError(
        f"numbers of events differ: {what} have {there} of x and {total} of z, and Event.Number does not "
        "say which belong together"
    )


def rows_by_number(x: Sequence[np.ndarray], z: Sequence[np.ndarray], what: str) -> np.ndarray | None:
    """Rows of z with the event numbers of x, −1 for missing ones; None if all numbers are the same.

    Args:
        x, z: event numbers by file.
        what: names of the files, for messages.

    Raises:
        ValueError: if a number occurs twice in one space.
    """
    of_x, of_z = np.concatenate(x), np.concatenate(z)
    if np.array_equal(of_x, of_z):
        return None
    if not len(of_z):
        raise ValueError(f"{what}: there are no events of z")
    if any(len(np.unique(numbers)) < len(numbers) for numbers in (of_x, of_z)):
        if len(x) == len(z) > 1:
            offsets = np.cumsum([0, *map(len, z[:-1])])
            found = []
            for a, b, offset in zip(x, z, offsets, strict=True):
                rows = rows_by_number([a], [b], what)
                rows = np.arange(len(a)) if rows is None else rows
                found.append(np.where(rows < 0, -1, rows + offset))
            return np.concatenate(found)
        raise ValueError(f"an event number is there twice in {what}, so that it does not say what to pair")
    order = np.argsort(of_z)
    places = np.minimum(np.searchsorted(of_z, of_x, sorter=order), len(of_z) - 1)
    return np.where(of_z[order[places]] == of_x, order[places], -1)


def in_order(
    one: Iterable[Chunk], other: Iterable[Chunk], what: Sequence[str]
) -> Iterator[tuple[Chunk, Chunk]]:
    """Pairs of chunks with the same events of both spaces, in order.

    Args:
        what: names of the files of each space, for messages.

    Raises:
        ValueError: if one space has more events.
    """
    counts = [0, 0]

    def following(stream: Iterator[Chunk], i: int) -> Chunk | None:
        if (chunk := next(stream, None)) is not None:
            counts[i] += len(chunk)
        return chunk

    one, other = iter(one), iter(other)
    first, second = following(one, 0), following(other, 1)
    while first is not None and second is not None:
        length = min(len(first), len(second))
        pair = first.rows(0, length), second.rows(0, length)
        first = first.rows(length, len(first)) if length < len(first) else following(one, 0)
        second = second.rows(length, len(second)) if length < len(second) else following(other, 1)
        if (first is None) != (second is None):
            break
        yield pair
    if (first is None) != (second is None):
        named = ", ".join(f"{name} {count}" for name, count in zip(what, counts, strict=True))
        raise ValueError(f"numbers of events differ: up to here {named}")


def picked(x: Iterable[Chunk], z: Iterable[Chunk], rows: np.ndarray) -> Iterator[tuple[Chunk, Chunk]]:
    """Pairs of chunks: those of x, and the events of z in the given rows.

    Only chunks of z that are still needed are held in memory: few, if rows increase.
    """
    pool: list[Chunk] = []
    streams, begin, end, done = iter(z), 0, 0, 0
    # The first row that is still needed.
    least = np.minimum.accumulate(np.where(rows < 0, np.iinfo("int64").max, rows)[::-1])[::-1]
    for part in x:
        wanted = rows[done : done + len(part)]
        needed = wanted.max(initial=-1)
        while end <= needed and (more := next(streams, None)) is not None:
            pool.append(more)
            end += len(more)
        while len(pool) > 1 and begin + len(pool[0]) <= least[min(done, len(least) - 1)]:
            begin += len(pool.pop(0))
        if needed >= end or not pool:
            raise ValueError(
                f"{part.source}, event {part.first}: the files of z end before the events it needs"
            )
        yield part, _pick(pool, wanted - begin, wanted < 0, part)
        done += len(part)


def _pick(pool: Sequence[Chunk], places: np.ndarray, missing: np.ndarray, part: Chunk) -> Chunk:
    """Events of several chunks by their positions in the concatenation."""
    places = np.where(missing, 0, places)
    starts = np.cumsum([0, *map(len, pool[:-1])])
    which = np.searchsorted(starts, places, side="right") - 1
    lacking = "its number is in no file of z"
    absent: list[int] = np.flatnonzero(missing).tolist()
    bad = {n: f"{part.source}, event {part.first + n}: {lacking}" for n in absent}
    for n, (chunk, start) in enumerate(zip(which, starts[which], strict=True)):
        if not missing[n] and (what := pool[chunk].bad.get(int(places[n] - start))):
            bad[n] = what
    joined = {s: np.concatenate([c.arrays[s] for c in pool])[places] for s in pool[0].arrays}
    wanted = np.concatenate([c.wanted for c in pool])[places] | missing
    weights = None
    if pool[0].weights is not None:
        weights = np.concatenate([c.weights for c in pool if c.weights is not None])[places]
    return Chunk(pool[0].source, pool[0].first, joined, wanted, weights, bad)


def _are_places(numbers: np.ndarray, count: int) -> bool:
    unique = len(np.unique(numbers)) == len(numbers)
    return unique and (not len(numbers) or bool(numbers.min() >= 0 and numbers.max() < count))


class DirectionCheck:
    """Compares azimuths in paired events with those in pairs shifted by some events.

    In right pairs an object and its parton point in the same direction, up to resolution; of several
    objects that can come from a parton, one does. If groups of consecutive events do not show this, a
    `DoubtfulPairs` warning is issued.

    Args:
        process: process of the events.
        what: names of the files.
    """

    _BLOCK, _FEWEST, _SIGMAS = 40, 12, 3.0

    def __init__(self, process: Process, what: str) -> None:
        self._process, self._what = process, what
        self._waiting: list[np.ndarray] = []
        self._count, self._blocks, self._doubtful, self._where = 0, 0, 0, 0

    def add(self, x: np.ndarray, z: np.ndarray) -> None:
        """Add events, x (n, columns) and z (n, 4 × partons)."""
        azimuths = np.where(self._process.present(x), four_momenta(x, len(self._process.x)).phi, np.nan)
        self._waiting.append(np.concatenate([azimuths, four_momenta(z).phi], 1))
        while sum(map(len, self._waiting)) >= self._BLOCK + self._FEWEST:
            waiting = np.concatenate(self._waiting)
            self._check(waiting[: self._BLOCK])
            self._waiting = [waiting[self._BLOCK :]]

    def finish(self) -> None:
        """Check the remaining events, and warn."""
        left = np.concatenate(self._waiting) if self._waiting else np.zeros((0, 1))
        if len(left) >= self._FEWEST:
            self._check(left)
        if self._doubtful:
            warnings.warn(
                f"{self._what}: in {self._doubtful} of {self._blocks} groups of events, first from the "
                f"selected event {self._where} on, partons and detector objects do not point the same way: "
                "are they the same events in the same order?",
                DoubtfulPairs,
                2,
            )

    def _check(self, block: np.ndarray) -> None:
        if not self._aligned(block):
            self._where = self._where if self._doubtful else self._count
            self._doubtful += 1
        self._blocks += 1
        self._count += len(block)

    def _aligned(self, block: np.ndarray) -> bool:
        count = len(self._process.x)
        x, z = block[:, :count], block[:, count:]
        shifts = range(1, min(len(block), self._FEWEST + 1))
        shifted = [self._closeness(x, np.roll(z, shift, 0)) for shift in shifts]
        spread = np.std(shifted, axis=0) + 1e-12
        return bool(np.any(self._closeness(x, z) > np.mean(shifted, 0) + self._SIGMAS * spread))

    def _closeness(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Mean cosines of each object and its parton, or of partons and the nearest of several objects."""
        cosines = []
        for match in self._process.matches:
            apart = np.cos(x[:, None, list(match.objects)] - z[:, list(match.partons), None])
            # An event may lack all objects of a kind, which then point nowhere.
            cosines.append(np.nan_to_num(apart, nan=-1.0).max(2).mean())
        return np.array(cosines)


def one_after_another(sources: Iterable[Iterable[Chunk]]) -> Iterator[Chunk]:
    """Concatenate the chunks of several sources, of which all or none have weights.

    Raises:
        ValueError: if only some have weights.
    """
    first = None
    for part in chain.from_iterable(sources):
        first = part if first is None else first
        if (first.weights is None) != (part.weights is None):
            having, lacking = (part, first) if first.weights is None else (first, part)
            raise ValueError(
                f"{having.source} has weights and {lacking.source} has none: both or neither must"
            )
        yield part
