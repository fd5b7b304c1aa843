"""Partons of the hard process, out of the particle record of a whole event.

Generators let resonances decay before the shower, and move the products along when the resonance recoils
against radiation. What the Les Houches file of the same event has are the momenta before. In Pythia's
record (status codes 21 to 23 are the hard process) a resonance is followed from copy to copy; its products
are boosted back by the boost that took its first copy to its last one (arXiv 2203.11601, section 2.3).
"""

import numpy as np

_HARD = (22, 23)  # status of resonances, and of outgoing particles of the hard process
_RESONANCES = (6, 23, 24, 25)  # top, Z, W, Higgs


def partons(record, process):
    """The partons of a process before any shower, (4 × objects,) in GeV; None if one is not there.

    Args:
        record: columns `PID`, `Status`, `M1`, `Px`, `Py`, `Pz`, `E` of one event; M1 is a mother's row.
        process: whose partons are looked for by their PDG codes.
    """
    momenta = np.stack([record[name] for name in ("Px", "Py", "Pz", "E")], -1).astype("float64")
    codes, mothers = record["PID"], record["M1"]
    of_resonance = (mothers >= 0) & np.isin(np.abs(codes[mothers]), _RESONANCES)
    # What leaves the event at once, as a lepton that does not radiate, has status 1.
    is_hard = np.isin(record["Status"], _HARD) | (record["Status"] == 1) & of_resonance
    hard = np.flatnonzero(is_hard)
    found, taken = [], set()
    for particle in process.z:
        row = next((i for i in hard if codes[i] == particle.pdg and i not in taken), None)
        if row is None:
            return None
        taken.add(row)
        found.append(_before(row, momenta, codes, mothers, set(hard)))
    return np.concatenate(found)


def _before(row, momenta, codes, mothers, hard):
    """Momentum of a particle of the hard process before its ancestors recoiled."""
    last = mothers[row]
    if last < 0 or abs(codes[last]) not in _RESONANCES:
        return momenta[row]
    first = last
    while first not in hard or codes[mothers[first]] == codes[first]:
        first = mothers[first]
    origin = _before(first, momenta, codes, mothers, hard)
    return _boosted(momenta[row], momenta[last], origin)


def _boosted(momentum, start, end):
    """Momentum after the boost, along a single direction, that takes `start` to `end` of the same mass."""
    beta = (end - start)[:3] / (end + start)[3]
    beta = 2.0 * beta / (1.0 + beta @ beta)
    gamma = 1.0 / np.sqrt(1.0 - beta @ beta)
    along = beta @ momentum[:3]
    space = momentum[:3] + gamma * (gamma / (1.0 + gamma) * along + momentum[3]) * beta
    return np.append(space, gamma * (momentum[3] + along))
