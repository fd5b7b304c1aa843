"""Identification of partons by their decays, in the record of one event.

A parton of a process is the outgoing particle whose mother, followed through copies of the same code, is
the declared resonance, regardless of other particles of the same code. Generators leave out resonances that
are far off their mass shell (Les Houches accord, arXiv hep-ph/0109068): their daughters then come directly
from the parent of the resonance.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from mizoo.physics.process import Process

HARD = -1  # the parent of particles from the hard process itself
UNKNOWN = -2  # the parent of particles with several mothers
_ANY = -3
_MOST = 1000  # interpretations of one event

_Kind: TypeAlias = tuple[tuple[int, ...], tuple["_Kind", ...]]  # codes, and kinds of the daughters
_Index = Mapping[tuple[int, int], list[int]]  # rows by parent and code
_Rows = tuple[int, ...]


class Ambiguous(ValueError):
    """Raised if several particles of an event could be one parton."""


@dataclass(frozen=True)
class _Node:
    """A parton (with a column) or a resonance (with daughters) to find; equivalent ones share a `kind`."""

    codes: tuple[int, ...]
    column: int = -1
    daughters: tuple["_Node", ...] = ()
    kind: _Kind = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", (self.codes, tuple(daughter.kind for daughter in self.daughters)))

    def columns(self) -> list[int]:
        return [self.column] if not self.daughters else [c for d in self.daughters for c in d.columns()]


class PartonFinder:
    """Finds the partons of a process in events.

    Args:
        process: process with its decays. Partons that belong to no decay may come from anywhere.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        partons = {particle.name: _Node(particle.pdgid, i) for i, particle in enumerate(process.z)}
        decays = {decay.name: decay for decay in process.decays}

        def node(name: str) -> _Node:
            if name not in decays:
                return partons[name]
            return _Node((decays[name].pdgid,), daughters=tuple(map(node, decays[name].daughters)))

        daughters = {name for decay in process.decays for name in decay.daughters}
        self._tops = [node(name) for name in (*decays, *partons) if name not in daughters]
        self._columns = [column for top in self._tops for column in top.columns()]

    def rows(
        self,
        codes: Sequence[int],
        parents: Sequence[int],
        outgoing: Sequence[int],
        resonances: Sequence[int],
    ) -> list[int] | None:
        """Rows of the partons of one event, in the order of the process; None if some are missing.

        Of several interpretations, the one with the fewest omitted resonances counts. Partons of one code
        and one origin, and equivalent decays, are taken in the order of the record.

        Args:
            codes: PDG codes of all particles.
            parents: row of the resonance that each particle comes from, `HARD` or `UNKNOWN`. Copies are
                skipped: it is the first copy of the mother of the particle's own first copy.
            outgoing: rows of the outgoing particles.
            resonances: rows of the first copies of the intermediate particles.

        Raises:
            Ambiguous: if there are several such interpretations.
        """
        leaving, decaying = _index(codes, parents, outgoing), _index(codes, parents, resonances)
        for left_out in range(len(self.process.decays) + 1):
            ways = set(_together(self._tops, _ANY, left_out, leaving, decaying))
            if len(ways) > 1:
                differing = next(i for i, rows in enumerate(zip(*ways, strict=True)) if len(set(rows)) > 1)
                name = self.process.z[self._columns[differing]].name
                raise Ambiguous(
                    f"several of its particles could be the parton {name} of {self.process.name}"
                )
            if ways:
                found = dict(zip(self._columns, ways.pop(), strict=True))
                return [found[column] for column in range(len(found))]
        return None


def _index(codes: Sequence[int], parents: Sequence[int], rows: Sequence[int]) -> _Index:
    """Rows by parent and code."""
    index = defaultdict[tuple[int, int], list[int]](list)
    for row in rows:
        index[parents[row], codes[row]].append(row)
        index[_ANY, codes[row]].append(row)
    return index


def _ways(node: _Node, parent: int, left_out: int, leaving: _Index, decaying: _Index) -> list[_Rows]:
    """Rows of all ways to find a node among the products of a parent, with some resonances left out."""
    if not node.daughters:
        rows: list[_Rows] = [(row,) for code in node.codes for row in leaving.get((parent, code), ())]
        return rows if not left_out else []
    found = [
        way
        for code in node.codes
        for row in decaying.get((parent, code), ())
        for way in _together(node.daughters, row, left_out, leaving, decaying)
    ]
    if left_out:
        origin = HARD if parent == _ANY else parent
        found += _together(node.daughters, origin, left_out - 1, leaving, decaying)
    return found


def _together(
    nodes: Sequence[_Node], parent: int, left_out: int, leaving: _Index, decaying: _Index
) -> list[_Rows]:
    """Rows of all ways to find nodes that come from the same parent."""
    ways: list[tuple[int, _Rows]] = [(left_out, ())]
    last: dict[_Kind, slice] = {}  # rows of the last node of each kind
    start = 0
    for node in nodes:
        before = last.get(node.kind)
        longer: list[tuple[int, _Rows]] = []
        for left, rows in ways:
            for used in range(left + 1):
                for new in _ways(node, parent, used, leaving, decaying):
                    if set(rows).isdisjoint(new) and (before is None or rows[before] < new):
                        longer.append((left - used, rows + new))
        ways = longer
        if not ways:
            return []
        if len(ways) > _MOST:
            raise Ambiguous("too many of its particles could be the partons")
        stop = start + len(node.columns())
        last[node.kind], start = slice(start, stop), stop
    return [rows for left, rows in ways if left == 0]
