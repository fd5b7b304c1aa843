"""Beyond marginal distributions: what generated events have to do with what they were generated from."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from mizoo.evaluation.observables import polar, wrap
from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.matching import JetMatching


def partners(x, z, process=TTBAR) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """pT in GeV, η and φ of detector objects and of their partons, by kind and component.

    Jets are in the order of the partons they are nearest to (`physics.JetMatching`).

    Args:
        x, z: pairs (n, 4 × objects) of detector objects and partons.
    """
    pairs = {space: np.asarray(events, dtype="float32") for space, events in (("x", x), ("z", z))}
    for match in process.matches:
        if len(match.partons) == len(match.objects) > 1:
            pairs = JetMatching(match.objects, match.partons)(pairs)
    x, z = (polar(events) for events in pairs.values())
    places: dict[str, tuple[list[int], list[int]]] = {}
    for match in process.matches:
        if match.kind != "met" and len(match.partons) == len(match.objects):
            of_x, of_z = places.setdefault(match.kind, ([], []))
            of_x += match.objects
            of_z += match.partons
    return {
        kind: {
            name: (after[:, of_x], before[:, of_z])
            for name, after, before in zip(("pt", "eta", "phi"), x, z, strict=True)
        }
        for kind, (of_x, of_z) in places.items()
    }


def responses(x, z, process=TTBAR) -> dict[str, np.ndarray]:
    """How detector objects differ from their partons: (n, objects) by kind and component, as `jet_pt`.

    `pt` is (pT - pT of the parton)/(pT of the parton), `eta` and `phi` are differences.

    Args:
        x, z: pairs (n, 4 × objects) of detector objects and partons.
    """
    found = {}
    for kind, both in partners(x, z, process).items():
        (pt, pt_of_parton), (eta, eta_of_parton), (phi, phi_of_parton) = both.values()
        found[f"{kind}_pt"] = pt / pt_of_parton - 1.0
        found[f"{kind}_eta"] = eta - eta_of_parton
        found[f"{kind}_phi"] = wrap(phi - phi_of_parton)
    return found


class Calibration(NamedTuple):
    """Simulation-based calibration (arXiv 1804.06788).

    Attributes:
        ranks: (n, k), how many draws lie below the truth: uniform on 0 … samples if the draws come from
            the posterior.
        samples: number of draws for each event.
    """

    ranks: np.ndarray
    samples: int

    def coverage(self, level) -> np.ndarray:
        """Share of events whose truth lies in the central interval of probability `level`, (k,)."""
        # A rank is that of the truth among samples + 1 equals: its place is spread evenly over its cell.
        low, high = (1.0 - level) / 2.0, (1.0 + level) / 2.0
        left, right = self.ranks / (self.samples + 1), (self.ranks + 1) / (self.samples + 1)
        inside = np.clip(np.minimum(right, high) - np.maximum(left, low), 0.0, None)
        return (inside * (self.samples + 1)).mean(0)


def simulation_based_calibration(truth, draws) -> Calibration:
    """Ranks of true values (n, k) among draws (n, samples, k) from what should be their posterior."""
    draws = np.asarray(draws)
    return Calibration((draws < np.asarray(truth)[:, None]).sum(1), draws.shape[1])


class Retrieval(NamedTuple):
    """How close the members of pairs are.

    Attributes:
        rank: mean rank of the partner among all by distance, as a share: 0 best, 0.5 chance.
        first: share of events whose partner is the nearest of all.
        correlation: mean correlation of the components of partners.
    """

    rank: float
    first: float
    correlation: float


def retrieve(first, second) -> Retrieval:
    """Look for the partners of vectors (n, d) among as many others; components are standardised first."""
    first, second = (np.asarray(v, dtype="float64") for v in (first, second))
    first, second = ((v - v.mean(0)) / (v.std(0) + 1e-12) for v in (first, second))
    distances = cdist(first, second)
    own = np.diag(distances)
    ranks = (distances < own[:, None]).sum(1)
    return Retrieval(
        rank=float(ranks.mean() / (len(own) - 1)),
        first=float((ranks == 0).mean()),
        correlation=float((first * second).mean()),
    )
