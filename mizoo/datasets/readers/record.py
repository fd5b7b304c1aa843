"""Partons of the hard process from the particle record of a whole event.

Generators let resonances decay before the shower, and boost the products when the resonance recoils against
radiation. The Les Houches file of the same event has the momenta before. In Pythia's record (status codes
21 to 23 are the hard process) a resonance is followed from copy to copy; its products are boosted back by
the boost that took its first copy to its last one (arXiv 2203.11601, section 2.3).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mizoo.datasets.readers.ancestry import HARD, UNKNOWN, PartonFinder
from mizoo.physics.process import Process

_INCOMING, _RESONANCE, _PRODUCT, _FINAL = 21, 22, 23, 1  # status; 21 to 23 are the hard process


def partons(
    record: Mapping[str, np.ndarray], process: Process, finder: PartonFinder | None = None
) -> np.ndarray | None:
    """The partons of a process before any shower, (4 × objects,) in GeV; None if one is missing.

    Args:
        record: columns `PID`, `Status`, `M1`, `Px`, `Py`, `Pz`, `E` of one event; M1 is a mother's row.
        process: process of the partons, which are sought among the products of its decays.
        finder: finder of the partons of this process, to be used for many events; a new one by default.

    Raises:
        mizoo.datasets.readers.ancestry.Ambiguous: if several particles could be one parton.
        ValueError: if a mother is not in the record.
    """
    momenta = np.stack([record[name] for name in ("Px", "Py", "Pz", "E")], -1).astype("float64")
    codes, status, mothers = (np.asarray(record[name]) for name in ("PID", "Status", "M1"))
    if len(mothers) and mothers.max() >= len(mothers):
        raise ValueError(f"mother {mothers.max()} of a particle is none of its {len(mothers)} particles")
    parents = [HARD] * len(codes)
    resonances = []
    for row in np.flatnonzero(status == _RESONANCE).tolist():
        if _first_copy(row, codes, mothers) == row:
            parents[row] = _parent(row, codes, status, mothers)
            resonances.append(row)
    outgoing = []
    wanted = np.isin(codes, [code for parton in process.z for code in parton.pdgid])
    for row in np.flatnonzero(wanted & np.isin(status, (_PRODUCT, _FINAL))).tolist():
        parents[row] = _parent(row, codes, status, mothers)
        # Products that do not radiate, such as leptons, have status 1 like all final particles.
        if status[row] == _PRODUCT or (parents[row] != UNKNOWN and mothers[row] >= 0):
            outgoing.append(row)
    rows = (finder or PartonFinder(process)).rows(codes.tolist(), parents, outgoing, resonances)
    if rows is None:
        return None
    return np.concatenate([_before(row, momenta, mothers, parents) for row in rows])


def _first_copy(row: int, codes: np.ndarray, mothers: np.ndarray) -> int:
    for _ in codes:
        mother = int(mothers[row])
        if mother < 0 or codes[mother] != codes[row]:
            return row
        row = mother
    raise ValueError("the mothers of a particle form a ring")


def _parent(row: int, codes: np.ndarray, status: np.ndarray, mothers: np.ndarray) -> int:
    """First copy of the resonance that a particle comes from, `HARD`, or `UNKNOWN` if neither."""
    mother = int(mothers[row])
    if mother < 0 or status[mother] == _INCOMING:
        return HARD
    first = _first_copy(mother, codes, mothers)
    return first if status[first] == _RESONANCE else UNKNOWN


def _before(row: int, momenta: np.ndarray, mothers: np.ndarray, parents: Sequence[int]) -> np.ndarray:
    """Momentum of a particle of the hard process before its ancestors recoiled."""
    own: np.ndarray = momenta[row]
    if parents[row] < 0:
        return own
    origin = _before(parents[row], momenta, mothers, parents)
    return _boosted(own, momenta[mothers[row]], origin)


def _boosted(momentum: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Momentum after the boost, along a single direction, that takes `start` to `end` of the same mass."""
    beta = (end - start)[:3] / (end + start)[3]
    beta = 2.0 * beta / (1.0 + beta @ beta)
    gamma = 1.0 / np.sqrt(1.0 - beta @ beta)
    along = beta @ momentum[:3]
    space = momentum[:3] + gamma * (gamma / (1.0 + gamma) * along + momentum[3]) * beta
    return np.append(space, gamma * (momentum[3] + along))
