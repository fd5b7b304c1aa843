"""Beyond marginal distributions: relations of generated events to the events they were generated from."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from mizoo.evaluation.observables import polar, wrap
from mizoo.physics.process import Match, Process

_COMPONENTS = ("pt", "eta", "phi")


def partners(
    x: ArrayLike, z: ArrayLike, process: Process
) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """pT in GeV, η and φ of detector objects and of their partons, by kind and component.

    Each entry is a pair of arrays (n, objects). If several objects can come from several partons, they are
    matched by the least sum of distances √(Δη² + Δφ² + 0.1 (Δ log pT)²). Surplus objects or partons are
    left out, as are missing momentum and objects without a counterpart in `process.matches`. The values of
    objects that an event lacks are NaN.

    Args:
        x, z: pairs (n, columns) of detector objects and partons, in GeV.
        process: process of the events.
    """
    of_x, of_z = np.stack(polar(x, process)), np.stack(polar(z))
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for match in process.matches:
        if match.kind != "met":
            found.setdefault(match.kind, []).append(_nearest(of_x, of_z, match))
    return {
        kind: {
            name: (after, before)
            for name, after, before in zip(
                _COMPONENTS, *(np.concatenate(side, -1) for side in zip(*pairs, strict=True)), strict=True
            )
        }
        for kind, pairs in found.items()
    }


def _nearest(of_x: np.ndarray, of_z: np.ndarray, match: Match) -> tuple[np.ndarray, np.ndarray]:
    """Objects (3, n, pairs) of a match, and their partons."""
    x, z = of_x[..., list(match.objects)], of_z[..., list(match.partons)]
    if x.shape[-1] == z.shape[-1] == 1:
        return x, z
    with np.errstate(all="ignore"):
        gaps = [
            a[..., :, None] - b[..., None, :]
            for a, b in ((np.log(x[0]), np.log(z[0])), *zip(x[1:], z[1:], strict=True))
        ]
        distances = np.sqrt(0.1 * gaps[0] ** 2 + gaps[1] ** 2 + wrap(gaps[2]) ** 2)
    distances = np.nan_to_num(distances, nan=1e6, posinf=1e6)  # objects along the beam or without pT
    if x.shape[-1] < z.shape[-1]:
        objects, partons = np.transpose([linear_sum_assignment(one) for one in distances], (1, 0, 2))
    else:
        partons, objects = np.transpose([linear_sum_assignment(one.T) for one in distances], (1, 0, 2))
    return np.take_along_axis(x, objects[None], -1), np.take_along_axis(z, partons[None], -1)


def responses(x: ArrayLike, z: ArrayLike, process: Process) -> dict[str, np.ndarray]:
    """Responses (n, objects) of detector objects to their partons, by kind and component, such as `jet_pt`.

    `pt` is (pT - pT of the parton)/(pT of the parton); `eta` and `phi` are differences. See `partners` for
    the matching of objects and partons.

    Args:
        x, z: pairs (n, 4 × objects) of detector objects and partons, in GeV.
        process: process of the events.
    """
    found = {}
    for kind, both in partners(x, z, process).items():
        (pt, pt_of_parton), (eta, eta_of_parton), (phi, phi_of_parton) = both.values()
        with np.errstate(divide="ignore", invalid="ignore"):
            found[f"{kind}_pt"] = pt / pt_of_parton - 1.0
            found[f"{kind}_eta"] = eta - eta_of_parton
        found[f"{kind}_phi"] = wrap(phi - phi_of_parton)
    return found


class Calibration(NamedTuple):
    """Simulation-based calibration (arXiv 1804.06788).

    Attributes:
        ranks: number of draws below the truth, (n, k); uniform on 0 … samples if the draws come from the
            posterior.
        samples: number of draws per event.
    """

    ranks: np.ndarray
    samples: int

    def coverage(self, level: float) -> np.ndarray:
        """Fraction (k,) of events whose truth lies in the central interval of probability `level`."""
        # The truth is one of samples + 1 equivalent values, so its rank is spread evenly over its cell.
        low, high = (1.0 - level) / 2.0, (1.0 + level) / 2.0
        left, right = self.ranks / (self.samples + 1), (self.ranks + 1) / (self.samples + 1)
        inside = np.clip(np.minimum(right, high) - np.maximum(left, low), 0.0, None)
        return (inside * (self.samples + 1)).mean(0)


def simulation_based_calibration(truth: ArrayLike, draws: ArrayLike) -> Calibration:
    """Ranks of true values (n, k) among draws (n, samples, k) from their presumed posterior."""
    draws = np.asarray(draws)
    return Calibration((draws < np.asarray(truth)[:, None]).sum(1), draws.shape[1])


def crps(truth: ArrayLike, draws: ArrayLike) -> np.ndarray:
    """Continuous ranked probability score (CRPS) of each component, (k,), in its unit.

    The mean over events of E|X - y| - E|X - X'|/2 (Gneiting and Raftery, JASA 102, 2007, eq. 21). It is
    least if the draws X come from the distribution of the truth y given the event.

    Args:
        truth: true values (n, k).
        draws: draws (n, samples, k), two or more per event. E|X - X'| is estimated from different draws, so
            that the score does not depend on their number.

    Raises:
        ValueError: for other shapes, or a single draw.
    """
    truth, draws = np.asarray(truth, dtype="float64"), np.asarray(draws, dtype="float64")
    if draws.ndim != 3 or draws.shape[::2] != truth.shape or draws.shape[1] < 2:
        raise ValueError(f"draws must be (n, 2 or more, k) of truth {truth.shape}, not {draws.shape}")
    samples = draws.shape[1]
    far = np.abs(draws - truth[:, None]).mean((0, 1))
    # Σ |X - X'| over ordered pairs of sorted draws.
    ranks = 2.0 * np.arange(samples) - samples + 1.0
    apart = 2.0 * np.einsum("nsk,s->nk", np.sort(draws, 1), ranks).mean(0) / (samples * (samples - 1))
    return far - apart / 2.0


class Retrieval(NamedTuple):
    """Retrieval of the partners of pairs by distance.

    Attributes:
        rank: mean rank of the partner among all, as a fraction: 0 is best, 0.5 is chance.
        first: fraction of events whose partner is the nearest of all.
        correlation: mean correlation of the components of partners.
    """

    rank: float
    first: float
    correlation: float


def retrieve(
    first: ArrayLike, second: ArrayLike, metric: Literal["euclidean", "cosine"] = "euclidean"
) -> Retrieval:
    """Retrieve the partners of vectors (n, d) among n others, after standardising components.

    Args:
        first, second: vectors (n, d) of pairs.
        metric: distance between vectors.
    """
    vectors = (np.asarray(v, dtype="float64") for v in (first, second))
    one, other = ((v - v.mean(0)) / (v.std(0) + 1e-12) for v in vectors)
    distances = cdist(one, other, metric)
    own = np.diag(distances)
    ranks = (distances < own[:, None]).sum(1)
    return Retrieval(
        rank=float(ranks.mean() / (len(own) - 1)),
        first=float((ranks == 0).mean()),
        correlation=float((one * other).mean()),
    )
