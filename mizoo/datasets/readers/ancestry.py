"""Partons by the decays they come from, in the record of one event.

A parton of a process is the outgoing particle whose mother, followed through copies of the same code, is
the resonance that the process declares, whatever other particles of the same code there are. Generators
leave out resonances that are far off their mass shell (Les Houches accord, arXiv hep-ph/0109068): their
daughters are then those that come directly from what the resonance would have come from.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from mizoo.physics.process import Process

HARD = -1  # the parent of what comes from the hard process itself
UNKNOWN = -2  # the parent of what has several mothers
_ANY = -3
_MOST = 1000  # ways to read one event


class Ambiguous(ValueError):
    """Says that several particles of an event could be one parton."""


@dataclass(frozen=True)
class _Node:
    """A parton (of a column) or a resonance (with daughters) to look for; equal ones share a `kind`."""

    codes: tuple[int, ...]
    column: int = -1
    daughters: tuple["_Node", ...] = ()
    kind: tuple = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "kind", (self.codes, tuple(daughter.kind for daughter in self.daughters)))

    def columns(self):
        return [self.column] if not self.daughters else [c for d in self.daughters for c in d.columns()]


class PartonFinder:
    """Finds the partons of a process in events.

    Args:
        process: with its decays. Partons that belong to none may come from anywhere.
    """

    def __init__(self, process: Process):
        self.process = process
        partons = {particle.name: _Node(particle.pdgid, i) for i, particle in enumerate(process.z)}
        decays = {decay.name: decay for decay in process.decays}

        def node(name):
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
        """Rows of the partons of one event, in the order of the process; None if it has not got them.

        Of the ways to find them, the one counts that takes the fewest resonances as left out. Partons of
        one code and one origin, and decays alike, are taken in the order of the record.

        Args:
            codes: PDG codes of all particles.
            parents: of each, the row of the resonance that it comes from; `HARD` or `UNKNOWN`. Copies are
                passed over: it is the first copy of the mother of the particle's own first copy.
            outgoing: rows of the particles that leave the event.
            resonances: rows of the first copies of those that do not.

        Raises:
            Ambiguous: if there are several such ways.
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


def _index(codes, parents, rows):
    """Rows by parent and code."""
    index = defaultdict(list)
    for row in rows:
        index[parents[row], codes[row]].append(row)
        index[_ANY, codes[row]].append(row)
    return index


def _ways(node, parent, left_out, leaving, decaying):
    """Rows of all ways to find a node among what comes from a parent, with some resonances left out."""
    if not node.daughters:
        found = [(row,) for code in node.codes for row in leaving.get((parent, code), ())]
        return found if not left_out else []
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


def _together(nodes, parent, left_out, leaving, decaying):
    """Rows of all ways to find nodes that come from the same parent."""
    ways = [(left_out, ())]
    last: dict = {}  # where the rows of the last node of each kind begin and end
    start = 0
    for node in nodes:
        before, longer = last.get(node.kind), []
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
