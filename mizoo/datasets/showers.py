"""Electromagnetic showers in a calorimeter of lead tungstate, made on the spot."""

import numpy as np

from mizoo.datasets.samples import Samples, Split
from mizoo.physics import showers as parametrisation
from mizoo.physics.showers import PBWO4

CELLS, LAYERS = 10, 30  # cells along x and y, and along the axis of the shower
CELL = 0.5  # side of a cell across the axis, in Molière radii
LAYER = 1.0  # depth of a cell in radiation lengths
ENERGIES = (10.0, 100.0)  # GeV
RESOLUTION = 0.03  # σ(E) / √E of deposited energies E, in √GeV
_AT_ONCE = 500  # showers, for arrays that fit in the cache of a processor


def showers(events: int = 20_000, seed: int = 0) -> Split:
    """Showers x (n, 10, 10, 30, 1), energies of cells in GeV, and energies c (n, 1) of electrons in GeV.

    Electrons of 10 to 100 GeV, uniform in energy, enter a block of lead tungstate along its axis. Cells
    along x, y and depth measure 0.5 × 0.5 Molière radii × 1 radiation length, so that the block holds 97 %
    of a shower on average. See `cell_energies`. The last tenth is for test, and the tenth before it for
    validation.

    Args:
        events: number of showers, 10 or more. A thousand takes 12 MB, and less than a second.
        seed: seed of energies and showers. The same numbers of events and seeds give the same showers.

    Raises:
        ValueError: for fewer than 10 showers.
    """
    if events < 10:
        raise ValueError(f"events must be 10 or more, got {events}")
    generator = np.random.default_rng(seed)
    energies = generator.uniform(*ENERGIES, size=events)
    samples = Samples(cell_energies(energies, generator), c=energies)
    tenth = events // 10
    parts = (
        slice(events - 2 * tenth),
        slice(events - 2 * tenth, events - tenth),
        slice(events - tenth, events),
    )
    return Split(*(samples[part] for part in parts))


def cell_energies(energies: np.ndarray, seed: int | np.random.Generator = 0) -> np.ndarray:
    """Showers of electrons as energies of cells in GeV, (n, 10, 10, 30, 1), see `showers`.

    The parametrisation is that of Grindhammer and Peters (hep-ex/0001020) for homogeneous media. The gamma
    distribution in depth fluctuates from shower to shower. The energy of a layer is divided among spots,
    which fall into cells according to core and tail of the radial distribution. Measured energies fluctuate
    by gamma distributions, as the paper has them for sampling calorimeters; here, a resolution of 3 %/√E
    stands for that of the light of a crystal.

    Args:
        energies: incident energies (n,) in GeV, 1 or more.
        seed: seed of the showers, or a generator.

    Raises:
        ValueError: for another shape, or energies that are below 1 GeV or not finite.
    """
    energies = np.asarray(energies, "float64")
    if energies.ndim != 1:
        raise ValueError(f"energies must have shape (n,), got {energies.shape}")
    if not (np.isfinite(energies).all() and (energies >= 1.0).all()):
        raise ValueError("energies must be 1 GeV or more, and finite")
    generator = np.random.default_rng(seed)
    cells = np.empty((len(energies), CELLS, CELLS, LAYERS, 1), "float32")
    for first in range(0, len(energies), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        deposited = _deposited(energies[part], generator)
        hit = deposited > 0.0
        deposited[hit] = RESOLUTION**2 * generator.standard_gamma(deposited[hit] / RESOLUTION**2)
        cells[part, ..., 0] = np.moveaxis(deposited, 1, -1)
    return cells


def _deposited(energies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Deposited energies (n, layers, x, y) in GeV."""
    energies, edges = energies[:, None], LAYER * np.arange(LAYERS + 1)
    shower = parametrisation.Longitudinal(
        *(part[:, None] for part in parametrisation.draw_longitudinal(energies[:, 0], PBWO4, generator))
    )
    count, depths = parametrisation.spots(shower, energies, PBWO4)
    in_layer = energies * np.diff(shower.upto(edges))
    expected = count * np.diff(depths.upto(edges))
    # Rounded at random, as thin ends of showers have few spots; one is the least that keeps the energy.
    number = np.maximum(np.floor(expected + generator.random(expected.shape)), 1.0)
    middle = (edges[1:] + edges[:-1]) / 2.0
    tau = parametrisation.relative_depth(middle, shower, energies, PBWO4)
    quarter = parametrisation.radial(energies, tau, PBWO4).quarter(CELL * np.arange(1, CELLS // 2 + 1))
    fractions = quarter[:, :, _FROM_AXIS[:, None], _FROM_AXIS].reshape(*tau.shape, CELLS**2)[
        ..., _INNER_FIRST
    ]
    outside = np.maximum(1.0 - fractions.sum(-1, keepdims=True), 0.0)
    hits = generator.multinomial(number.astype("int64"), np.concatenate([fractions, outside], -1))
    deposited = np.empty(fractions.shape)
    deposited[..., _INNER_FIRST] = hits[..., :-1] * (in_layer / number)[..., None]
    return deposited.reshape(*tau.shape, CELLS, CELLS)


_INDEX = np.arange(CELLS) - (CELLS - 1) / 2.0
_FROM_AXIS = (np.abs(_INDEX) - 0.5).astype("int64")  # 4, 3, 2, 1, 0, 0, 1, 2, 3, 4
# Spots are dealt out from the axis to the rim, where few are left: this is twice as fast.
_INNER_FIRST = np.argsort(np.hypot(_INDEX[:, None], _INDEX).ravel(), kind="stable")
